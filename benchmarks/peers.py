"""The `lstm` step beside the same step in PyTorch and JAX: `make bench-peers`.

Each framework runs in processes of its own, in turn, so that what disturbs the machine for a while
disturbs all of them; the median over the rounds counts. Prints a table and writes peers.json.
"""

import json
import pathlib
import statistics
import subprocess

from absl import app, flags

from benchmarks import steps
from l2l_tf.core.files import write_whole
from tools.timing import interleaved

FLAGS = flags.FLAGS
PEERS = ("torch", "torch-compile", "jax")

if __name__ == "__main__":
    flags.DEFINE_string("python", None, "Interpreter that has torch and jax.", required=True)
    flags.DEFINE_multi_integer("weights", [10**5, 10**6], "Numbers of weights.", 1)
    flags.DEFINE_integer("rounds", 3, "Rounds over all frameworks.", 1)
    flags.DEFINE_string("output_dir", "benchmarks/results", "Where the JSON goes.")


def main(argv):
    del argv
    rows = [row for count in FLAGS.weights for row in _measure(count)]
    print(
        "\n| step | weights | ns per weight | times ours | first step, s |\n|---|---|---|---|---|"
    )
    for row in rows:
        if "failed" in row:
            print(f"| {row['step']} | {row['weights']:,} | {row['failed']} | | |")
            continue
        print(
            f"| {row['step']} | {row['weights']:,} | {row['ns_per_weight']:.0f} | "
            f"{row['times_ours']:.2f} | {row['first_seconds']:.1f} |"
        )
    directory = pathlib.Path(FLAGS.output_dir)
    directory.mkdir(parents=True, exist_ok=True)
    write_whole(directory / "peers.json", json.dumps(rows, indent=1) + "\n")


def _measure(count):
    ours = steps.Step(steps.optimizers()["lstm"], count, jit=True)
    times, firsts, failures = {"lstm rule, jit": []}, {"lstm rule, jit": ours.seconds_to_first}, {}
    for _ in range(FLAGS.rounds):
        seconds = interleaved({"ours": ours}, 3)["ours"]
        times["lstm rule, jit"].append(1e9 * seconds / count)
        for peer in PEERS:
            if peer in failures:
                continue
            try:
                row = _peer(peer, count)
            except (subprocess.CalledProcessError, FileNotFoundError) as error:
                text = getattr(error, "stderr", None) or str(error)
                failures[peer] = text.strip().splitlines()[-1][:100]
                continue
            times.setdefault(peer, []).append(row["ns_per_weight"])
            firsts.setdefault(peer, row["first_seconds"])
    medians = {name: statistics.median(values) for name, values in times.items()}
    rows = [
        {
            "step": name,
            "weights": count,
            "ns_per_weight": value,
            "times_ours": value / medians["lstm rule, jit"],
            "first_seconds": firsts[name],
        }
        for name, value in medians.items()
    ]
    return rows + [{"step": n, "weights": count, "failed": why} for n, why in failures.items()]


def _peer(peer, count):
    script = pathlib.Path(__file__).with_name("lstm_step_peers.py")
    command = [FLAGS.python, str(script), peer, str(count), "5"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    app.run(main)

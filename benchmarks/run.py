"""All benchmarks in one run: `make bench`, or python -m benchmarks.run --quick.

Prints tables, and writes benchmarks.json and benchmarks.png, or models.json with --models.
"""

import datetime
import json
import math
import os
import pathlib
import platform

import keras
import tensorflow as tf
from absl import app, flags

from benchmarks import evolution_steps, limits, meta_steps, models, steps, training
from benchmarks.plot import plot
from l2l_tf import presets
from l2l_tf.core.files import write_whole
from tools import timing

FLAGS = flags.FLAGS
PARTS = ("steps", "many_variables", "training", "models", "meta_steps", "evolution")

if __name__ == "__main__":
    flags.DEFINE_bool("quick", False, "Fewer sizes, models and repeats: about two minutes.")
    flags.DEFINE_bool("one_core", False, "One thread, processor time: for a machine in use.")
    flags.DEFINE_string("output_dir", "benchmarks/results", "Where JSON and plot go.")
    flags.DEFINE_multi_integer("weights", None, "Numbers of weights instead of 1e4 … 1e7.", 1)
    flags.DEFINE_multi_string("optimizer", None, "Only these of the optimizers.")
    flags.DEFINE_multi_enum("part", list(PARTS), list(PARTS), "What to measure; repeatable.")
    flags.DEFINE_bool("models", False, "Nothing but the part of whole models.")
    flags.DEFINE_multi_enum("model", None, list(models.MODELS), "Only these of the models.")
    flags.DEFINE_integer("repeats", None, "Interleaved repeats; their median counts.", 1)


def main(argv):
    del argv
    quick = FLAGS.quick
    if FLAGS.one_core:
        timing.use_one_core()
    repeats = FLAGS.repeats or (3 if quick else 7)
    counts = FLAGS.weights or ([10**4, 10**5] if quick else [10**4, 10**5, 10**6, 10**7])
    names = FLAGS.optimizer or (
        [steps.ADAM, "adam", "mixture", "celo", "lstm", "rnnprop"]
        if quick
        else [name for name in steps.optimizers() if name not in presets.list_presets()]
    )
    results = {
        "about": {
            "date": datetime.date.today().isoformat(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "repeats": repeats,
            "one_core": FLAGS.one_core,
        }
    }
    if FLAGS.models:
        results["models"] = models.measure(repeats, FLAGS.model)
        _report(results, "models", "Whole models", "models.json")
        return
    results["limits"] = {str(n): limits.rates(n, repeats) for n in counts if n <= 10**6}
    _print_limits(results["limits"])
    if "steps" in FLAGS.part:
        results["steps"] = steps.measure(counts, repeats, names)
        _share_of_limit(results)
        _table(results["steps"], "Steps")
        results["a_billion_weights"] = _on_paper(results["steps"])
        title = "On paper: 10^9 weights, from the largest size above"
        _report(results, "a_billion_weights", title)
    if "many_variables" in FLAGS.part:
        results["many_variables"] = [
            row
            for name in (steps.ADAM, "mixture", "lstm")
            if name in names
            for row in steps.many_variables(
                100_000, [2, 50] if quick else [2, 200, 1000], name, repeats
            )
        ]
        _report(results, "many_variables", "One size in few and many variables")
    if "training" in FLAGS.part:
        rivals = [n for n in (steps.ADAM, "adam", "mixture", "celo", "lstm") if n in names]
        wanted = ["mlp 784-256-256-10"] if quick else None
        results["training"] = training.measure(rivals, repeats, wanted)
        _report(results, "training", "Share of a train step")
    if "models" in FLAGS.part:
        wanted = FLAGS.model or (["transformer, 12 blocks", "kernel, 1 M"] if quick else None)
        results["models"] = models.measure(repeats, wanted)
        _report(results, "models", "Whole models")
    if "meta_steps" in FLAGS.part:
        wanted = ["quadratic, 128 tasks"] if quick else None
        results["meta_steps"] = meta_steps.measure(repeats, wanted)
        _against_straightforward(results)
        _report(results, "meta_steps", "Meta-steps, unroll 20")
    if "evolution" in FLAGS.part:
        results["evolution"] = evolution_steps.measure(repeats)
        title = "Evolution strategies: 16 optimizees of 2,410 weights, unroll 20"
        _report(results, "evolution", title)
    print(f"\nWritten to {FLAGS.output_dir}")


def _report(results, part, title, file="benchmarks.json"):
    """Prints a part and writes all so far: what is measured outlives a part that fails."""
    _table(results[part], title)
    directory = pathlib.Path(FLAGS.output_dir)
    directory.mkdir(parents=True, exist_ok=True)
    write_whole(directory / file, json.dumps(results, indent=1) + "\n")
    if "steps" in results:
        plot(results, directory / "benchmarks.png")


def _share_of_limit(results):
    for row in results["steps"]:
        rates = results["limits"].get(str(row["weights"]))
        if row["optimizer"] == "lstm" and rates and "skipped" not in row:
            row["times_limit"] = row["ns_per_weight"] / (1e9 * limits.lstm_step_limit(rates))


def _on_paper(rows):
    """State and time of a step that a model of 10^9 weights would need; both are linear."""
    last = {row["optimizer"]: row for row in rows if row["jit"] and "skipped" not in row}
    return [
        {
            "optimizer": name,
            "state_gigabytes": row["state_bytes_per_weight"],
            "seconds_per_step_here": row["ns_per_weight"],
            "machines_for_1_second": math.ceil(row["ns_per_weight"]),
        }
        for name, row in last.items()
    ]


def _against_straightforward(results):
    plain = {
        row["problem"]: row["meta_steps_per_second"]
        for row in results["meta_steps"]
        if row["estimator"] == "straightforward"
    }
    for row in results["meta_steps"]:
        row["times_straightforward"] = row["meta_steps_per_second"] / plain[row["problem"]]
        near = min(results["limits"], key=lambda n, w=row["weights"]: abs(int(n) - w))
        if row["estimator"] != meta_steps.CHECKPOINTED:
            limit = limits.lstm_bptt_limit(results["limits"][near])
            row["share_of_limit"] = 1e9 * limit / row["ns_per_weight_step"]


def _print_limits(measured):
    print("\n## Limits of the machine (10^9 per second)\n")
    names = list(next(iter(measured.values())))
    print("| weights | " + " | ".join(names) + " | lstm step, ns | lstm BPTT, ns |")
    print("|" + "---|" * (len(names) + 3))
    for count, rates in measured.items():
        values = " | ".join(f"{rates[n] / 1e9:.3g}" for n in names)
        step, bptt = limits.lstm_step_limit(rates), limits.lstm_bptt_limit(rates)
        print(f"| {count} | {values} | {1e9 * step:.0f} | {1e9 * bptt:.0f} |")


def _table(rows, title):
    print("\n## " + title + "\n", flush=True)
    keys = list(dict.fromkeys(k for row in rows for k in row))
    print("| " + " | ".join(k.replace("_", " ") for k in keys) + " |")
    print("|" + "---|" * len(keys))
    for row in rows:
        print("| " + " | ".join(_text(row.get(k)) for k in keys) + " |", flush=True)


def _text(value):
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    app.run(main)

"""The default's step under JAX and PyTorch beside their own optimizers: `make bench-backends`.

Each backend and size has a process of its own. Prints tables and writes backends.json.
"""

import json
import os
import pathlib
import subprocess
import sys

from absl import app, flags

from l2l_tf.core.files import write_whole

FLAGS = flags.FLAGS
STEPS = ((10**6, 2), (10**7, 2), (10**6, 200))
OWN = {"tensorflow": "Keras Adam", "jax": "optax.adamw", "torch": "torch AdamW"}

if __name__ == "__main__":
    flags.DEFINE_multi_string(
        "python", [], "BACKEND=INTERPRETER that has Keras and that backend. Repeatable."
    )
    flags.DEFINE_integer("repeats", 15, "Steps of each, in turn; their median counts.", 1)
    flags.DEFINE_bool("steps", True, "Steps on their own.")
    flags.DEFINE_bool("training", True, "A vision transformer's train step.")
    flags.DEFINE_integer("batch", 2, "Pictures of its batch.", 1)
    flags.DEFINE_integer("blocks", 4, "Its blocks.", 1)
    flags.DEFINE_integer("width", 192, "Its width, a multiple of 64.", 64)
    flags.DEFINE_string("output_dir", "benchmarks/results", "Where the JSON goes.")


def main(argv):
    del argv
    pythons = {"tensorflow": sys.executable}
    pythons |= dict(text.split("=", 1) for text in FLAGS.python)
    if unknown := set(pythons) - set(OWN):
        raise app.UsageError(f"--python names one of {list(OWN)}. Received: {sorted(unknown)}")
    results = []
    for backend, python in pythons.items():
        for weights, variables in STEPS if FLAGS.steps else ():
            numbers = (weights, variables, FLAGS.repeats)
            found = _run("backend_step", backend, python, numbers)
            results.append(
                {
                    "backend": backend,
                    "part": "step",
                    "weights": weights,
                    "variables": variables,
                    "optimizers": found,
                }
            )
            _print(results[-1])
        if FLAGS.training:
            numbers = (FLAGS.batch, FLAGS.blocks, FLAGS.width, FLAGS.repeats)
            found = _run("backend_training", backend, python, numbers)
            sizes = {name: found.pop(name) for name in ("weights", "variables")}
            results.append({"backend": backend, "part": "train step", **sizes, "optimizers": found})
            _print(results[-1])
    directory = pathlib.Path(FLAGS.output_dir)
    directory.mkdir(parents=True, exist_ok=True)
    write_whole(directory / "backends.json", json.dumps(results, indent=1) + "\n")


def _run(module, backend, python, numbers):
    command = [python, "-m", f"benchmarks.{module}", *map(str, numbers)]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _print(row):
    """A table: milliseconds of each optimizer, and over those of the backend's own Adam."""
    optimizers = row["optimizers"]
    own = optimizers.get(OWN[row["backend"]]) or optimizers["Keras Adam"]
    print(
        f"\n{row['backend']}, {row['part']}, {row['weights']:,} weights in {row['variables']} "
        "variables\n\n| optimizer | ms | over its own Adam | first, s |\n|---|---|---|---|"
    )
    for name, seconds in optimizers.items():
        print(
            f"| {name} | {1e3 * seconds['seconds']:.2f} | "
            f"{seconds['seconds'] / own['seconds']:.2f} | {seconds['first_seconds']:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)

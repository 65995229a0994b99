"""Training on a device under LiteRT, with Adam and every shipped preset: `make bench-litert`.

A perceptron on scikit-learn's digits is exported with its training, and trained by LiteRT's
interpreter in a process of another environment, which has no TensorFlow. Prints a table: size of
the file, milliseconds of processor time per train step on one thread, and how far the losses are
from Keras's along the same steps. A preset's steps are measured in turns with Adam's, which what
else the machine does makes slower alike. Writes litert.json after every row; presets that are not
asked for keep theirs, if it was of the same net and steps.
"""

import datetime
import json
import math
import pathlib
import statistics
import subprocess
import tempfile

import keras
import numpy as np
from absl import app, flags, logging

from l2l_tf import LearnedOptimizer, export, presets, tasks
from l2l_tf.core.files import to_json, write_whole

FLAGS = flags.FLAGS
# Meant for losses without noise: on mini-batches of a net they go astray after a few steps.
WITHOUT_NOISE = ("ntm-bfgs-quadratic", "ntm-lbfgs-quadratic")
# Processes of a preset, and as many of Adam's between them.
TURNS = 3

if __name__ == "__main__":
    flags.DEFINE_string("python", None, "Interpreter that has ai-edge-litert.", required=True)
    flags.DEFINE_multi_string("preset", presets.list_presets(), "Preset; repeatable.")
    flags.DEFINE_integer("steps", 50, "Train steps.", 1)
    flags.DEFINE_integer("batch_size", 32, "Rows of a batch.", 1)
    flags.DEFINE_multi_integer("hidden", [64, 32], "Units of the hidden layers.", 1)
    flags.DEFINE_string("output_dir", "benchmarks/results", "Where the JSON goes.")

ON_DEVICE = """
import json, sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter
assert "tensorflow" not in sys.modules
train = Interpreter(model_path=sys.argv[1], num_threads=1).get_signature_runner("train")
with np.load(sys.argv[2]) as batches:
    xs, ys = batches["x"], batches["y"]
losses, seconds = [], []
for x, y in zip(xs, ys):
    started = time.process_time()
    losses.append(float(train(x=x, y=y)["loss"]))
    seconds.append(time.process_time() - started)
print(json.dumps({"losses": losses, "seconds": float(np.median(seconds))}))
"""


def model_with(optimizer, hidden):
    """A perceptron on 64 pixels, compiled."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(units, "relu") for units in hidden]
    model = keras.Sequential([keras.layers.Input((64,)), *layers, keras.layers.Dense(10)])
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def batches_of(steps, batch_size):
    """`(x [steps, batch, 64], y [steps, batch])` of the digits."""
    rows, labels = (np.asarray(t) for t in tasks.digits("train"))
    which = np.arange(steps * batch_size).reshape(steps, batch_size) % len(rows)
    return rows[which], labels[which].astype("int64")


def trained_on_device(python, file, batches):
    """`{"losses": [steps], "seconds": …}` of a file's training in a process of its own.

    Args:
        python: Interpreter that has ai-edge-litert.
        file: What `export_litert` wrote.
        batches: Path of an `.npz` of all steps' `x` and `y`.
    """
    command = [python, "-c", ON_DEVICE, str(file), str(batches)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(model, adam, batches, python):
    """A row of the table.

    Args:
        model: Compiled model; it is trained.
        adam: What `export_litert` wrote of the same model with Adam.
        batches: Path of an `.npz` of all steps' `x` and `y`.
        python: Interpreter that has ai-edge-litert.
    """
    with np.load(batches) as rows:
        xs, ys = rows["x"], rows["y"]
    seconds, beside = [], []
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "training.tflite"
        export.export_litert(model, file, xs.shape[1])
        size = file.stat().st_size
        for _ in range(TURNS):
            beside.append(trained_on_device(python, adam, batches)["seconds"])
            found = trained_on_device(python, file, batches)
            seconds.append(found["seconds"])
    expected = []
    for x, y in zip(xs, ys, strict=True):
        model.reset_metrics()
        expected.append(float(model.train_on_batch(x, y)))
    differences = np.abs(np.subtract(found["losses"], expected)) / np.abs(expected)
    return {
        "kilobytes": size / 1000,
        "milliseconds": 1000 * statistics.median(seconds),
        "times_adam": statistics.median(np.divide(seconds, beside).tolist()),
        "first_steps": float(differences[:5].max()),
        "all_steps": float(differences.max()),
        "final_loss": found["losses"][-1],
        "final_loss_in_keras": expected[-1],
    }


def main(argv):
    del argv
    logging.set_verbosity(logging.ERROR)  # TensorFlow tells of every file that it converts.
    xs, ys = batches_of(FLAGS.steps, FLAGS.batch_size)
    optimizers = {"Adam": lambda: keras.optimizers.Adam(1e-3)}
    for name in FLAGS.preset:
        optimizers[name] = lambda name=name: LearnedOptimizer(preset=name)
    used = {"steps": FLAGS.steps, "batch_size": FLAGS.batch_size, "hidden": FLAGS.hidden}
    path = pathlib.Path(FLAGS.output_dir) / "litert.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = _kept(path, used)
    with tempfile.TemporaryDirectory() as directory:
        adam, batches = (pathlib.Path(directory) / name for name in ("adam.tflite", "batches.npz"))
        np.savez(batches, x=xs, y=ys)
        export.export_litert(model_with(optimizers["Adam"](), FLAGS.hidden), adam, FLAGS.batch_size)
        for name, make in optimizers.items():
            row = measure(model_with(make(), FLAGS.hidden), adam, batches, FLAGS.python)
            rows[name] = {**row, "date": datetime.date.today().isoformat()}
            print(_line(name, rows[name]), flush=True)
            write_whole(path, to_json({**used, "rows": rows}, indent=1) + "\n")
    print("", *table(rows, FLAGS.steps), sep="\n")


def _kept(path, used):
    """Rows of an earlier run of the same settings."""
    content = json.loads(path.read_text()) if path.is_file() else {}
    same = all(content.get(name) == value for name, value in used.items())
    return content["rows"] if same else {}


def table(rows, steps):
    """Lines of the table in the docs, Adam first."""
    return [
        f"| optimizer | file, kB | ms per step | × Adam | loss after {steps} steps | in Keras "
        "| largest relative difference, 5 steps | all steps |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(name, rows[name]) for name in sorted(rows, key=lambda n: (n != "Adam", n))),
    ]


def _line(name, row):
    label = f"{name} (means no noise)" if name in WITHOUT_NOISE else name
    ends, all_steps = (row["final_loss"], row["final_loss_in_keras"]), row["all_steps"]
    losses = " | ".join(f"{math.nan if end is None else end:.4g}" for end in ends)
    all_steps = math.nan if all_steps is None else all_steps
    return (
        f"| {label} | {row['kilobytes']:.0f} | {row['milliseconds']:.2f} | {row['times_adam']:.1f} "
        f"| {losses} | {row['first_steps']:.1g} | {all_steps:.1g} |"
    )


if __name__ == "__main__":
    app.run(main)

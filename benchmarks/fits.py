"""Seconds, not steps: `fit` with the default and with Adam(0.001), compilation included.

    python -m benchmarks.fits

Every net and optimizer has a process of its own; those of one net take their epochs in turn, so
that what disturbs the machine disturbs both. Prints, for each net, how long the first epoch took
(with tracing and compiling) and a later one, the least held-out loss, and after how many epochs and
seconds each is at or below Adam's least. Nothing is set; seconds are those of training alone.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

import keras
import numpy as np
from absl import app, flags

from l2l_tf import LearnedOptimizer, data
from l2l_tf.core.files import write_whole
from l2l_tf.evaluation.suite import models, sources

FLAGS = flags.FLAGS
ADAM, DEFAULT = "Adam(0.001)", "default"
OUTPUT = pathlib.Path(__file__).parent / "results" / "fits.json"


class Fit(NamedTuple):
    """A `fit`: function that gives model, splits and loss; epochs and batch size."""

    make: object
    epochs: int
    batch_size: int


def _pictures(dataset, rows, build, flat=False):
    def split(name, rows):
        inputs, labels = data.load(dataset, split=f"{name}[:{rows}]")
        inputs = np.asarray(inputs, "float32") / 255.0
        return inputs.reshape(rows, -1) if flat else inputs, np.asarray(labels, "int32")

    return build(), split("train", rows), split("test", 2000), _CROSS_ENTROPY


def _regression():
    splits = sources.friedman()
    return models.mlp(10, [64, 64], 1), splits["train"], splits["test"], "mse"


def _characters():
    text = data.load_text("tiny_shakespeare", split="train")
    codes = np.frombuffer(text.encode(), "uint8")[: 8000 * 33]
    known, codes = np.unique(codes, return_inverse=True)
    codes = codes.reshape(-1, 33).astype("int32")
    model = models.transformer(32, len(known), 64, 4, 2)
    train, test = ((c[:, :-1], c[:, 1:]) for c in (codes[:6400], codes[6400:]))
    return model, train, test, _CROSS_ENTROPY


_CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
FITS = {
    "10-64-64-1, columns": Fit(_regression, 60, 32),
    "784-128-10, MNIST": Fit(
        lambda: _pictures("mnist", 12800, lambda: models.mlp(784, [128], 10), flat=True), 10, 32
    ),
    "784-512-512-10, MNIST": Fit(
        lambda: _pictures("mnist", 12800, lambda: models.mlp(784, [512, 512], 10), flat=True),
        20,
        128,
    ),
    "two convolutions, CIFAR-10": Fit(
        lambda: _pictures("cifar10", 6400, lambda: models.conv_net((32, 32, 3), [32, 64], 10)),
        12,
        32,
    ),
    "transformer on characters": Fit(_characters, 12, 64),
}

if __name__ == "__main__":
    flags.DEFINE_multi_enum("net", list(FITS), list(FITS), "Which nets.")
    flags.DEFINE_string("output", str(OUTPUT), "Where the records go.")
    flags.DEFINE_string("alone", None, "Optimizer of this process; for use by the benchmark.")


class InTurn(keras.callbacks.Callback):
    """Begins an epoch when it reads a line, and prints what its training took and the losses."""

    def on_epoch_begin(self, epoch, logs=None):
        sys.stdin.readline()
        self._began = time.perf_counter()

    def on_test_begin(self, logs=None):
        self._seconds = time.perf_counter() - self._began

    def on_epoch_end(self, epoch, logs=None):
        losses = {"loss": float(logs["loss"]), "held_out": float(logs["val_loss"])}
        print(json.dumps({"seconds": self._seconds, **losses}), flush=True)


def train(name, optimizer):
    """One `fit`, whose epochs wait for their turn."""
    fit = FITS[name]
    keras.utils.set_random_seed(0)
    model, (inputs, labels), test, loss = fit.make()
    model.compile(keras.optimizers.Adam(1e-3) if optimizer == ADAM else LearnedOptimizer(), loss)
    model.fit(
        inputs,
        labels,
        batch_size=fit.batch_size,
        epochs=fit.epochs,
        validation_data=test,
        verbose=0,
        callbacks=[InTurn()],
    )


def measure(name):
    """Dict of one net: for each optimizer the seconds and losses of its epochs."""
    command = [sys.executable, "-m", "benchmarks.fits", f"--net={name}"]
    pipe = subprocess.PIPE
    running = {
        optimizer: subprocess.Popen(
            [*command, f"--alone={optimizer}"], stdin=pipe, stdout=pipe, text=True
        )
        for optimizer in (ADAM, DEFAULT)
    }
    found = {o: {"seconds": [], "loss": [], "held_out": []} for o in running}
    for _ in range(FITS[name].epochs):
        for optimizer, process in running.items():
            process.stdin.write("\n")
            process.stdin.flush()
            told = json.loads(process.stdout.readline())
            for key, values in found[optimizer].items():
                values.append(told[key])
    for process in running.values():
        process.stdin.close()
        process.wait()
    return found


def row(name, found):
    """Cells of a row of the table."""
    aim = min(found[ADAM]["held_out"])
    told = {o: _to(found[o], aim) for o in (DEFAULT, ADAM)}
    first = [f"{found[o]['seconds'][0]:.1f}" for o in told]
    later = [statistics.median(found[o]["seconds"][1:]) for o in told]
    (epochs, taken), (of, whole) = told.values()
    return [
        name,
        f"{FITS[name].batch_size}",
        " / ".join(first),
        f"{later[0]:.2f} / {later[1]:.2f} ({later[0] / later[1]:.2f})",
        " / ".join(f"{found[o]['loss'][-1]:.3g}" for o in told),
        " / ".join(f"{min(found[o]['held_out']):.3g}" for o in told),
        f"{epochs} / {of}" if epochs else "–",
        f"{taken:.1f} / {whole:.1f} ({taken / whole:.2f})" if epochs else "–",
    ]


def _to(found, aim):
    """Epochs and seconds to a held-out loss at or below `aim`; Nones where there is none."""
    losses = found["held_out"]
    epochs = next((i + 1 for i, loss in enumerate(losses) if loss <= aim), None)
    return epochs, sum(found["seconds"][:epochs]) if epochs else None


HEADER = (
    "net",
    "batch",
    "first epoch, s: default / Adam",
    "later ones, s",
    "train loss at the end",
    "least held-out loss",
    "epochs to Adam's least",
    "seconds to it",
)


def main(argv):
    del argv
    if FLAGS.alone:
        train(FLAGS.net[0], FLAGS.alone)
        return
    path = pathlib.Path(FLAGS.output)
    records = json.loads(path.read_text()) if path.exists() else {}
    print("| " + " | ".join(HEADER) + " |\n|" + "---|" * len(HEADER), flush=True)
    for name in FLAGS.net:
        records[name] = measure(name)
        print("| " + " | ".join(row(name, records[name])) + " |", flush=True)
    write_whole(path, json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    app.run(main)

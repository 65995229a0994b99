"""Kernels under constraints, trained by `fit`: learned rules beside Adam.

python -m experiments.constraints.run

Least squares of `[20, 10]` numbers, half of them negative, under `NonNeg`, which holds those at
zero for the whole run; and digits by a hidden layer whose columns have norm 1 (`UnitNorm`) or at
most 1 (`MaxNorm`). Figures are losses on the training rows, medians over seeds with the least and
the greatest: the largest after any epoch but the first, and the last.
"""

import keras
import numpy as np
from absl import app, flags
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression

from experiments.tables import markdown, spread_of
from l2l_tf import LearnedOptimizer

FLAGS = flags.FLAGS
OPTIMIZERS = {
    "LearnedOptimizer()": LearnedOptimizer,
    "mixture-general": lambda: LearnedOptimizer(preset="mixture-general"),
    "rnnprop-general": lambda: LearnedOptimizer(preset="rnnprop-general"),
    "Adam(1e-2)": lambda: keras.optimizers.Adam(1e-2),
    "Adam(1e-3)": lambda: keras.optimizers.Adam(1e-3),
}
BATCH_SIZE = 32

if __name__ == "__main__":
    flags.DEFINE_integer("epochs", 30, "Epochs of a run.", 2)
    flags.DEFINE_integer("seeds", 5, "Runs of each.", 1)


def least_squares(constraint, seed):
    """`(model, x, y, loss, optimum)` of a linear map, half of whose numbers are negative."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(512, 20))
    y = x @ generator.normal(size=(20, 10))
    best = LinearRegression(positive=True, fit_intercept=False).fit(x, y)
    layer = keras.layers.Dense(10, use_bias=False, kernel_constraint=constraint)
    model = keras.Sequential([keras.layers.Input((20,)), layer])
    return model, x, y, "mse", float(np.mean((best.predict(x) - y) ** 2))


def digits(constraint, seed):
    """`(model, x, y, loss, None)` of a net with one hidden layer under a constraint."""
    del seed
    data = load_digits()
    hidden = keras.layers.Dense(32, "relu", kernel_constraint=constraint)
    model = keras.Sequential([keras.layers.Input((64,)), hidden, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return model, data.data / 16, data.target, loss, None


TASKS = {
    "least squares, NonNeg": (least_squares, keras.constraints.NonNeg),
    "digits, UnitNorm": (digits, lambda: keras.constraints.UnitNorm(axis=0)),
    "digits, MaxNorm(1)": (digits, lambda: keras.constraints.MaxNorm(1.0, axis=0)),
    "digits, none": (digits, lambda: None),
}


def losses(task, make, epochs, seed):
    """`(largest loss but for the first epoch's, last loss, optimum or None)` of one run."""
    keras.utils.set_random_seed(seed)
    build, constraint = TASKS[task]
    model, x, y, loss, optimum = build(constraint(), seed)
    model.compile(make(), loss)
    history = model.fit(x.astype("float32"), y, BATCH_SIZE, epochs, verbose=0).history["loss"]
    return max(history[1:]), history[-1], optimum


def table(task, epochs, seeds):
    """Markdown table of one task: a row for each optimizer."""
    rows = []
    for title, make in OPTIMIZERS.items():
        largest, last, optima = zip(
            *(losses(task, make, epochs, seed) for seed in range(seeds)), strict=True
        )
        rows.append([title, spread_of(largest), spread_of(last)])
    if optima[0] is not None:
        rows.append(["the optimum", "", spread_of(optima)])
    return markdown([task, "largest loss after the first epoch", "last loss"], rows)


def main(argv):
    del argv
    for task in TASKS:
        print(table(task, FLAGS.epochs, FLAGS.seeds), flush=True)


if __name__ == "__main__":
    app.run(main)

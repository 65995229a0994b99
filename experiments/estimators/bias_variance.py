"""Bias and variance of BPTT, ES and PES where the exact meta-gradient is known.

python -m experiments.estimators.bias_variance --output_dir=experiments/estimators/results

The toy: gradient descent on ½x² from x = 1, its learning rate the one meta-parameter, the mean
loss of 20 steps the meta-loss. Each estimator cuts these steps into unrolls of 1 to 20; what it
says of the whole trajectory is the mean over its unrolls. Writes `bias_variance.csv` and
`bias_variance.png`.
"""

import datetime
import pathlib

import numpy as np
import tensorflow as tf
from absl import app, flags

from l2l_tf.core.files import write_csv
from l2l_tf.meta.estimators import (
    EvolutionStrategies,
    PersistentEvolutionStrategies,
    TruncatedBPTT,
)
from l2l_tf.rules import CoordinatewiseRule
from l2l_tf.tasks import Task, as_seed, fold_in

FLAGS = flags.FLAGS
RATE, STEPS, PAIRS = 0.1, 20, 16
UNROLLS = (1, 2, 5, 10, 20)
ESTIMATORS = {
    "BPTT": TruncatedBPTT,
    "ES": EvolutionStrategies,
    "PES": PersistentEvolutionStrategies,
}
COLORS = {"BPTT": "#444444", "ES": "#56B4E9", "PES": "#D55E00"}

if __name__ == "__main__":
    flags.DEFINE_string("output_dir", "experiments/estimators/results", "For CSV and picture.")
    flags.DEFINE_integer("repeats", 200, "Trajectories per estimator and unroll.", 2)


class Bowl(Task):
    """f(x) = ½x², x starting at 1."""

    def init(self, seed):
        return [tf.ones([1])], []

    def loss(self, params, model_state, batch):
        return 0.5 * tf.reduce_sum(params[0] ** 2), model_state, {}


class OneRate(CoordinatewiseRule):
    """Gradient descent whose learning rate is the one meta-parameter."""

    def __init__(self):
        self.meta_params = self.initial_meta_params()

    def initial_meta_params(self, seed=0):
        return {"rate": np.full((1,), RATE, "float32")}

    def slot_shapes(self):
        return {}

    def coordinate_update(self, gradient, state, variable, context):
        return -self.meta_params["rate"] * gradient, state


def exact():
    """Derivative by the rate of the mean of ½x_t², x_t = (1 − rate)^t, t = 1 … STEPS."""
    t = np.arange(1, STEPS + 1)
    return float(np.mean(-t * (1 - RATE) ** (2 * t - 1)))


def finite_difference(epsilon=1e-4):
    """The same, measured: central difference of the mean loss of really taken steps."""

    def mean_loss(rate):
        x, losses = 1.0, []
        for _ in range(STEPS):
            x -= rate * x
            losses.append(0.5 * x * x)
        return np.mean(losses)

    return float((mean_loss(RATE + epsilon) - mean_loss(RATE - epsilon)) / (2 * epsilon))


def estimates(name, unroll, repeats):
    """`[repeats]`: estimates of the meta-gradient of whole trajectories.

    Args:
        name: Key of `ESTIMATORS`.
        unroll: Steps per unroll, a divisor of `STEPS`.
        repeats: Number of trajectories.
    """
    # Without `second_derivatives` BPTT would drop how gradients depend on the rate.
    settings = {"second_derivatives": True} if name == "BPTT" else {}
    tasks = 1 if name == "BPTT" else PAIRS
    estimator = ESTIMATORS[name](unroll=unroll, num_tasks=tasks, **settings)
    rule, task = OneRate(), Bowl()

    @tf.function(autograph=False)
    def one(carried, start):
        drawn = estimator.batches(task, carried, start)
        return estimator.estimate(rule, task, carried, drawn, start, STEPS)

    found = np.zeros(repeats)
    for repeat in range(repeats):
        carried = estimator.begin(rule, task, fold_in(as_seed(0), repeat))
        for start in range(0, STEPS, unroll):
            estimate = one(carried, tf.constant(start))
            carried = estimate.carried
            found[repeat] += float(estimate.meta_gradient["rate"][0]) * unroll / STEPS
    return found


def rows(repeats):
    """List of dicts: estimator, unroll, bias, its standard error, and deviation, over |exact|."""
    true = exact()
    found = []
    for name in ESTIMATORS:
        for unroll in UNROLLS:
            # BPTT on this toy draws nothing at random.
            values = estimates(name, unroll, 2 if name == "BPTT" else repeats)
            found.append(
                {
                    "estimator": name,
                    "unroll": unroll,
                    "bias": (values.mean() - true) / abs(true),
                    "bias_error": values.std(ddof=1) / np.sqrt(len(values)) / abs(true),
                    "deviation": values.std(ddof=1) / abs(true),
                }
            )
    return found


def draw(found, path):
    """Write the picture: bias and deviation against the length of unrolls."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 3.8), layout="constrained")
    bias, deviation = figure.subplots(1, 2)
    for name in ESTIMATORS:
        mine = [row for row in found if row["estimator"] == name]
        unrolls = [row["unroll"] for row in mine]
        style = dict(color=COLORS[name], marker="o", markersize=4, label=name)
        errors = [2 * row["bias_error"] for row in mine]
        bias.errorbar(unrolls, [row["bias"] for row in mine], errors, capsize=3, **style)
        if name != "BPTT":
            deviation.plot(unrolls, [row["deviation"] for row in mine], **style)
    bias.axhline(0, color="black", linewidth=0.8)
    bias.set_title("Bias ± 2 standard errors, over |exact meta-gradient|", fontsize=10)
    deviation.set_title("Standard deviation, over |exact meta-gradient|", fontsize=10)
    deviation.set_ylim(0)
    for axes in (bias, deviation):
        axes.set_xscale("log")
        axes.set_xticks(UNROLLS, [str(unroll) for unroll in UNROLLS])
        axes.minorticks_off()
        axes.set_xlabel(f"steps per unroll (trajectory: {STEPS})")
        axes.legend(frameon=False)
        axes.grid(True, color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(
        f"{PAIRS} antithetic pairs, σ = 0.01 · TensorFlow {tf.__version__} · "
        f"{datetime.date.today().isoformat()}",
        fontsize=7,
        color="#777777",
    )
    figure.savefig(path, dpi=130)


def main(argv):
    del argv
    directory = pathlib.Path(FLAGS.output_dir)
    directory.mkdir(parents=True, exist_ok=True)
    found = rows(FLAGS.repeats)
    write_csv(directory / "bias_variance.csv", found)
    draw(found, directory / "bias_variance.png")
    for row in found:
        print(
            "{estimator:5} {unroll:3} {bias:+.3f} ±{bias_error:.3f} {deviation:.3f}".format(**row)
        )


if __name__ == "__main__":
    app.run(main)

"""The appendix's rules on a network: the MNIST MLP, beside tuned optimizers and SciPy's L-BFGS.

python -m experiments.appendix.networks --runs=runs/appendix --output_dir=runs/appendix-networks

Learned rules, Adam and SGD with momentum see batches of 128 rows; the latter two have the best of
15 learning rates on seeds that are not reported. L-BFGS with line search needs one function for
a whole run: it sees all training rows at every evaluation, which counts as that many batches.
The matrix of NTM-BFGS would have as many entries as weights squared, and is left out.
"""

import dataclasses
import json
import pathlib
import time

import matplotlib.pyplot as plt
import numpy as np
import scipy.optimize
import tensorflow as tf
from absl import app, flags

from experiments.tables import markdown, spread
from l2l_tf import evaluation, presets, tasks
from l2l_tf.core.files import write_whole
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.results import Spread

FLAGS = flags.FLAGS
TASK = "mnist_mlp"
BATCH, ROWS_AT_ONCE = 128, 10_000
LEARNED = ("lstm-mnist-whole-run", "gac-lstm-mnist", "ntm-lbfgs-5-mnist", "ntm-lbfgs-20-mnist")
LINE_SEARCH = "SciPy L-BFGS, all rows"

if __name__ == "__main__":
    flags.DEFINE_string("runs", "runs/appendix", "What experiments.appendix.train wrote.")
    flags.DEFINE_string("output_dir", "runs/appendix-networks", "Where results go.")
    flags.DEFINE_integer("steps", 100, "Steps of every run.", 1)
    flags.DEFINE_integer("seeds", 5, "Runs reported of each optimizer.", 1)
    flags.DEFINE_integer("grid_seeds", 2, "Runs per learning rate.", 1)


@dataclasses.dataclass(frozen=True)
class Path:
    """One run of a method with line search, `[iterations + 1]` each, the start first.

    Attributes:
        losses: Train losses as evaluations report them.
        evaluations: Gradient evaluations so far, in batches of `BATCH` rows.
        seconds: Seconds so far, without the reports.
        held_out: Loss and accuracy on the test split, at the end.
    """

    losses: list
    evaluations: list
    seconds: list
    held_out: dict


def with_line_search(problem, seed, steps):
    """SciPy's L-BFGS-B (20 pairs) on the mean loss of all training rows, as a `Path`.

    The function is evaluated in float32, as everywhere else, and handed over in float64.
    """
    start, state = problem.start("report", seed)
    shapes = [p.shape for p in start]
    edges = np.cumsum([0, *(p.size for p in start)])
    rows, labels = problem.task.full_batch("train")
    count = int(rows.shape[0])

    @tf.function(autograph=False)
    def value_and_gradient(params, rows, labels):
        with tf.GradientTape() as tape:
            tape.watch(params)
            loss, _, _ = problem.task.loss(params, state, (rows, labels))
        return loss, tape.gradient(loss, params)

    def params_of(x):
        parts = [x[a:b].reshape(s) for a, b, s in zip(edges, edges[1:], shapes, strict=False)]
        return [tf.constant(p, tf.float32) for p in parts]

    calls = [0]

    def function(x):
        calls[0] += 1
        total, slope = 0.0, np.zeros_like(x)
        for a in range(0, count, ROWS_AT_ONCE):
            part = rows[a : a + ROWS_AT_ONCE]
            loss, gradients = value_and_gradient(params_of(x), part, labels[a : a + ROWS_AT_ONCE])
            share = int(part.shape[0]) / count
            total += share * float(loss)
            slope += share * np.concatenate([g.numpy().ravel() for g in gradients])
        return total, slope

    def train_loss(x):
        return problem.report(params_of(x), state, ["train"])["train"]["loss"]

    x = np.concatenate([p.ravel() for p in start]).astype("float64")
    function(x)  # Traced before time is taken.
    calls[0] = 0
    losses, evaluations, seconds, reporting = [train_loss(x)], [0.0], [0.0], [0.0]
    began = time.perf_counter()

    def record(x):
        entered = time.perf_counter()
        seconds.append(entered - began - reporting[0])
        evaluations.append(calls[0] * count / BATCH)
        losses.append(train_loss(x))
        reporting[0] += time.perf_counter() - entered

    options = {"maxiter": steps, "maxcor": 20, "ftol": 0.0, "gtol": 0.0, "maxfun": 100 * steps}
    found = scipy.optimize.minimize(
        function, x, jac=True, method="L-BFGS-B", callback=record, options=options
    )
    held_out = problem.report(params_of(found.x), state, ["test"])["test"]
    return Path(losses, evaluations, seconds, held_out)


def at_budget(path, batches):
    """The last train loss that took no more than a number of batches; None before the first."""
    within = [i for i, used in enumerate(path.evaluations) if 0 < used <= batches]
    return path.losses[within[-1]] if within else None


def learned(runs):
    """Contenders of the meta-trained rules that are there, or shipped."""
    found = []
    for name in LEARNED:
        trained = pathlib.Path(runs) / name / "preset"
        if trained.is_dir() or name in presets.list_presets():
            found.append(evaluation.learned(trained if trained.is_dir() else name, name))
        else:
            print(f"Not compared, because not meta-trained: {name}")
    return found


def table(results, paths):
    """Markdown: the end of every optimizer's runs."""
    header = ["optimizer", "train loss", "held-out loss", "held-out accuracy"]
    header += [f"batches of {BATCH} rows", "ms per step"]
    lines = []
    for row in results.summary():
        made, name = row.contestant, row.contestant.optimizer
        label = f"**{name}**" if made.learned else f"{name} ({made.learning_rate:.2g})"
        ends = (row.train_loss, row.held_out_loss, row.held_out_accuracy)
        lines.append(
            [label, *_ends(*ends), FLAGS.steps, f"{1e3 * row.seconds_per_step.median:.2g}"]
        )
    ends = ([path.losses[-1] for path in paths], *_held_out(paths))
    ends = [Spread(np.median(values), min(values), max(values)) for values in ends]
    batches = np.median([path.evaluations[-1] for path in paths])
    seconds = np.median([path.seconds[-1] / (len(path.seconds) - 1) for path in paths])
    lines.append([LINE_SEARCH, *_ends(*ends), f"{batches:.0f}", f"{1e3 * seconds:.2g}"])
    return markdown(header, lines)


def _held_out(paths):
    return ([path.held_out[name] for path in paths] for name in ("loss", "accuracy"))


def _ends(train_loss, held_out_loss, accuracy):
    shown = spread(accuracy, lambda value: f"{value:.3f}")
    return spread(train_loss), spread(held_out_loss), shown


def plot(results, paths, path):
    """Train loss against steps, gradient evaluations and seconds; medians over seeds."""
    figure, axes = plt.subplots(1, 3, figsize=(16, 5), sharey=True)
    (task,) = results.tasks
    for row in results.summary():
        name = row.contestant.optimizer
        steps, seconds, median, *_ = results.curve(task, name, "train_loss")
        for axis, x in zip(axes, (steps, steps, seconds), strict=True):
            axis.plot(x[1:], median[1:], label=name, lw=2.4 if row.contestant.learned else 1.2)
    length = min(len(p.losses) for p in paths)
    median = {
        name: np.median([getattr(p, name)[:length] for p in paths], axis=0)
        for name in ("losses", "evaluations", "seconds")
    }
    for axis, x in zip(
        axes, (np.arange(length), median["evaluations"], median["seconds"]), strict=True
    ):
        axis.plot(x[1:], median["losses"][1:], "k--", lw=1.2, label=LINE_SEARCH)
    for axis, label in zip(
        axes, ("steps", f"gradient evaluations, batches of {BATCH}", "seconds"), strict=True
    ):
        axis.set(xlabel=label, yscale="log")
        axis.grid(True, color="#dddddd", lw=0.6)
    axes[1].set_xscale("log")
    axes[2].set_xscale("log")
    axes[0].set_ylabel("train loss")
    axes[0].legend(fontsize=8)
    figure.suptitle(f"{task}: medians of {len(paths)} seeds · {results.date}", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def main(argv):
    del argv
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    settings = evaluation.Settings(
        steps=FLAGS.steps, seeds=FLAGS.seeds, grid_seeds=FLAGS.grid_seeds
    )
    results = evaluation.evaluate(
        TASK,
        [*learned(FLAGS.runs), "adam", "momentum"],
        settings,
        cache_dir=pathlib.Path(FLAGS.runs) / "tuning",
        progress=True,
    )
    problem = Problem(tasks.get(TASK))
    paths = [with_line_search(problem, seed, FLAGS.steps) for seed in range(FLAGS.seeds)]
    results.to_csv(output / "mnist.csv")
    kept = [dataclasses.asdict(path) for path in paths]
    write_whole(output / "mnist-line-search.json", json.dumps(kept) + "\n")
    text = table(results, paths)
    equal = [at_budget(path, FLAGS.steps) for path in paths]
    if None in equal:
        text += (
            f"\nOne evaluation of all rows takes more than the {FLAGS.steps} batches of the "
            "others' whole runs.\n"
        )
    write_whole(output / "mnist.md", text)
    plot(results, paths, output / "mnist.png")
    print(text)


if __name__ == "__main__":
    app.run(main)

"""Compares the appendix's meta-trained rules with tuned and with analytic optimizers.

python -m experiments.appendix.compare --runs=runs/appendix --output_dir=runs/appendix-results

Writes results.json, tables.md and plots. Adam and SGD with momentum are tuned for every
problem by themselves, on instances that are not reported.
"""

import datetime
import functools
import json
import math
import pathlib
import platform

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from absl import app, flags

from experiments.appendix.problems import (
    PROBLEMS,
    losses_of,
    minimum,
    seconds_per_step,
    with_line_search,
)
from experiments.appendix.train import RULES
from experiments.tables import markdown
from l2l_tf import presets, rules, tasks
from l2l_tf.core.files import write_whole
from l2l_tf.evaluation.tuning import Grid, search

FLAGS = flags.FLAGS
GRID = Grid(low=1e-3, high=10**0.5)
BASELINES = {"adam": rules.Adam, "momentum": lambda rate: rules.Momentum(rate, 0.9)}
REPORTED, TUNING = 20_001, 10_001
TARGET = 1e-6
COLUMNS = (10, 20, 50, 100)
INVERSE_STEPS = 100
# Colours tell families: memories, those without the secant controller, LSTMs, tuned ones, SciPy.
STYLES = {
    "ntm_bfgs": {"color": "#08306b", "lw": 2},
    "ntm_lbfgs_20": {"color": "#2171b5", "lw": 2},
    "ntm_lbfgs_5": {"color": "#6baed6", "lw": 2},
    "ntm_lbfgs_2": {"color": "#a6d5c9", "lw": 2},
    "ntm_bfgs_plain": {"color": "#54278f", "ls": "--"},
    "ntm_lbfgs_20_plain": {"color": "#c07ad0", "ls": "--"},
    "lstm": {"color": "#d94801"},
    "gac_lstm": {"color": "#fdae6b"},
    "adam": {"color": "#238b45"},
    "momentum": {"color": "#a1d99b"},
    "scipy BFGS": {"color": "black", "ls": "--"},
    "scipy L-BFGS": {"color": "black", "ls": ":"},
}

if __name__ == "__main__":
    flags.DEFINE_string("runs", "runs/appendix", "What experiments.appendix.train wrote.")
    flags.DEFINE_string("output_dir", "runs/appendix-results", "Where results go.")
    flags.DEFINE_integer("instances", 16, "Instances of every problem.", 1)
    flags.DEFINE_integer("steps", 400, "Steps of every run.", max(COLUMNS))


def excess(losses, least):
    """Median over instances of the loss above the least one, `[steps + 1]`."""
    return np.median(np.maximum(losses - least, 0.0), axis=1)


def steps_to(losses, least, target=TARGET):
    """Median number of steps until the excess is `target` of the first; None if never."""
    above = np.maximum(losses - least, 0.0)
    reached = above <= target * above[0]
    steps = np.where(reached.any(axis=0), reached.argmax(axis=0), np.inf)
    median = float(np.median(steps))
    return median if np.isfinite(median) else None


def tuned(make, problem, count, at):
    """The rates of the lowest median loss at each of the steps `at`, on the tuning instances."""

    @functools.cache
    def medians(rate):
        return np.median(losses_of(make(rate), problem, TUNING, count, max(at)), axis=1)

    def best(step):
        def loss(rate, _):
            return float(np.nan_to_num(medians(rate)[step], nan=np.inf))

        return search(GRID, loss, 1).rate

    return [best(step) for step in at]


def learned_rules(runs):
    """Dict name → the meta-trained rules that are there."""
    found = {name: pathlib.Path(runs) / name / "preset" for name in RULES}
    return {name: presets.load_preset(p) for name, p in found.items() if p.is_dir()}


def recorded(steps):
    """The steps of a run that are kept: all at first, then ever fewer."""
    kept = {*range(21), *range(20, 101, 5), *range(100, steps + 1, 10), steps}
    return sorted(kept)


def compare(problem, learned, count, steps):
    """Dict optimizer → plain data of one problem.

    Lists are at the `recorded` steps: "excess", and, if a step may have several,
    "evaluations" of the gradient and "seconds".
    """
    least, at = minimum(problem), recorded(steps)
    rows = {}

    def add(name, losses, needed, **more):
        rows[name] = {"excess": _digits(excess(losses, least)[at]), "steps_to_target": needed}
        rows[name].update(more)

    for name, rule in learned.items():
        losses = losses_of(rule, problem, REPORTED, count, steps)
        seconds = seconds_per_step(rule, problem)
        add(name, losses, steps_to(losses, least), seconds_per_step=seconds)
    for name, make in BASELINES.items():
        rates = tuned(make, problem, count, (max(COLUMNS), steps))
        runs = {r: losses_of(make(r), problem, REPORTED, count, steps) for r in rates}
        needed = [steps_to(losses, least) for losses in runs.values()]
        needed = min((n for n in needed if n is not None), default=None)
        seconds = seconds_per_step(make(rates[0]), problem)
        add(name, runs[rates[0]], needed, seconds_per_step=seconds, rates=rates)
    for name, method in (("scipy BFGS", "BFGS"), ("scipy L-BFGS", "L-BFGS-B")):
        losses, used, seconds = with_line_search(method, problem, REPORTED, count, steps)
        used, seconds = np.median(used, axis=1), np.median(seconds, axis=1)
        needed = steps_to(losses, least)
        last = steps if needed is None else math.ceil(needed)
        add(
            name,
            losses,
            needed,
            seconds_per_step=float(seconds[last] / last),
            evaluations_to_target=None if needed is None else float(used[last]),
            evaluations=used[at].tolist(),
            seconds=_digits(seconds[at]),
        )
    return rows


def _digits(values):
    """Four digits of each number as a list; None for what is not finite."""
    return [float(f"{v:.3e}") if np.isfinite(v) else None for v in np.asarray(values, "float64")]


def inverse_error(rule, problem, steps):
    """‖M_t H − I‖ along a run on one quadratic, in units of ‖σH − I‖, `[steps + 1]`."""
    (x,), (root, target) = tasks.get(problem).init(tasks.as_seed(REPORTED))
    hessian = root.numpy().T @ root.numpy()
    identity = np.eye(len(hessian))
    sigma = float(np.exp(rule.meta_params["memory_log_scale"]))

    @tf.function(autograph=False)
    def move(x, state, step):
        gradient = tf.linalg.matvec(root, tf.linalg.matvec(root, x - target), transpose_a=True)
        (update,), state = rule.update([gradient], state, [x], rules.Context(step))
        return x + update, state

    state, errors = rule.init([x]), []
    for step in range(steps + 1):
        memory = {k: v for k, v in state.shared.items() if k != "started"}
        matrix = rule.memory.read(memory, identity.astype("float32"), sigma).numpy().T
        errors.append(float(np.linalg.norm(matrix @ hessian - identity)))
        x, state = move(x, state, tf.constant(step))
    return np.array(errors) / np.linalg.norm(sigma * hessian - identity)


def about(count, steps):
    return (
        f"{count} instances, seed {REPORTED}, {steps} steps; TensorFlow {tf.__version__}, Keras "
        f"{keras.__version__}, {platform.machine()}; {datetime.date.today().isoformat()}"
    )


def number(value, form="{:.2g}"):
    return "–" if value is None else form.format(value)


def table(problem, rows, at):
    """Markdown: one problem. `at`: the steps at which its rows are recorded."""
    header = ["", "10 steps", *map(str, COLUMNS[1:]), f"steps to {TARGET:g}", "gradients to it"]
    lines = []
    for name, row in rows.items():
        steps = row["steps_to_target"]
        used = [number(n, "{:.0f}") for n in (steps, row.get("evaluations_to_target", steps))]
        label = name
        if "rates" in row:
            label += f" ({', '.join(f'{rate:.2g}' for rate in dict.fromkeys(row['rates']))})"
        values = [row["excess"][at.index(k)] for k in COLUMNS]
        time = number(1e3 * row["seconds_per_step"])
        lines.append([label, *("∞" if v is None else number(v) for v in values), *used, time])
    return f"### {problem}\n\n{markdown([*header, 'CPU ms per step'], lines)}"


def short(problem):
    """A problem's name in a table's header."""
    task = tasks.get(problem)
    if problem.startswith("conditioned"):
        return f"{task.dimension}, {task.condition:g}"
    return problem.replace("_", " ")


def target_table(results):
    """Markdown: steps to the target, and as a multiple of those of SciPy's BFGS."""

    def cell(rows, name):
        steps, theirs = (rows[n]["steps_to_target"] for n in (name, "scipy BFGS"))
        if steps is None:
            return "–"
        return f"{steps:.0f}" if theirs is None else f"{steps:.0f} ({steps / theirs:.2f})"

    names = list(next(iter(results.values())))
    lines = [[name, *(cell(rows, name) for rows in results.values())] for name in names]
    return f"### Steps to {TARGET:g}\n\n" + markdown(["", *map(short, results)], lines)


def inverse_table(errors):
    """Markdown: lowest and highest along a run. `errors`: dict problem → dict rule → list."""

    def cell(row):
        seen = [np.inf if value is None else value for value in row]
        return f"{min(seen):.2g} to {max(seen):.2g}"

    names = list(next(iter(errors.values())))
    lines = [[name, *(cell(rows[name]) for rows in errors.values())] for name in names]
    return "### ‖M_t H − I‖ / ‖σH − I‖\n\n" + markdown(["", *map(short, errors)], lines)


def tables(note, at, results, errors):
    each = [table(problem, rows, at) for problem, rows in results.items()]
    return "\n".join([f"{note}\n", target_table(results), *each, inverse_table(errors)])


def _panels(values, draw, least):
    """A figure with a panel for each problem and one legend; `draw(axis, row, style)`."""
    rows = math.ceil((len(values) + 1) / 4)
    figure, axes = plt.subplots(rows, 4, figsize=(17, 4 * rows))
    lines = {}
    for axis, (problem, curves) in zip(axes.flat, values.items(), strict=False):
        for name, row in curves.items():
            (lines[name],) = draw(axis, row, STYLES[name])
        axis.set_title(problem, fontsize=9)
        axis.set_yscale("log")
        axis.set_ylim(bottom=least)
        axis.grid(True, color="#e5e5e5", lw=0.6)
    for axis in axes.flat[len(values) :]:
        axis.axis("off")
    axes.flat[len(values)].legend(
        lines.values(), lines, loc="center", fontsize=11, frameon=False, handlelength=3
    )
    return figure


def _save(figure, path, title):
    figure.suptitle(title, fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def plot(results, at, output, note):
    """Plots of the excess against steps, gradients and seconds, without the start."""
    units = {
        "steps": "steps",
        "gradients": "gradient evaluations",
        "seconds": "seconds of CPU time",
    }
    for kind, unit in units.items():

        def draw(axis, row, style, kind=kind):
            x = np.array(at, "float64")
            if kind == "gradients" and "evaluations" in row:
                x = np.array(row["evaluations"])
            if kind == "seconds":
                x = np.array(row.get("seconds", x * row["seconds_per_step"]))
            y = np.array(row["excess"], "float64")  # None becomes NaN, which is not drawn.
            return axis.plot(x[1:], np.maximum(y, 1e-16)[1:], **style)

        figure = _panels(results, draw, 1e-14)
        for axis in figure.axes[: len(results)]:
            axis.set(xscale="log", xlabel=unit)
        _save(figure, output / f"loss-against-{kind}.png", f"Median excess loss. {note}")


def plot_inverse(errors, output):
    def draw(axis, row, style):
        return axis.plot(np.arange(1, len(row)), np.array(row[1:], "float64"), **style)

    figure = _panels(errors, draw, None)
    for axis in figure.axes[: len(errors)]:
        axis.set(xlabel="steps")
    title = f"‖M_t H − I‖ / ‖σH − I‖ along one run, seed {REPORTED}"
    _save(figure, output / "inverse-hessian.png", title)


def to_text(note, at, results, errors):
    """JSON with one optimizer's data on a line."""

    def problems(values):
        return ",\n".join(
            f"  {json.dumps(problem)}: {{\n"
            + ",\n".join(f"   {json.dumps(n)}: {json.dumps(row)}" for n, row in rows.items())
            + "\n  }"
            for problem, rows in values.items()
        )

    return (
        f'{{\n "about": {json.dumps(note)},\n "steps": {json.dumps(at)},\n'
        f' "problems": {{\n{problems(results)}\n }},\n'
        f' "inverse_errors": {{\n{problems(errors)}\n }}\n}}\n'
    )


def main(argv):
    del argv
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    learned = learned_rules(FLAGS.runs)
    note, at = about(FLAGS.instances, FLAGS.steps), recorded(FLAGS.steps)
    results, errors = {}, {}
    for problem in PROBLEMS:
        results[problem] = compare(problem, learned, FLAGS.instances, FLAGS.steps)
        print(table(problem, results[problem], at), flush=True)
        if problem.startswith("conditioned"):
            errors[problem] = {
                name: _digits(inverse_error(rule, problem, INVERSE_STEPS))
                for name, rule in learned.items()
                if hasattr(rule, "memory")
            }
    write_whole(output / "results.json", to_text(note, at, results, errors))
    write_whole(output / "tables.md", tables(note, at, results, errors))
    plot(results, at, output, note)
    plot_inverse(errors, output)


if __name__ == "__main__":
    app.run(main)

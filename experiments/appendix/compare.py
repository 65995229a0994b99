"""Compares the appendix's meta-trained rules with tuned and with analytic optimizers.

python -m experiments.appendix.compare --runs=runs/appendix --output_dir=runs/appendix-results

Writes results.json, tables.md and plots. Adam and SGD with momentum are tuned for every
problem by themselves, on instances that are not reported.
"""

import datetime
import json
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
from l2l_tf import presets, rules, tasks

FLAGS = flags.FLAGS
RATES = [10.0 ** (k / 2) for k in range(-6, 2)]
BASELINES = {"adam": rules.Adam, "momentum": lambda rate: rules.Momentum(rate, 0.9)}
REPORTED, TUNING = 20_001, 10_001
TARGET = 1e-6

if __name__ == "__main__":
    flags.DEFINE_string("runs", "runs/appendix", "What experiments.appendix.train wrote.")
    flags.DEFINE_string("output_dir", "runs/appendix-results", "Where results go.")
    flags.DEFINE_integer("instances", 16, "Instances of every problem.", 1)
    flags.DEFINE_integer("steps", 100, "Steps of every run.", 10)


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


def tuned(name, problem, count, steps):
    """The baseline with the rate of the least median final loss on the tuning instances."""
    finals = []
    for rate in RATES:
        final = np.median(losses_of(BASELINES[name](rate), problem, TUNING, count, steps)[-1])
        finals.append(final if np.isfinite(final) else np.inf)
    return RATES[int(np.argmin(finals))]


def learned_rules(runs):
    """Dict name → the meta-trained rules that are there."""
    found = {name: pathlib.Path(runs) / name / "preset" for name in RULES}
    return {name: presets.load_preset(p) for name, p in found.items() if p.is_dir()}


def compare(problem, learned, count, steps):
    """Dict optimizer → plain data of one problem."""
    least = minimum(problem)
    rows = {}

    def add(name, losses, evaluations, seconds, **more):
        at = excess(losses, least)
        needed = steps_to(losses, least)
        rows[name] = {
            "excess": at.tolist(),
            "steps_to_target": needed,
            "evaluations_to_target": None
            if needed is None
            else float(evaluations[int(np.ceil(needed))]),
            "seconds_per_step": seconds,
            "evaluations": np.asarray(evaluations, "float64").tolist(),
            **more,
        }

    one_each = np.arange(steps + 1)
    for name, rule in learned.items():
        losses = losses_of(rule, problem, REPORTED, count, steps)
        add(name, losses, one_each, seconds_per_step(rule, problem))
    for name, make in BASELINES.items():
        rate = tuned(name, problem, count, steps)
        losses = losses_of(make(rate), problem, REPORTED, count, steps)
        add(name, losses, one_each, seconds_per_step(make(rate), problem), rate=rate)
    for name, method in (("scipy BFGS", "BFGS"), ("scipy L-BFGS", "L-BFGS-B")):
        losses, used, seconds = with_line_search(method, problem, REPORTED, count, steps)
        add(name, losses, np.median(used, axis=1), seconds)
    return rows


def inverse_error(rule, problem, steps):
    """‖M_t H − I‖ along a run on one quadratic, in units of ‖σH − I‖, `[steps + 1]`."""
    (x,), (root, target) = tasks.get(problem).init(tasks.as_seed(REPORTED))
    hessian = root.numpy().T @ root.numpy()
    identity = np.eye(len(hessian))
    sigma = float(np.exp(rule.meta_params["memory_log_scale"]))
    state, errors = rule.init([x]), []
    for step in range(steps + 1):
        memory = {k: v for k, v in state.shared.items() if k != "started"}
        matrix = rule.memory.read(memory, identity.astype("float32"), sigma).numpy().T
        errors.append(float(np.linalg.norm(matrix @ hessian - identity)))
        gradient = tf.linalg.matvec(root, tf.linalg.matvec(root, x - target), transpose_a=True)
        (update,), state = rule.update([gradient], state, [x], rules.Context(step))
        x = x + update
    return np.array(errors) / np.linalg.norm(sigma * hessian - identity)


def about(count, steps):
    return (
        f"{count} instances, seed {REPORTED}, {steps} steps; TensorFlow {tf.__version__}, Keras "
        f"{keras.__version__}, {platform.machine()}; {datetime.date.today().isoformat()}"
    )


def table(problem, rows):
    def number(value, form="{:.2g}"):
        return "–" if value is None else form.format(value)

    lines = [
        f"### {problem}\n",
        f"| | 10 steps | 20 | 50 | 100 | steps to {TARGET:g} | gradients to it | ms per step |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        at = [number(row["excess"][k]) for k in (10, 20, 50, len(row["excess"]) - 1)]
        counts = [number(row[f"{k}_to_target"], "{:.0f}") for k in ("steps", "evaluations")]
        time = number(1e3 * row["seconds_per_step"])
        label = f"{name} ({row['rate']:.2g})" if "rate" in row else name
        lines.append(f"| {label} | {' | '.join([*at, *counts, time])} |")
    return "\n".join(lines) + "\n"


def plot(results, output, note):
    for kind in ("steps", "gradients", "seconds"):
        figure, axes = plt.subplots(2, 4, figsize=(18, 8))
        for axis, (problem, rows) in zip(axes.flat, results.items(), strict=False):
            for name, row in rows.items():
                x = np.arange(len(row["excess"]), dtype=float)
                if kind == "seconds":
                    x = x * row["seconds_per_step"]
                if kind == "gradients":
                    x = np.array(row["evaluations"])
                axis.semilogy(x, np.maximum(row["excess"], 1e-16), label=name)
            axis.set_title(problem, fontsize=8)
            axis.set_xlabel(kind)
        for axis in axes.flat[len(results) :]:
            axis.axis("off")
        axes.flat[0].legend(fontsize=7)
        figure.suptitle(f"Median excess loss. {note}", fontsize=8)
        figure.tight_layout()
        figure.savefig(output / f"loss-against-{kind}.png", dpi=80)
        plt.close(figure)


def plot_inverse(errors, output, note):
    figure, axis = plt.subplots(figsize=(8, 5))
    for (name, problem), values in errors.items():
        axis.semilogy(values, label=f"{name}, {problem}")
    axis.set_xlabel("steps")
    axis.set_ylabel("‖M_t H − I‖ / ‖σH − I‖")
    axis.legend(fontsize=6)
    figure.suptitle(note, fontsize=7)
    figure.tight_layout()
    figure.savefig(output / "inverse-hessian.png", dpi=80)
    plt.close(figure)


def main(argv):
    del argv
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    learned = learned_rules(FLAGS.runs)
    note = about(FLAGS.instances, FLAGS.steps)
    results, errors = {}, {}
    for problem in PROBLEMS:
        results[problem] = compare(problem, learned, FLAGS.instances, FLAGS.steps)
        print(table(problem, results[problem]), flush=True)
        if problem.startswith("conditioned"):
            for name, rule in learned.items():
                if hasattr(rule, "memory"):
                    errors[name, problem] = inverse_error(rule, problem, FLAGS.steps)
    lines = [f"{note}\n", *(table(p, rows) for p, rows in results.items())]
    lines += ["### ‖M_t H − I‖ / ‖σH − I‖ at 0, 10, 20, 50 and the last step\n"]
    lines += ["| | 0 | 10 | 20 | 50 | last |\n|---|---|---|---|---|---|"]
    for (name, problem), values in errors.items():
        at = " | ".join(f"{values[k]:.2g}" for k in (0, 10, 20, 50, -1))
        lines.append(f"| {name}, {problem} | {at} |")
    (output / "tables.md").write_text("\n".join(lines) + "\n")
    (output / "results.json").write_text(json.dumps({"about": note, **results}, indent=1) + "\n")
    plot(results, output, note)
    plot_inverse(errors, output, note)


if __name__ == "__main__":
    app.run(main)

"""Tables of what was read, as Markdown."""

import numpy as np

from experiments.reading.answers import shrank
from experiments.reading.plan import PROBLEMS
from experiments.tables import markdown, number

HEAD = """# What shipped optimizers do along a run

`python -m experiments.reading.run`: medians over {seeds} seeds, in brackets the lowest and the
highest. "Early" is the mean around a tenth of the run, "late" that of its last tenth; steps and
losses are geometric means, cosines means over the second half of the run. A slope is that of
log(step) by log(loss) from where a tenth of the loss is gone, in brackets their correlation: ½ is
gradient descent on a quadratic, 0 steps of one size. Steps shrink where they are less than half as
large late as early with every seed, grow where they are more than twice as large, stay in between.
Hidden states and cells are saturated where h and tanh(c) are beyond ±0.9; how unlike coordinates
are is the standard deviation of h over them.
"""


def spread(values):
    """Median, and in brackets the lowest and highest; "–" where one is not known."""
    values = np.asarray(values, "float64")
    if not np.isfinite(values).all():
        return "–"
    low, middle, high = (number(of(values)) for of in (np.min, np.median, np.max))
    return middle if low == high else f"{middle} ({low} to {high})"


def median(values):
    """Median alone, three digits."""
    middle = float(np.median(np.asarray(values, "float64")))
    return number(middle) if np.isfinite(middle) else "–"


def steps_table(rules):
    """Whether steps shrink; a row for each rule."""
    header = ["optimizer", "loss, early", "late", "step, late / early", "steps"]
    header += ["step over weights, early", "late", "slope by loss"]
    rows = []
    for name, of in rules.items():
        found = of["answers"]
        names = ("loss_tenth", "loss_end", "relative_tenth", "relative_end")
        early, late, *relative = (median(found[key]) for key in names)
        slope = f"{median(found['slope'])} ({median(found['correlation'])})"
        ratios = found["ratio"]
        rows.append([name, early, late, spread(ratios), shrank(ratios), *relative, slope])
    return markdown(header, rows)


def directions_table(rules):
    """Where steps go; a row for each rule."""
    header = ["optimizer", "cosine with −gradient", "with −mean of gradients", "with the last step"]
    names = ("cos_gradient_half", "cos_mean_half", "cos_last_half")
    rows = [[name, *(spread(of["answers"][key]) for key in names)] for name, of in rules.items()]
    return markdown(header, rows)


def states_table(rules):
    """LSTM states, early → late; a row for each rule and layer."""
    header = ["optimizer", "state", "hidden RMS", "hidden mean", "hidden saturated"]
    header += ["cell RMS", "cells saturated", "unlikeness of coordinates"]
    rows = []
    for name, of in rules.items():
        layers = [k.removesuffix("_hidden_rms") for k in of["curves"] if k.endswith("_hidden_rms")]
        for layer in layers:
            kinds = ("hidden_rms", "hidden_mean", "hidden_saturated")
            kinds += ("cell_rms", "cell_saturated", "hidden_spread")
            keys = [f"{layer}_{kind}" for kind in kinds]
            rows.append([name, layer, *(_move(of["answers"], key) for key in keys)])
    return markdown(header, rows) if rows else ""


def rates_table(rules):
    """The logarithm of a step size that adapts by itself, early → late."""
    rows = [
        [name, _move(of["answers"], "log_rate")]
        for name, of in rules.items()
        if "log_rate" in of["curves"]
    ]
    return markdown(["optimizer", "r, mean over variables"], rows) if rows else ""


def averages_table(rules):
    """What averaging cells emit, and how it goes with the loss."""
    rows = []
    for name, of in rules.items():
        for key in (k for k in of["curves"] if k.startswith("average_")):
            _, layer, cell = key.split("_")
            found = of["answers"]
            related = spread(found[f"{key}_correlation"])
            rows.append([name, layer, cell, _move(found, key), related])
    header = ["optimizer", "layer", "cell", "emits", "correlation with log(loss)"]
    return markdown(header, rows) if rows else ""


def memories_table(rules):
    """What memories hold and how steps heed it, early → late."""
    columns = {
        "written": "‖M − σI‖ / ‖σI‖",
        "write": "written in a step",
        "read_gain": "‖M∇‖ / ‖σ∇‖",
        "read_cosine": "cosine of M∇ and ∇",
        "follows": "of step and −M∇",
        "secant": "of M·change and step",
        "secant_gain": "‖M·change‖ / ‖step‖",
        "age": "age, steps",
    }
    rows = [
        [name, *(_move(of["answers"], key) for key in columns)]
        for name, of in rules.items()
        if "written" in of["curves"]
    ]
    return markdown(["optimizer", *columns.values()], rows) if rows else ""


def _move(found, key):
    """A measure early → late, medians; "–" where a rule has none."""
    if f"{key}_tenth" not in found:
        return "–"
    return f"{median(found[f'{key}_tenth'])} → {median(found[f'{key}_end'])}"


_TABLES = {
    "Steps": steps_table,
    "Directions": directions_table,
    "LSTM states": states_table,
    "Step sizes that adapt": rates_table,
    "Averaging cells": averages_table,
    "Memories": memories_table,
}


def report(readings, seeds):
    """All tables as one page.

    Args:
        readings: Dict problem → dict rule → what `answers.together` returns.
        seeds: How many runs stand behind each.
    """
    parts = [HEAD.format(seeds=seeds)]
    for problem, rules in readings.items():
        of = PROBLEMS[problem]
        steps = next(iter(rules.values()))["ends"][-1]
        parts.append(f"## {problem}\n\n{of.title}: `{of.task}`, {steps:g} steps.\n")
        for title, table in _TABLES.items():
            text = table(rules)
            if text:
                parts.append(f"### {title}: {problem}\n\n{text}")
    return "\n".join(parts)

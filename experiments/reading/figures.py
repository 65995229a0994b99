"""Pictures of what was read; each is drawn from `readings.json` alone."""

import numpy as np

from experiments.reading.answers import LEAST_RANGE
from experiments.reading.plan import PROBLEMS
from l2l_tf.evaluation.figures import new_figure

STYLES = {
    "default, length told": {"color": "#D55E00", "lw": 2.4},
    "default, epochs told": {"color": "#D55E00", "lw": 1.6, "ls": "--"},
    "default, not told": {"color": "#E8963C", "lw": 1.6, "ls": ":"},
    "mixture, length told": {"color": "#8E24AA", "lw": 1.8},
    "mixture, not told": {"color": "#8E24AA", "lw": 1.6, "ls": ":"},
    "lstm-digits": {"color": "#0050A0", "lw": 2.2},
    "lstm-mnist": {"color": "#0050A0", "lw": 2.2},
    "lstm-quadratic": {"color": "#0050A0", "lw": 2.2},
    "lstm-quadratic-uniform": {"color": "#0050A0", "lw": 2.2},
    "rnnprop": {"color": "#1B7837", "lw": 1.8},
    "gac-lstm-mnist": {"color": "#00A0B0", "lw": 1.8},
    "gac-lstm, not averaged": {"color": "#00A0B0", "lw": 1.4, "ls": ":"},
    "ntm-bfgs": {"color": "#D55E00", "lw": 2.2},
    "ntm-lbfgs": {"color": "#8E24AA", "lw": 1.8},
    "ntm-lbfgs, one step": {"color": "#8E24AA", "lw": 1.2, "ls": ":"},
    "BFGS": {"color": "#1B7837", "lw": 1.8},
    "BFGS from 0.01 I": {"color": "#1B7837", "lw": 1.8},
    "Adam(0.001)": {"color": "#777777", "lw": 1.6, "ls": "-."},
    "Adam(0.1)": {"color": "#777777", "lw": 1.6, "ls": "-."},
    "momentum(0.1)": {"color": "#222222", "lw": 1.4, "ls": "--"},
    "momentum(0.01)": {"color": "#222222", "lw": 1.4, "ls": "--"},
}
# The pictures, and the problems each of them shows.
NETS, QUADRATICS = ("digits", "mnist", "noisy"), ("quadratic", "uniform", "conditioned")
# Logarithmic axes show what is between: what diverged would make lines of all others.
_LEAST, _MOST = 1e-12, 1e4
_DECADES = 30


def draw(readings, directory):
    """Write every picture whose problems were read.

    Args:
        readings: Dict problem → dict rule → what `answers.together` returns.
        directory: `pathlib.Path`.

    Returns:
        List of the paths that were written.
    """
    written = []
    for name, (problems, columns, suits) in _PICTURES.items():
        shown = [problem for problem in problems if problem in readings]
        if shown:
            path = directory / f"{name}.png"
            figure = _grid({p: readings[p] for p in shown}, columns, suits)
            figure.savefig(path, dpi=72, bbox_inches="tight")
            written.append(path)
    return written


def _grid(readings, columns, suits):
    """A figure with a row for each problem, a column for each of `columns`, legends aside."""
    width, height = 3.5 * len(columns) + 2.4, 2.9 * len(readings) + 0.2
    figure = new_figure(width, height)
    grid = figure.subplots(len(readings), len(columns), squeeze=False)
    for (problem, rules), row in zip(readings.items(), grid, strict=True):
        shown = {name: of["curves"] for name, of in rules.items() if suits(of["curves"])}
        ends = next(iter(rules.values()))["ends"]
        for axes, column in zip(row, columns, strict=True):
            column(axes, ends, shown)
            axes.grid(True, color="#e2e2e2", linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=8)
        row[0].set_ylabel(PROBLEMS[problem].title, fontsize=9, fontweight="bold")
        row[-1].legend(
            *_legend(row),
            loc="center left",
            bbox_to_anchor=(1.02, 0.5),
            frameon=False,
            fontsize=8,
        )
    return figure


def _legend(row):
    """Lines and labels of all axes of a row, each label once."""
    found = {}
    for axes in row:
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, line)
    return list(found.values()), list(found)


def against_steps(measure, title, sizes=True, limits=None):
    """A column: a measure against steps."""

    def column(axes, ends, shown):
        for name, curves in shown.items():
            if measure in curves:
                axes.plot(ends, _visible(curves[measure], sizes), label=name, **STYLES[name])
        _axes(axes, title, sizes, limits)

    return column


def against_loss(axes, ends, shown):
    """A column: the step against the loss, which falls to the right."""
    del ends
    if not any(_moves(curves["loss"]) for curves in shown.values()):
        axes.set_axis_off()
        return
    for name, curves in shown.items():
        loss, step = (_visible(curves[measure], True) for measure in ("loss", "step"))
        axes.plot(loss, step, label=name, **STYLES[name])
    _axes(axes, "RMS of the step, by loss", True, None)
    axes.set_xlabel("train loss (falls to the right)", fontsize=8)
    axes.invert_xaxis()


def _moves(losses):
    """Whether losses fall, or rise, by as much as a slope takes."""
    losses = _visible(losses, True)
    return np.nanmax(losses) > LEAST_RANGE * np.nanmin(losses)


def layers(kind, title, sizes=True):
    """A column: a measure of every layer's state against steps, lower layers thinner."""

    def column(axes, ends, shown):
        for name, curves in shown.items():
            found = sorted(key for key in curves if key.endswith(kind))
            for place, key in enumerate(found):
                last = place == len(found) - 1
                style = {**STYLES[name], "lw": STYLES[name]["lw"] if last else 0.9}
                label = {"label": name} if last else {}
                axes.plot(ends, _visible(curves[key], sizes), **style, **label)
        _axes(axes, title, sizes, None)

    return column


def averages(axes, ends, shown):
    """A column: what each averaging cell emits."""
    colors = ("#D55E00", "#E8B03C", "#0050A0", "#56B4E9")
    for curves in shown.values():
        cells = sorted(key for key in curves if key.startswith("average_"))
        for key, color in zip(cells, colors, strict=False):
            _, layer, cell = key.split("_")
            label = f"layer {layer}, cell {cell}"
            axes.plot(ends, curves[key], color=color, lw=2, label=label)
    _axes(axes, "what averaging cells emit", False, None)


def _visible(values, sizes):
    """Values as an array, NaN where a logarithmic axis has no place for them."""
    values = np.array(values, "float64")
    shown = (values > _LEAST) & (values < _MOST)
    return np.where(shown, values, np.nan) if sizes else values


def _axes(axes, title, sizes, limits):
    # Late, as in `new_figure`: matplotlib is an extra.
    from matplotlib.ticker import NullFormatter

    axes.set_xscale("log")
    low, high = axes.dataLim.intervaly
    if sizes and high > _DECADES * low:  # Else a logarithmic axis has hardly a number on it.
        axes.set_yscale("log")
    if limits:
        axes.set_ylim(*limits)
    axes.set_xlabel("steps", fontsize=8)
    axes.set_title(title, fontsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())


def _anything(curves):
    return bool(curves)


def _has(ending):
    return lambda curves: any(key.endswith(ending) for key in curves)


def _averaged(curves):
    return "average_1_0" in curves


_COSINE = (-1.05, 1.05)
_PICTURES = {
    "steps": (
        NETS,
        (
            against_steps("loss", "train loss"),
            against_steps("relative", "step over weights (RMS)"),
            against_loss,
        ),
        _anything,
    ),
    "directions": (
        NETS,
        (
            against_steps("cos_gradient", "cosine with −gradient", False, (-0.25, 1.05)),
            against_steps("cos_mean", "cosine with −mean of gradients", False, (-0.25, 1.05)),
            against_steps("cos_last", "cosine with the last step", False, (-0.25, 1.05)),
        ),
        _anything,
    ),
    "states": (
        NETS,
        (
            layers("_hidden_rms", "hidden state, RMS", False),
            layers("_cell_rms", "cell state, RMS"),
            layers("_cell_saturated", "share of |tanh(cell)| > 0.9", False),
            against_steps("log_rate", "r, log of the step size", False),
        ),
        _has("_hidden_rms"),
    ),
    "averages": (
        NETS,
        (averages, layers("_hidden_spread", "unlikeness of coordinates")),
        _averaged,
    ),
    "quadratics": (
        QUADRATICS,
        (
            against_steps("loss", "train loss"),
            against_steps("relative", "step over weights (RMS)"),
            against_steps("cos_gradient", "cosine with −gradient", False, _COSINE),
            against_steps("cos_last", "cosine with the last step", False, _COSINE),
        ),
        _anything,
    ),
    "memories": (
        ("uniform", "conditioned"),
        (
            against_steps("secant", "cosine of M·change and step", False, (-0.05, 1.05)),
            against_steps("secant_gain", "‖M·change‖ / ‖step‖"),
            against_steps("follows", "cosine of step and −M·gradient", False, (-0.05, 1.05)),
            against_steps("written", "written, ‖M − σI‖ / ‖σI‖"),
        ),
        _has("written"),
    ),
}

"""Curves to look into: steps or seconds, scales, what is shown, and each optimizer on or off."""

import math
from typing import Any, NamedTuple

import numpy as np

from l2l_tf.evaluation.figures import HAND_CRAFTED, LEARNED
from l2l_tf.evaluation.page.interactive import buttons, graph_objects, shortened

QUANTITIES = {
    "train loss": "train_loss",
    "held-out loss": "held_out_loss",
    "held-out accuracy": "held_out_accuracy",
}
NOTE = (
    "Median over seeds; of learned optimizers their range is shaded. A click on a name switches "
    "the optimizer off or on in all panels, a double click leaves it alone; drag over a panel "
    "to enlarge, double click to go back. A line above ten times the first loss ends there."
)
COLUMNS, PANEL = 3, 250
# Height of a name in the legend, which stands beside the panels.
NAME = 24
_DASHES = ("dash", "dot", "dashdot")
# Losses above this many times the first one leave the picture.
_MAX_SHOWN = 10.0


class _Line(NamedTuple):
    """One line of a panel: what a trace shows under each choice of axes."""

    steps: list
    seconds: list
    quantities: dict


def figure(results: Any) -> Any:
    """The plotly figure of a `Results`: one panel a task."""
    go = graph_objects()
    from plotly.subplots import make_subplots

    tasks = results.tasks
    columns = min(COLUMNS, len(tasks))
    rows = math.ceil(len(tasks) / columns)
    names, styles = _names(results), _styles(results)
    height = max(PANEL * rows, 420, NAME * len(names))
    drawn = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=tasks,
        vertical_spacing=min(0.3, 58 / height),
        horizontal_spacing=0.06,
    )
    shown, lines = {}, []
    quantities = {
        label: field
        for label, field in QUANTITIES.items()
        if any(getattr(r, field) is not None for r in results.records)
    }
    for place, task in enumerate(tasks):
        for name in names:
            if not results.runs(task, name):
                continue
            for trace, line in _traces(go, results, task, name, styles[name], quantities):
                trace.showlegend = trace.showlegend and name not in shown
                drawn.add_trace(trace, row=place // columns + 1, col=place % columns + 1)
                lines.append(line)
            shown[name] = True
    axes = range(1, len(tasks) + 1)
    drawn.update_yaxes(type="log", gridcolor="#e8e8e8", exponentformat="power")
    drawn.update_xaxes(gridcolor="#e8e8e8", rangemode="tozero")
    drawn.update_annotations(font_size=12)
    drawn.update_layout(
        height=height + 120,
        margin=dict(l=50, r=10, t=100, b=40),
        plot_bgcolor="white",
        hoverlabel=dict(namelength=-1),
        legend=dict(groupclick="togglegroup", font=dict(size=12)),
        updatemenus=[
            buttons(
                0.0,
                height,
                {"steps": ({"x": [li.steps for li in lines]},),
                 "seconds": ({"x": [li.seconds for li in lines]},)},
                "restyle",
            ),
            buttons(0.17, height, _scales("x", axes, ("linear", "log")), "relayout"),
            buttons(0.37, height, _scales("y", axes, ("log", "linear")), "relayout"),
            buttons(
                0.57,
                height,
                {label: ({"y": [li.quantities[label] for li in lines]},) for label in quantities},
                "restyle",
            ),
        ],
    )  # fmt: skip
    return drawn


def _scales(letter, axes, kinds):
    """Buttons' arguments for the scale of all axes of a letter."""
    names = [f"{letter}axis{number if number > 1 else ''}" for number in axes]
    return {
        f"{letter}: {kind}": (
            {f"{n}.{k}": v for n in names for k, v in (("type", kind), ("autorange", True))},
        )
        for kind in kinds
    }


def _names(results):
    """Contenders, learned ones first."""
    order = sorted(results.contestants, key=lambda c: not c.learned)
    return list(dict.fromkeys(c.optimizer for c in order))


def _styles(results):
    """Dict contender → plotly's `line`; the same on every task."""
    learned = [c.optimizer for c in results.contestants if c.learned]
    strong, light = list(dict.fromkeys(learned)), [n for n in _names(results) if n not in learned]
    styles = {
        name: dict(color=LEARNED[i % len(LEARNED)], width=2.6) for i, name in enumerate(strong)
    }
    for i, name in enumerate(light):
        color, dash = HAND_CRAFTED[i % len(HAND_CRAFTED)], _DASHES[i % len(_DASHES)]
        styles[name] = dict(color=color, width=1.5, dash=dash)
    return styles


def _traces(go, results, task, name, style, quantities):
    """Pairs `(trace, _Line)`: of learned optimizers the edges of the range, then the median."""
    (contestant,) = [c for c in results.contestants if (c.task, c.optimizer) == (task, name)]
    found = {label: results.curve(task, name, field) for label, field in quantities.items()}
    steps, seconds, *_ = next(iter(found.values()))
    several = len(results.runs(task, name)) > 1
    label = name if contestant.learning_rate is None else f"{name} ({contestant.learning_rate:.2g})"
    for number in (3, 4, 2) if contestant.learned and several else (2,):
        values = {q: _within(curve[number], curve[2][0], q) for q, curve in found.items()}
        line = _Line(shortened(steps), shortened(seconds), values)
        trace = go.Scatter(
            x=line.steps,
            y=next(iter(values.values())),
            name=name,
            legendgroup=name,
            mode="lines",
            line=style,
            showlegend=True,
            hovertemplate=f"%{{y:.4g}} at %{{x:.4g}}<extra>{label}</extra>",
        )
        if number != 2:
            trace.update(
                line=dict(width=0, color=style["color"]),
                fill="tonexty" if number == 4 else None,
                fillcolor=_transparent(style["color"]),
                showlegend=False,
                hoverinfo="skip",
                hovertemplate=None,
            )
        yield trace, line


def _within(values, first, quantity):
    """Values up to where they leave the picture, where the line ends at its edge."""
    values = np.array(values, float)
    if quantity.endswith("loss") and np.isfinite(first) and first > 0:
        above = np.nonzero(~(values <= _MAX_SHOWN * first))[0]
        if len(above):
            values[above[0]] = _MAX_SHOWN * first
            values[above[0] + 1 :] = np.nan
    return shortened(values)


def _transparent(color):
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.15)"

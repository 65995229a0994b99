"""Every optimizer on every task as one matrix of final losses beside those of tuned Adam."""

import math
from typing import Any

import numpy as np

from l2l_tf.evaluation.page.interactive import buttons, graph_objects

ADAM = "adam"
QUANTITIES = {"train loss": "train_loss", "held-out loss": "held_out_loss"}


def figure(results: Any) -> tuple[Any, str]:
    """The plotly figure of a `Results` of several tasks, and what it shows in words."""
    go = graph_objects()
    tasks = results.tasks
    names = list(dict.fromkeys(c.optimizer for c in sorted(results.contestants, key=_order)))
    with_adam = all(results.runs(task, ADAM) for task in tasks)
    rows = [name for name in names if not (with_adam and name == ADAM)]
    maps = {
        label: _matrix(results, rows, field, with_adam)
        for label, field in QUANTITIES.items()
        if all(getattr(r, field) is not None for r in results.records)
    }
    ratios, losses = next(iter(maps.values()))
    height = 34 * len(rows)
    drawn = go.Figure(
        go.Heatmap(
            x=tasks,
            y=rows,
            z=_colours(ratios),
            text=_texts(ratios),
            customdata=losses,
            texttemplate="%{text}",
            hovertemplate="%{y} on %{x}<br>final loss %{customdata}, ratio %{text}<extra></extra>",
            zmin=-1,
            zmax=1,
            colorscale="RdBu",
            reversescale=True,
            xgap=1,
            ygap=1,
            colorbar=dict(
                tickvals=[-1, -0.301, 0, 0.301, 1], ticktext=["≤ 0.1", "0.5", "1", "2", "≥ 10"]
            ),
        )
    )
    drawn.update_layout(
        height=height + 250,
        margin=dict(l=10, r=10, t=90, b=10),
        plot_bgcolor="white",
        yaxis=dict(autorange="reversed", automargin=True, showgrid=False),
        xaxis=dict(automargin=True, tickangle=-40, showgrid=False),
        updatemenus=[
            buttons(
                0.0,
                height + 60,
                {
                    label: ({"z": [_colours(r)], "text": [_texts(r)], "customdata": [found]},)
                    for label, (r, found) in maps.items()
                },
                "restyle",
            )
        ]
        * (len(maps) > 1),
    )
    other = "tuned Adam's" if with_adam else "the lowest of all optimizers'"
    return drawn, (
        f"Final loss / {other} on the same task (medians): blue where it is lower. Each row is "
        "one optimizer; a learned one goes with the same weights from task to task."
    )


def _order(contestant):
    return not contestant.learned


def _matrix(results, rows, field, with_adam):
    """Ratios and losses `[optimizers, tasks]`."""
    finals = {
        (task, c.optimizer): float(results.curve(task, c.optimizer, field)[2][-1])
        for task in results.tasks
        for c in results.contestants
        if c.task == task
    }
    ratios, losses = [], []
    for name in rows:
        mine = [finals.get((task, name), math.nan) for task in results.tasks]
        others = [
            finals[task, ADAM] if with_adam else min(v for (t, _), v in finals.items() if t == task)
            for task in results.tasks
        ]
        ratios.append([m / o if o else math.nan for m, o in zip(mine, others, strict=True)])
        losses.append([f"{value:.4g}" for value in mine])
    return np.array(ratios), losses


def _colours(ratios):
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(ratios)
    return [[None if math.isnan(v) else float(np.clip(v, -1, 1)) for v in row] for row in logs]


def _texts(ratios):
    return [
        ["–" if math.isnan(v) else "∞" if math.isinf(v) else f"{v:.2g}" for v in row]
        for row in ratios
    ]

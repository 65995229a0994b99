"""The suite in one picture: speed-ups of all contenders, and train losses task by task."""

import math
import os

import numpy as np

from l2l_tf.evaluation.figures import HAND_CRAFTED, LEARNED, new_figure
from l2l_tf.evaluation.suite.standings import REFERENCE, UNTUNED, Ranking

_COLUMNS = 4


def draw(ranking: Ranking, path: str | os.PathLike) -> None:
    """Write the picture as a PNG.

    Above: every task's speed-up over tuned Adam as a dot, the interquartile mean as a bar.
    Below: median train loss against steps, one panel a task.

    Args:
        ranking: `Ranking` of what `run_suite` found.
        path: File to write.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    results, by_task, order = ranking
    rows = math.ceil(len(results.tasks) / _COLUMNS)
    styles = _styles(order)
    top = 0.32 * len(order) + 0.9
    figure = new_figure(14, top + 2.5 * rows + 0.6)
    above, below = figure.subfigures(2, 1, height_ratios=[top, 2.5 * rows + 0.6])
    _speed_ups(above.subplots(), by_task, order, styles)
    panels = below.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes, task in zip(panels, results.tasks, strict=False):
        _curves(axes, results, task, styles)
    for axes in panels[len(results.tasks) :]:
        axes.set_axis_off()
    handles = panels[0].get_lines()
    below.legend(handles, [h.get_label() for h in handles], loc="outside lower center",
                 ncols=min(len(handles), 7), frameon=False, fontsize=9)  # fmt: skip
    figure.savefig(path, dpi=85)


def _styles(order):
    """Dict contender → line style; learned ones strong, tuned Adam black, others thin."""
    learned = [s.optimizer for s in order if s.learned]
    others = sorted(s.optimizer for s in order if not s.learned)
    styles = {}
    for index, name in enumerate(others):
        styles[name] = dict(
            color=HAND_CRAFTED[index % len(HAND_CRAFTED)], linewidth=1.1, linestyle="--"
        )
    styles.get(UNTUNED, {}).update(linestyle=":", linewidth=1.6)
    styles[REFERENCE] = dict(color="black", linewidth=1.8)
    for index, name in enumerate(learned):
        styles[name] = dict(color=LEARNED[index % len(LEARNED)], linewidth=2.3, zorder=3)
    return styles


def _speed_ups(axes, rows, order, styles):
    for position, standing in enumerate(reversed(order)):
        values = [r.speed_up for r in rows if r.optimizer == standing.optimizer]
        color = styles[standing.optimizer]["color"]
        axes.barh(position, standing.speed_up, color=color, alpha=0.35, height=0.7)
        # Tasks with the same speed-up lie beside each other, not on each other.
        offsets = np.linspace(-0.25, 0.25, len(values))
        axes.scatter(values, position + offsets, s=14, color=color, linewidths=0)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(order)), [s.optimizer for s in reversed(order)])
    axes.set_xscale("symlog", linthresh=2)
    axes.set_xlim(0, 22)
    ticks = [0, 0.5, 1, 1.5, 2, 4, 10, 20]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_title(
        "Speed-up in steps over tuned Adam: one dot a task (0: never reached its final loss), "
        "bar: interquartile mean",
        loc="left",
        fontsize=10,
    )
    axes.spines[["top", "right"]].set_visible(False)


def _curves(axes, results, task, styles):
    first = None
    for name, style in styles.items():
        steps, _, median, *_ = results.curve(task, name, "train_loss")
        shown = np.isfinite(median) & (median > 0)
        axes.plot(steps[shown], median[shown], label=name, **style)
        first = median[0] if first is None else first
    positive = [
        value
        for name in styles
        for value in results.curve(task, name, "train_loss")[2]
        if np.isfinite(value) and value > 0
    ]
    # Runs that blew up would squeeze all others into one line.
    axes.set_ylim(max(min(positive), 1e-9 * first) / 1.3, min(max(positive), 3 * first) * 1.3)
    axes.set_yscale("log")
    axes.set_title(f"{task}", loc="left", fontsize=9, fontweight="bold")
    axes.tick_params(labelsize=7)
    axes.grid(True, which="major", color="#dddddd", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)

"""Curves of an evaluation: losses against steps and against seconds."""

import numpy as np

from l2l_tf.core.wording import counted
from l2l_tf.evaluation.figures import HAND_CRAFTED, LEARNED, new_figure

_DASHES = ("--", "-.", (0, (1, 1)))


def plot(results, path):
    """Write curves as a PNG: for every task, one row of panels.

    Median over seeds, with the range over seeds shaded for learned optimizers: train loss
    and held-out loss against steps, and train loss against seconds.

    Args:
        results: `Results`.
        path: File to write.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    has_held_out = any(r.held_out_loss is not None for r in results.records)
    panels = [("train_loss", "steps")]
    panels += [("held_out_loss", "steps")] * has_held_out + [("train_loss", "seconds")]
    tasks = results.tasks
    figure = new_figure(4.6 * len(panels) + 1.8, 3.9 * len(tasks) + 0.3)
    figure.get_layout_engine().set(rect=(0, 0.05 / len(tasks), 1, 1 - 0.05 / len(tasks)))
    grid = figure.subplots(len(tasks), len(panels), squeeze=False)
    for task, row in zip(tasks, grid, strict=True):
        styles = _styles(results, task)
        for axes, (quantity, against) in zip(row, panels, strict=True):
            if not _positive(results, task, quantity):
                axes.set_axis_off()
                continue
            _draw(axes, results, task, quantity, against, styles)
        row[0].set_title(task, loc="left", fontsize=10, fontweight="bold")
        row[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=9)
    seeds = len({r.seed for r in results.records})
    figure.text(
        0.995, 0.004,
        f"median of {counted(seeds, 'seed')} (shaded: their range) · TensorFlow "
        f"{results.versions['tensorflow']}, Keras {results.versions['keras']} · "
        f"{results.cpu} · {results.date}",
        ha="right", va="bottom", fontsize=7, color="#777777",
    )  # fmt: skip
    figure.savefig(path, dpi=150)


def _styles(results, task):
    """Dict optimizer → line style; a name keeps its style on every task, the best comes first."""
    learned = list(dict.fromkeys(c.optimizer for c in results.contestants if c.learned))
    others = list(dict.fromkeys(c.optimizer for c in results.contestants if not c.learned))
    styles = {}
    for row in results.summary(task):
        name, rate = row.contestant.optimizer, row.contestant.learning_rate
        label = name if rate is None else f"{name} ({rate:.2g})"
        if row.contestant.learned:
            color = LEARNED[learned.index(name) % len(LEARNED)]
            styles[name] = dict(color=color, linewidth=2.6, zorder=3, label=label)
        else:
            index = others.index(name)
            styles[name] = dict(
                color=HAND_CRAFTED[index % len(HAND_CRAFTED)],
                linestyle=_DASHES[index % len(_DASHES)],
                linewidth=1.4,
                label=label,
            )
    return styles


def _draw(axes, results, task, quantity, against, styles):
    starts, ends = [], []
    for optimizer, style in styles.items():
        steps, seconds, median, low, high = results.curve(task, optimizer, quantity)
        x = steps if against == "steps" else seconds
        # A logarithmic axis has no place for the start, at 0 seconds.
        shown = np.isfinite(median) & (x >= (0 if against == "steps" else x[1]))
        axes.plot(x[shown], median[shown], **style)
        if style["linewidth"] > 2:
            both = shown & np.isfinite(high)
            axes.fill_between(
                x[both], low[both], high[both], color=style["color"], alpha=0.15, linewidth=0
            )
        if against == "seconds" and len(x) > 1:
            starts.append(x[1])
            ends.append(x[-1])
    axes.set_yscale("log")
    _limit(axes, results, task, quantity)
    if against == "seconds":
        axes.set_xscale("log")
        axes.set_xlim(min(starts), max(ends) * 1.05)
    else:
        axes.set_xlim(0, steps[-1])
    axes.set_xlabel("steps" if against == "steps" else "seconds in steps")
    has_held_out = _positive(results, task, "held_out_loss")
    label = quantity.replace("_", " ").replace("held out", "held-out")
    axes.set_ylabel(label if has_held_out else "loss")
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _limit(axes, results, task, quantity):
    """Keep runs that blew up from squeezing all others into one line."""
    values = _positive(results, task, quantity)
    first = _positive(results, task, quantity, step=0) or values
    axes.set_ylim(min(values) / 1.3, min(max(values), 10 * max(first)) * 1.3)


def _positive(results, task, quantity, step=None):
    """Values of a quantity that a logarithmic axis can show."""
    values = [
        getattr(r, quantity) for r in results.records if r.task == task and step in (None, r.step)
    ]
    return [v for v in values if v is not None and np.isfinite(v) and v > 0]

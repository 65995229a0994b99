"""The table of an evaluation, for terminals."""

import math
from collections.abc import Sequence

from l2l_tf.core.wording import counted

LEGEND = "learning rate: tuned on a grid; * the best one is at the grid's edge"
COST_LEGEND = (
    "× Adam's: time of a step / tuned Adam's, the break-even: the speed-up from which on it is "
    "quicker in seconds. Steps, seconds: to tuned Adam's final train loss; –: never. Speed-up: "
    "tuned Adam's steps / these; in seconds likewise. Ahead from: the second from which on the "
    "train loss is at or below tuned Adam's at the same second. Seconds are without compilation."
)


def cells(results, task):
    """The table as texts, one row per optimizer, the lowest final train loss first.

    Args:
        results: `Results`.
        task: One of its tasks.

    Returns:
        `(head, rows, title)`.
    """
    summary = results.summary(task)
    steps = max(r.step for r in results.records if r.task == task)
    seeds = len({r.seed for r in results.records if r.task == task})
    has_held_out = any(row.held_out_loss for row in summary)
    has_accuracy = any(row.held_out_accuracy for row in summary)
    head = ["optimizer", "train loss" if has_held_out else "loss"]
    head += ["held-out loss"] * has_held_out + ["held-out accuracy"] * has_accuracy
    head += ["seconds", "µs per step", "learning rate"]
    rows = []
    for row in summary:
        texts = [row.contestant.optimizer, _with_range(row.train_loss)]
        texts += [_with_range(row.held_out_loss)] * has_held_out
        texts += [_with_range(row.held_out_accuracy, "{:.3f}")] * has_accuracy
        texts += [
            _number(row.seconds.median),
            _number(row.seconds_per_step.median * 1e6),
            _rate(row.contestant),
        ]
        rows.append(texts)
    over = f"median over {counted(seeds, 'seed')} ±half their range"
    return head, rows, f"{task}: {counted(steps, 'step')}; {over}"


def table(results, task):
    """A `rich.table.Table` of `cells`.

    Raises:
        ImportError: If rich is not installed.
    """
    return _rich(results, *cells(results, task), LEGEND)


def cost_cells(rows):
    """What a step costs and when it pays back, as texts.

    Args:
        rows: List of `PayBack` of one task.

    Returns:
        `(head, rows, title)`.
    """
    head = [
        "optimizer", "µs per step", "× Adam's", "steps", "seconds", "speed-up", "in seconds",
        "ahead from",
    ]  # fmt: skip
    found = [
        [
            row.optimizer,
            _number(row.seconds_per_step * 1e6),
            f"{row.break_even:.2f}",
            *map(_or_never, (row.steps, row.seconds, row.speed_up, row.speed_up_in_seconds)),
            _or_never(row.ahead_from),
        ]
        for row in rows
    ]
    return head, found, f"{rows[0].task}: when a step pays back"


def cost_table(results, rows):
    """A `rich.table.Table` of `cost_cells`.

    Raises:
        ImportError: If rich is not installed.
    """
    return _rich(results, *cost_cells(rows), COST_LEGEND)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns are aligned as text, the first to the left."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [[cell.rjust(w) for cell, w in zip(row, widths, strict=True)] for row in (head, *rows)]
    for line, (first, *_) in zip(lines, (head, *rows), strict=True):
        line[0] = first.ljust(widths[0])
    lines.insert(1, ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rich(results, head, rows, title, caption):
    try:
        from rich import box
        from rich.table import Table
        from rich.text import Text
    except ImportError as error:
        raise ImportError(
            "Tables need rich: pip install 'l2l-tf[plots]'. Received: no module rich"
        ) from error
    learned = {c.optimizer for c in results.contestants if c.learned}
    made = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title=title,
        caption=caption,
        title_justify="left",
        caption_justify="left",
    )
    for column in head:
        made.add_column(column, justify="left" if column == "optimizer" else "right")
    for row in rows:
        made.add_row(*map(Text, row), style="bold cyan" if row[0] in learned else "")
    return made


def _with_range(spread, text=None):
    if spread is None:
        return "–"
    show = text.format if text else _number
    if spread.min == spread.max:
        return show(spread.median)
    if not math.isfinite(spread.max):
        return f"{show(spread.median)} (min {show(spread.min)})"
    half_range = (spread.max - spread.min) / 2
    return f"{show(spread.median)} ±{half_range:.2g}"


def _number(value):
    if not math.isfinite(value):
        return "∞"
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}" if value < 1e6 else f"{value:.2e}"


def _or_never(value):
    return "–" if value is None else _number(value)


def _rate(contestant):
    if contestant.learning_rate is None:
        return "not tuned"
    return f"{contestant.learning_rate:.3g}{'' if contestant.inside_grid else ' *'}"

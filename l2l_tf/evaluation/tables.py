"""The table of an evaluation, for terminals."""

import math

LEGEND = "learning rate: tuned on a grid; * the best one is at the grid's edge"


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
    return head, rows, f"{task}: {steps} steps; median over {seeds} seeds ±half their range"


def table(results, task):
    """A `rich.table.Table` of `cells`.

    Raises:
        ImportError: If rich is not installed.
    """
    try:
        from rich import box
        from rich.table import Table
        from rich.text import Text
    except ImportError as error:
        raise ImportError(
            "Tables need rich: pip install 'l2l-tf[plots]'. Received: no module rich"
        ) from error
    head, rows, title = cells(results, task)
    learned = {c.optimizer for c in results.contestants if c.learned}
    made = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title=title,
        caption=LEGEND,
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


def _rate(contestant):
    if contestant.learning_rate is None:
        return "not tuned"
    return f"{contestant.learning_rate:.3g}{'' if contestant.inside_grid else ' *'}"

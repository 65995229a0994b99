"""The table of an evaluation, for terminals."""

import math


def table(results, task):
    """A `rich.table.Table`: one row per optimizer, the lowest final train loss first.

    Args:
        results: `Results`.
        task: One of its tasks.

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
    rows = results.summary(task)
    steps = max(r.step for r in results.records if r.task == task)
    seeds = len({r.seed for r in results.records if r.task == task})
    has_held_out = any(row.held_out_loss for row in rows)
    has_accuracy = any(row.held_out_accuracy for row in rows)
    columns = ["optimizer", "train loss" if has_held_out else "loss"]
    columns += ["held-out loss"] * has_held_out + ["held-out accuracy"] * has_accuracy
    columns += ["seconds", "µs per step", "learning rate"]
    made = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title=f"{task}: {steps} steps; median over {seeds} seeds ±half their range",
        caption="learning rate: tuned on a grid; * the best one is at the grid's edge",
        title_justify="left",
        caption_justify="left",
    )
    for column in columns:
        made.add_column(column, justify="left" if column == "optimizer" else "right")
    for row in rows:
        cells = [row.contestant.optimizer, _with_range(row.train_loss)]
        cells += [_with_range(row.held_out_loss)] * has_held_out
        cells += [_with_range(row.held_out_accuracy, "{:.3f}")] * has_accuracy
        cells += [
            _number(row.seconds.median),
            _number(row.seconds_per_step.median * 1e6),
            _rate(row.contestant),
        ]
        style = "bold cyan" if row.contestant.learned else ""
        made.add_row(*(Text(cell) for cell in cells), style=style)
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

"""Markdown tables, and what a comparison says in one sentence."""

import math

import numpy as np


def markdown(header, rows):
    """A Markdown table: a list of column names, a list of lists of cells."""
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    return "\n".join(lines + [f"| {' | '.join(map(str, row))} |" for row in rows]) + "\n"


def number(value):
    """Three digits; ∞ for what is not finite, – for what is not there."""
    if value is None:
        return "–"
    return f"{value:.3g}" if math.isfinite(value) else "∞"


def spread(value, show=number):
    """Median, with the lowest and the highest over seeds behind it."""
    if value is None:
        return "–"
    if value.min == value.max:
        return show(value.median)
    return f"{show(value.median)} ({show(value.min)} to {show(value.max)})"


def spread_of(numbers):
    """The same of numbers that were found one for each seed."""
    low, middle, high = np.min(numbers), np.median(numbers), np.max(numbers)
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def comparison(results, task=None):
    """The summary of a comparison as a table, the lowest final train loss first."""
    rows = results.summary(task)
    has_data = any(row.held_out_loss for row in rows)
    header = ["optimizer", "learning rate", "train loss" if has_data else "loss"]
    header += ["held-out loss", "held-out accuracy"] * has_data + ["µs per step"]
    lines = []
    for row in rows:
        made, name = row.contestant, row.contestant.optimizer
        rate = "not tuned" if made.learning_rate is None else number(made.learning_rate)
        rate += "" if made.inside_grid is not False else " (edge)"
        cells = [f"**{name}**" if made.learned else name, rate, spread(row.train_loss)]
        if has_data:
            accuracy = row.held_out_accuracy
            cells += [spread(row.held_out_loss)]
            cells += [spread(accuracy, lambda value: f"{value:.3f}")]
        lines.append([*cells, f"{1e6 * row.seconds_per_step.median:.0f}"])
    return markdown(header, lines)


def verdict(results, name, task=None):
    """A learned optimizer beside the best tuned one, by the median final train loss.

    Returns:
        A sentence; empty if there is no such contestant.
    """
    rows = results.summary(task)
    mine = next((row for row in rows if row.contestant.optimizer == name), None)
    others = [row for row in rows if not row.contestant.learned]
    if mine is None or not others:
        return ""
    best, other = others[0], others[0].contestant.optimizer
    if not math.isfinite(mine.train_loss.median):
        return f"`{name}` diverges; the best tuned optimizer is {other}."
    ratio = mine.train_loss.median / best.train_loss.median
    how = "ahead of every tuned optimizer" if ratio < 1 else "behind"
    clear = mine.train_loss.max < best.train_loss.min or (mine.train_loss.min > best.train_loss.max)
    seeds = "every seed agrees" if clear else "the ranges over seeds overlap"
    return (
        f"`{name}` is {how}: {ratio:.2f} times the final train loss of {other}, the best of them "
        f"({seeds})."
    )

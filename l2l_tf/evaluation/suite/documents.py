"""Files of a suite: `suite.json`, `curves.csv`, `tasks.csv`, `suite.md`, `suite.png`."""

import dataclasses
import math
import os
import pathlib

from l2l_tf.core.files import write_csv, write_whole
from l2l_tf.core.wording import counted
from l2l_tf.evaluation import page, tables
from l2l_tf.evaluation.curves import NOT_REACHED
from l2l_tf.evaluation.suite.picture import draw
from l2l_tf.evaluation.suite.standings import REFERENCE, UNTUNED, Ranking


def write(ranking: Ranking, directory: str | os.PathLike) -> None:
    """Write all files of a suite's results.

    `suite.json` holds everything, `curves.csv` every record, `tasks.csv` a row for each task and
    contender, `suite.md` the tables for readers, `suite.png` the picture.

    Args:
        ranking: `Ranking` of what `run_suite` found.
        directory: Directory, made if needed.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    results, rows, _ = ranking
    results.to_json(directory / "suite.json")
    results.to_csv(directory / "curves.csv")
    write_csv(directory / "tasks.csv", [dataclasses.asdict(row) for row in rows])
    write_whole(directory / "suite.md", markdown(ranking))
    draw(ranking, directory / "suite.png")


def write_page(ranking: Ranking, path: str | os.PathLike) -> None:
    """Write the results as one self-contained page with interactive curves.

    Raises:
        ImportError: If plotly is not installed.
    """
    title = f"The {ranking.results.settings.get('suite', 'general')} suite"
    page.write(ranking.results, path, title, overview(ranking))


def markdown(ranking: Ranking) -> str:
    """The tables as Markdown: over tasks, then task by task."""
    results, rows, found = ranking
    parts = [
        f"# The {results.settings.get('suite', 'general')} suite",
        f"{results.date}, {results.cpu}; TensorFlow {results.versions['tensorflow']}, "
        f"Keras {results.versions['keras']}, l2l_tf {results.versions['l2l_tf']}; "
        f"{counted(results.settings['seeds'], 'seed')} per task and contender.",
        _summary(results, found),
        "Speed-up: steps of the run / first of the recorded steps at which the median train loss "
        "is at or below tuned Adam's final one, 0 if never. Won: share of the tasks with a lower "
        "final train loss. Ratios: contender / tuned Adam, geometric mean of train losses, median "
        "of held-out ones. Accuracy worse: by more than one point or two standard errors, "
        "whichever is more.",
        "## The whole curve, and the better of tuned Adam and tuned AdamW with cosine decay",
        _along_the_run(found),
        "Along the run: train loss / tuned Adam's, geometric mean over log-spaced steps from a "
        "tenth of the run on and over tasks; ahead on: the share of the tasks where it is below "
        "1. The better: the lower of the two final losses, of each task. Speed-up: steps of the "
        "run / the step (interpolated) at which the median train loss is at or below AdamW's "
        f"final one, geometric mean over tasks, {NOT_REACHED} where it never is; reached: the "
        "share of the tasks where it is. Held-out: loss / the lower of the two, median.",
        "## Share of the tasks with a lower final train loss than each other optimizer",
        _won(results, found),
        "## Final train loss (median over seeds)",
        _per_task(results, rows, "train_loss"),
        "## Train loss along the run / tuned Adam's",
        _per_task(results, rows, "anytime", shown=math.exp),
        "## Speed-up over tuned Adam",
        _per_task(results, rows, "speed_up"),
        *_scheduled(results, rows, found),
        "## Final held-out loss",
        _per_task(results, rows, "held_out_loss"),
        "## Least held-out loss along the run",
        _per_task(results, rows, "best_held_out_loss"),
        "## Final held-out accuracy",
        _per_task(results, rows, "held_out_accuracy"),
        "## Learning rates found",
        _rates(results),
    ]
    return "\n\n".join(parts) + "\n"


def overview(ranking: Ranking) -> tuple[list[str], list[list[str]]]:
    """The figures over tasks that a terminal has room for.

    Args:
        ranking: `Ranking`.

    Returns:
        `(head, rows)`: names of the columns, and a list of cells per contender, the best first.
    """
    head = [
        "optimizer", "speed-up", "along the run", "ahead of Adam", "of Adam(1e-3)", "diverged",
        "held out",
    ]  # fmt: skip
    rows = [
        [
            s.optimizer,
            f"{s.speed_up:.2f}",
            _number(math.exp(s.anytime)),
            _share(s.won.get(REFERENCE)),
            _share(s.won.get(UNTUNED)),
            f"{s.diverged} of {s.runs}",
            _number(s.held_out_ratio),
        ]
        for s in ranking.overall
    ]
    return head, rows


def _summary(results, found):
    head = [
        "optimizer", "speed-up (IQM)", "median", "won vs tuned Adam", "won vs Adam(1e-3)",
        "train-loss ratio", "worst", "diverged", "accuracy worse on", "held-out ratio",
        "best held-out ratio",
    ]  # fmt: skip
    rows = []
    for s in found:
        rows.append(
            [
                f"**{s.optimizer}**" if s.learned else s.optimizer,
                f"{s.speed_up:.2f}",
                f"{s.median_speed_up:.2f}",
                _share(s.won.get(REFERENCE)),
                _share(s.won.get(UNTUNED)),
                _number(s.loss_ratio),
                _number(s.worst_ratio),
                f"{s.diverged} of {s.runs}",
                f"{len(s.accuracy_worse)} of {len(results.tasks)}",
                _number(s.held_out_ratio),
                _number(s.best_held_out_ratio),
            ]
        )
    return tables.markdown(head, rows)


def _along_the_run(found):
    head = [
        "optimizer", "along the run", "ahead on", "train loss ≤ the better's",
        "≤ 1.02 × Adam(1e-3)'s", "speed-up to AdamW+cosine", "reached", "held-out / the better's",
    ]  # fmt: skip
    rows = []
    for s in sorted(found, key=lambda s: s.anytime):
        best = s.against_best
        rows.append(
            [
                f"**{s.optimizer}**" if s.learned else s.optimizer,
                _number(math.exp(s.anytime)),
                _share(s.anytime_ahead),
                _share(best and best.share),
                _share(s.no_worse),
                _number(best and best.speed_up),
                _share(best and best.reached),
                _number(best and best.held_out_ratio),
            ]
        )
    return tables.markdown(head, rows)


def _won(results, found):
    found = [s for s in found if s.learned]
    names = list(dict.fromkeys(c.optimizer for c in results.contestants))
    names.sort(key=lambda name: name not in {s.optimizer for s in found})
    lines = [[s.optimizer, *(_share(s.won.get(name)) for name in names)] for s in found]
    return tables.markdown(["optimizer", *names], lines)


def _scheduled(results, rows, found):
    if any(s.against_best is None for s in found):
        return []
    return [
        "## Speed-up to the final loss of tuned AdamW with cosine decay (0: never)",
        _per_task(results, rows, "scheduled_speed_up", shown=lambda time: time or 0.0),
    ]


def _per_task(results, rows, field, shown=lambda value: value):
    names = list(dict.fromkeys(row.optimizer for row in rows))
    greatest = ("speed_up", "scheduled_speed_up", "held_out_accuracy")
    best = max if field in greatest else min
    lines = []
    for task in results.tasks:
        values = {r.optimizer: shown(getattr(r, field)) for r in rows if r.task == task}
        if any(value is None for value in values.values()):
            continue
        top = best(values.values())
        described = results.settings["tasks"][task]
        cells = [_number(values[n]) if values[n] != top else f"**{_number(top)}**" for n in names]
        lines.append([f"{task} ({described['steps']:,})", *cells])
    return tables.markdown(["task (steps)", *names], lines)


def _rates(results):
    names = [c.optimizer for c in results.contestants if c.learning_rate is not None]
    names = list(dict.fromkeys(names))
    found = {(c.task, c.optimizer): c for c in results.contestants}
    lines = []
    for task in results.tasks:
        contestants = [found[task, name] for name in names]
        cells = [f"{c.learning_rate:.2g}{'' if c.inside_grid else ' *'}" for c in contestants]
        lines.append([task, *cells])
    return tables.markdown(["task", *names], lines) + "\n\n\\* no worse rate was tried on one side."


def _share(value):
    return "–" if value is None else f"{100 * value:.0f} %"


def _number(value):
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "∞"
    return "0" if value == 0 else f"{value:.3g}"

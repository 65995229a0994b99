"""Files of the suite: `suite.json`, `suite.csv`, `tasks.csv`, `suite.md`, `suite.png`."""

import csv
import dataclasses
import math
import pathlib

from l2l_tf.evaluation.suite.picture import draw
from l2l_tf.evaluation.suite.standings import REFERENCE, UNTUNED, standings, task_standings


def write(results, directory):
    """Write all files of a suite's results.

    `suite.json` holds everything, `curves.csv` every record, `tasks.csv` a row for each task and
    contender, `suite.md` the tables for readers, `suite.png` the picture.

    Args:
        results: `Results` of `run_suite`.
        directory: Directory, made if needed.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    results.to_json(directory / "suite.json")
    results.to_csv(directory / "curves.csv")
    rows = task_standings(results)
    with open(directory / "tasks.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in dataclasses.fields(rows[0])])
        writer.writeheader()
        writer.writerows(dataclasses.asdict(row) for row in rows)
    (directory / "suite.md").write_text(markdown(results))
    draw(results, directory / "suite.png")


def markdown(results):
    """The tables as Markdown: over tasks, then task by task."""
    parts = [
        f"# The {results.settings.get('suite', 'general')} suite",
        f"{results.date}, {results.cpu}; TensorFlow {results.versions['tensorflow']}, "
        f"Keras {results.versions['keras']}, l2l_tf {results.versions['l2l_tf']}; "
        f"{results.settings['seeds']} seeds per task and contender.",
        summary_table(results),
        "Speed-up: steps of the run / first of the recorded steps at which the median train loss "
        "is at or below tuned Adam's final one, 0 if never. Won: share of the tasks with a lower "
        "final train loss. Ratios: contender / tuned Adam, geometric mean of train losses, median "
        "of held-out ones. Accuracy worse: by more than one point or two standard errors, "
        "whichever is more.",
        "## Share of the tasks with a lower final train loss than each other optimizer",
        _won(results),
        "## Final train loss (median over seeds)",
        _per_task(results, "train_loss"),
        "## Speed-up over tuned Adam",
        _per_task(results, "speed_up"),
        "## Final held-out loss",
        _per_task(results, "held_out_loss"),
        "## Least held-out loss along the run",
        _per_task(results, "best_held_out_loss"),
        "## Final held-out accuracy",
        _per_task(results, "held_out_accuracy"),
        "## Learning rates found",
        _rates(results),
    ]
    return "\n\n".join(parts) + "\n"


def summary_table(results):
    """The table over tasks as Markdown, one row per contender, the best first."""
    head = [
        "optimizer", "speed-up (IQM)", "median", "won vs tuned Adam", "won vs Adam(1e-3)",
        "train-loss ratio", "worst", "diverged", "accuracy worse on", "held-out ratio",
        "best held-out ratio",
    ]  # fmt: skip
    rows = []
    for s in standings(results):
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
    return _table(head, rows)


def _won(results):
    found = [s for s in standings(results) if s.learned]
    names = list(dict.fromkeys(c.optimizer for c in results.contestants))
    names.sort(key=lambda name: name not in {s.optimizer for s in found})
    lines = [[s.optimizer, *(_share(s.won.get(name)) for name in names)] for s in found]
    return _table(["optimizer", *names], lines)


def _per_task(results, field):
    rows = task_standings(results)
    names = list(dict.fromkeys(row.optimizer for row in rows))
    best = max if field in ("speed_up", "held_out_accuracy") else min
    lines = []
    for task in results.tasks:
        values = {r.optimizer: getattr(r, field) for r in rows if r.task == task}
        if any(value is None for value in values.values()):
            continue
        top = best(values.values())
        described = results.settings["tasks"][task]
        cells = [_number(values[n]) if values[n] != top else f"**{_number(top)}**" for n in names]
        lines.append([f"{task} ({described['steps']:,})", *cells])
    return _table(["task (steps)", *names], lines)


def _rates(results):
    names = [c.optimizer for c in results.contestants if c.learning_rate is not None]
    names = list(dict.fromkeys(names))
    found = {(c.task, c.optimizer): c for c in results.contestants}
    lines = []
    for task in results.tasks:
        contestants = [found[task, name] for name in names]
        cells = [f"{c.learning_rate:.2g}{'' if c.inside_grid else ' *'}" for c in contestants]
        lines.append([task, *cells])
    return _table(["task", *names], lines) + "\n\n\\* no worse rate was tried on one side."


def _table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _share(value):
    return "–" if value is None else f"{100 * value:.0f} %"


def _number(value):
    if not math.isfinite(value):
        return "∞"
    return "0" if value == 0 else f"{value:.3g}"

"""`run_suite`: every contender on every task of a half, each tuned task by task."""

import dataclasses
import os
from collections.abc import Sequence

from l2l_tf.core.checks import check_number
from l2l_tf.evaluation import engine
from l2l_tf.evaluation.contenders import Contender
from l2l_tf.evaluation.results import Results
from l2l_tf.evaluation.settings import Settings
from l2l_tf.evaluation.suite.entry import Entry
from l2l_tf.evaluation.suite.standings import REFERENCE
from l2l_tf.evaluation.suite.suites import SUITES

# The fewest steps of a run, however much shorter than the suite's.
MIN_STEPS = 20


def run_suite(
    chosen: Sequence[Entry],
    contenders: Sequence[str | Contender],
    settings: Settings | None = None,
    *,
    stretch: float = 1.0,
    suite: str = "general",
    cache_dir: str | os.PathLike | None = None,
    progress: bool = False,
) -> Results:
    """Every contender on every entry.

    Args:
        chosen: List of `Entry`.
        contenders: List of `Contender`s and names of baselines; "adam", tuned, must be one.
        settings: `Settings`; by default the suite's. Length and compilation are each entry's.
        stretch: Factor on every task's number of steps; a run has at least 20.
        suite: Name of the suite, for titles.
        cache_dir: Directory of finished runs, which are never repeated; None: none are kept.
        progress: Whether to show a progress bar.

    Returns:
        `Results`, whose tasks are the entries' names.

    Raises:
        ValueError: If "adam" is missing, a name is unknown or given twice, or `stretch` is not
            positive.
        DataNotPreparedError: If a task's data set is not on this machine.
    """
    check_number("stretch", stretch, above=0)
    settings = SUITES[suite].settings if settings is None else Settings.given("settings", settings)
    contenders = engine.as_contenders(contenders)
    names = [c.name for c in contenders]
    if REFERENCE not in names:
        raise ValueError(
            f"Contenders are judged by tuned {REFERENCE}. Received: contenders={names}"
        )
    evaluated = [_evaluated(entry, settings, stretch) for entry in chosen]
    found = engine.run(evaluated, contenders, cache_dir, progress)
    described = {
        entry.name: {
            "kind": entry.kind,
            "steps": task.settings.steps,
            "held_out_rows": part.held_out_rows,
        }
        for entry, task, part in zip(chosen, evaluated, found, strict=True)
    }
    return Results(
        {"suite": suite, **_shared(settings), "stretch": stretch, "tasks": described},
        [c for part in found for c in part.contestants],
        [r for part in found for r in part.records],
    )


def _evaluated(entry, settings, stretch):
    steps = max(round(entry.steps * stretch), MIN_STEPS)
    own = settings.replaced(steps=steps, jit_compile=entry.jit_compile)
    return engine.EvaluatedTask(entry.name, entry.make, own)


def _shared(settings):
    """What all tasks of the suite have in common."""
    described = dataclasses.asdict(settings)
    return {k: v for k, v in described.items() if k not in ("steps", "jit_compile", "functions")}

"""The loop of every evaluation: each contender on each task, tuned first, then over seeds."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from l2l_tf.evaluation import baselines
from l2l_tf.evaluation.contenders import Contender
from l2l_tf.evaluation.finished_runs import FinishedRuns
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.progress import progress_bar
from l2l_tf.evaluation.results import Contestant, Picture, Record
from l2l_tf.evaluation.runner import Runner
from l2l_tf.evaluation.settings import Settings
from l2l_tf.evaluation.tuning import tune


@dataclasses.dataclass(frozen=True)
class EvaluatedTask:
    """A task and how contenders meet on it.

    Attributes:
        name: How results call it.
        make: Function without arguments → `Task`; called when its turn comes.
        settings: `Settings`.
    """

    name: str
    make: Callable
    settings: Settings


class TaskRuns(NamedTuple):
    """What an evaluation found on one task.

    Attributes:
        contestants: List of `Contestant`, in the order of the contenders.
        records: List of `Record`.
        held_out_rows: Rows of the test split that reports look at; 0 without data.
        pictures: List of `Picture`, of the first seed's runs.
    """

    contestants: list
    records: list
    held_out_rows: int
    pictures: list


def as_contenders(given):
    """List of `Contender`s, out of such ones and names of baselines.

    Raises:
        ValueError: If there are none, or a name is unknown or given twice.
    """
    contenders = [c if isinstance(c, Contender) else baselines.get(c) for c in given]
    names = [c.name for c in contenders]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Contenders need names of their own. Received: contenders={names}")
    return contenders


def run(evaluated, contenders, cache_dir=None, progress=False):
    """Train every contender on every task, from the same starts, on the same batches.

    Args:
        evaluated: List of `EvaluatedTask`.
        contenders: List of `Contender`.
        cache_dir: Directory of finished runs, which are never repeated; None: none are kept.
        progress: Whether to show a progress bar.

    Returns:
        List of `TaskRuns`.
    """
    total = sum(_expected_runs(contenders, e.settings) for e in evaluated)
    with progress_bar(progress, total, mininterval=1) as bar:
        return [_run_task(e, contenders, cache_dir, bar) for e in evaluated]


def _expected_runs(contenders, settings):
    grid = settings.grid_seeds * len(settings.grid.indices())
    return sum(settings.seeds + grid * contender.tuned for contender in contenders)


def _run_task(evaluated, contenders, cache_dir, bar):
    settings = evaluated.settings
    problem = Problem(
        evaluated.make(),
        settings.functions,
        settings.report_rows,
        settings.jit_compile,
        settings.seed,
    )
    contestants, records, pictures = [], [], []
    for contender in contenders:
        bar.set_postfix_str(f"{evaluated.name} {contender.name}")
        finished = FinishedRuns(Runner(problem, contender, settings.steps), cache_dir)
        contestant = Contestant(evaluated.name, contender.name, contender.learned)
        if contender.tuned:
            contestant = contestant.tuned_to(
                tune(finished, settings.grid, settings.grid_seeds, settings.tune_for, bar.update)
            )
        contestants.append(contestant)
        for seed in range(settings.seeds):
            curve = finished.curve(contestant.learning_rate, seed, settings.records)
            records += [Record.of(contestant, seed, m) for m in curve]
            if seed == 0:
                pictures += [Picture.of(contestant, m) for m in curve if m.picture]
            bar.update()
    return TaskRuns(contestants, records, problem.held_out_rows, pictures)

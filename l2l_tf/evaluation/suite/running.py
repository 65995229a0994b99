"""`run_suite`: every contender on every task of a half, each tuned task by task."""

import dataclasses

from l2l_tf.evaluation import baselines
from l2l_tf.evaluation.contenders import Contender
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.progress import progress_bar
from l2l_tf.evaluation.results import Contestant, Record, Results
from l2l_tf.evaluation.runner import Runner
from l2l_tf.evaluation.suite.finished_runs import FinishedRuns
from l2l_tf.evaluation.tuning import Grid, search


@dataclasses.dataclass(frozen=True)
class SuiteSettings:
    """How the suite is run.

    Attributes:
        grid: `Grid` of learning rates: nine, and more while the best is at its edge.
        grid_seeds: Runs per learning rate, on seeds that are not reported.
        seeds: Reported runs per contender and task.
        records: Evenly spaced steps that are recorded, besides the start.
        report_rows: Most rows of a split that are reported on (the first ones).
        stretch: Factor on every task's number of steps; a run has at least 20.
        seed: Non-negative int that every seed is derived from.

    Raises:
        ValueError: If a number is out of range.
    """

    grid: Grid = Grid(1e-4, 1.0, per_decade=2)
    grid_seeds: int = 2
    seeds: int = 5
    records: int = 20
    report_rows: int = 1024
    stretch: float = 1.0
    seed: int = 0

    def __post_init__(self):
        for name in ("grid_seeds", "seeds", "records", "report_rows", "stretch"):
            if not getattr(self, name) > 0:
                value = getattr(self, name)
                raise ValueError(f"`{name}` is positive. Received: {name}={value!r}")

    def steps(self, entry):
        """Length of an entry's runs."""
        return max(round(entry.steps * self.stretch), 20)


QUICK = SuiteSettings(
    grid=Grid(1e-3, 1e-1, per_decade=1, extend=1), grid_seeds=1, seeds=2, stretch=0.2
)


def run_suite(
    chosen, contenders, settings=None, *, suite="general", cache_dir=None, progress=False
):
    """Every contender on every entry.

    Args:
        chosen: List of `Entry`.
        contenders: List of `Contender`s and names of baselines; "adam", tuned, must be one.
        settings: `SuiteSettings`; by default its defaults.
        suite: Name of the suite, for titles.
        cache_dir: Directory of finished runs, which are never repeated; None: none are kept.
        progress: Whether to show a progress bar.

    Returns:
        `Results`, whose tasks are the entries' names.

    Raises:
        ValueError: If "adam" is missing, or a name is unknown or given twice.
        DataNotPreparedError: If a task's data set is not on this machine.
    """
    settings = settings or SuiteSettings()
    contenders = [c if isinstance(c, Contender) else baselines.get(c) for c in contenders]
    names = [c.name for c in contenders]
    if len(set(names)) < len(names) or "adam" not in names:
        raise ValueError(
            "Contenders need names of their own, and adam is what they are judged by. "
            f"Received: contenders={names}"
        )
    grid = settings.grid_seeds * len(settings.grid.indices())
    each = sum(settings.seeds + grid * c.tuned for c in contenders)
    with progress_bar(progress, len(chosen) * each, mininterval=5) as bar:
        parts = [_run_entry(e, contenders, settings, cache_dir, bar) for e in chosen]
    described = {e.name: {"kind": e.kind, "steps": settings.steps(e)} for e in chosen}
    for name, (_, held_out_rows) in zip(described, parts, strict=True):
        described[name]["held_out_rows"] = held_out_rows
    results = [results for results, _ in parts]
    return Results(
        {"suite": suite, **dataclasses.asdict(settings), "tasks": described},
        [c for part in results for c in part.contestants],
        [r for part in results for r in part.records],
    )


def _run_entry(entry, contenders, settings, cache_dir, bar):
    task = entry.make()
    problem = Problem(
        task,
        report_rows=settings.report_rows,
        jit_compile=entry.jit_compile,
        seed=settings.seed,
    )
    held_out_rows = min(int(task.full_batch("test")[0].shape[0]), settings.report_rows)
    contestants, records = [], []
    for contender in contenders:
        bar.set_postfix_str(f"{entry.name} {contender.name}")
        finished = FinishedRuns(Runner(problem, contender, settings.steps(entry)), cache_dir)
        contestant = Contestant(entry.name, contender.name, contender.learned)
        if contender.tuned:
            tuned = search(settings.grid, finished.final_loss, settings.grid_seeds, bar.update)
            contestant = contestant.tuned_to(tuned)
        contestants.append(contestant)
        for seed in range(settings.seeds):
            curve = finished.curve(contestant.learning_rate, seed, settings.records)
            records += [Record.of(contestant, seed, m) for m in curve]
            bar.update()
    return Results({}, contestants, records), held_out_rows

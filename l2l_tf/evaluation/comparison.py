"""`evaluate`: several optimizers on the same tasks, each tuned, each over the same seeds."""

import dataclasses

from l2l_tf import tasks
from l2l_tf.evaluation import baselines
from l2l_tf.evaluation.contenders import Contender
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.progress import progress_bar
from l2l_tf.evaluation.results import Contestant, Record, Results
from l2l_tf.evaluation.runner import Runner, recorded_steps
from l2l_tf.evaluation.tuning import CRITERIA, Grid, tune


@dataclasses.dataclass(frozen=True)
class Settings:
    """How contenders are compared.

    Attributes:
        steps: Length of a run.
        seeds: Reported runs per contender.
        grid: `Grid` of learning rates.
        grid_seeds: Runs per learning rate, on seeds that are not reported.
        tune_for: "train_loss", or "held_out_loss" (on the validation split).
        functions: Functions per run, for tasks without data; losses are means over them.
        records: Most steps recorded, evenly spaced, besides the start.
        report_rows: Most rows of a split in a report (the first ones); None: all.
        jit_compile: Whether to compile with XLA; None: if the task draws its batches in
            the graph.
        seed: Non-negative int that every seed is derived from.

    Raises:
        ValueError: If a setting is out of range.
    """

    steps: int = 100
    seeds: int = 5
    grid: Grid = Grid()
    grid_seeds: int = 2
    tune_for: str = "train_loss"
    functions: int = 1
    records: int = 20
    report_rows: int | None = 10_000
    jit_compile: bool | None = None
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "seeds", "grid_seeds", "functions", "records", "report_rows"):
            value = getattr(self, name)
            if name == "report_rows" and value is None:
                continue
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"`{name}` is a positive integer. Received: {name}={value!r}")
        if self.tune_for not in CRITERIA:
            raise ValueError(
                f"`tune_for` is one of {tuple(CRITERIA)}. Received: tune_for={self.tune_for!r}"
            )


def evaluate(
    task, contenders=baselines.DEFAULT, settings=None, *, cache_dir=None, progress=False, **changes
):
    """Train every contender on the same task, from the same starts, on the same batches.

    A contender that is tuned gets the best learning rate of the grid first, on seeds that
    are not reported.

    ```python
    results = evaluate("digits_mlp", [learned("runs/first/preset"), "adam"], steps=100)
    ```

    Args:
        task: A `Task`, its text such as `digits_mlp(hidden=20)`, or a list of these.
        contenders: List of `Contender`s and names of baselines.
        settings: `Settings`; by default its defaults.
        cache_dir: Directory for finished tuning runs; None: none are kept.
        progress: Whether to show a progress bar.
        **changes: Fields of `Settings` that replace those of `settings`.

    Returns:
        `Results`.

    Raises:
        ValueError: If an argument is out of range, or a name is unknown or given twice.
    """
    settings = dataclasses.replace(settings or Settings(), **changes)
    contenders = [c if isinstance(c, Contender) else baselines.get(c) for c in contenders]
    names = [c.name for c in contenders]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Contenders need names of their own. Received: contenders={names}")
    every_task = [
        (str(t), tasks.get(t) if isinstance(t, str) else t)
        for t in (task if isinstance(task, list | tuple) else [task])
    ]
    with progress_bar(progress, len(every_task) * _expected_runs(contenders, settings)) as bar:
        return Results.merged(
            [_evaluate(*t, contenders, settings, cache_dir, bar) for t in every_task]
        )


def _expected_runs(contenders, settings):
    grid = settings.grid_seeds * len(settings.grid.indices())
    return sum(settings.seeds + grid * contender.tuned for contender in contenders)


def _evaluate(text, task, contenders, settings, cache_dir, bar):
    problem = Problem(
        task, settings.functions, settings.report_rows, settings.jit_compile, settings.seed
    )
    contestants, records = [], []
    for contender in contenders:
        bar.set_postfix_str(contender.name)
        runner = Runner(problem, contender, settings.steps)
        contestant = Contestant(text, contender.name, contender.learned)
        if contender.tuned:
            tuned = tune(
                runner,
                settings.grid,
                settings.grid_seeds,
                settings.tune_for,
                cache_dir,
                progress=bar.update,
            )
            contestant = contestant.tuned_to(tuned)
        contestants.append(contestant)
        for seed in range(settings.seeds):
            records += _records(contestant, seed, runner, settings)
            bar.update()
    return Results({"task": text, **dataclasses.asdict(settings)}, contestants, records)


def _records(contestant, seed, runner, settings):
    measurements = runner.run(
        "report",
        seed,
        contestant.learning_rate,
        recorded_steps(settings.steps, settings.records),
    )
    return [Record.of(contestant, seed, m) for m in measurements]

"""`evaluate`: several optimizers on the same tasks, each tuned, each over the same seeds."""

import dataclasses
import os
from collections.abc import Sequence

from l2l_tf import tasks
from l2l_tf.core.checks import check_instance
from l2l_tf.evaluation import baselines, engine
from l2l_tf.evaluation.contenders import Contender
from l2l_tf.evaluation.results import Results
from l2l_tf.evaluation.settings import Settings


def evaluate(
    task: str | tasks.Task | Sequence[str | tasks.Task],
    contenders: Sequence[str | Contender] = baselines.DEFAULT,
    settings: Settings | None = None,
    *,
    cache_dir: str | os.PathLike | None = None,
    progress: bool = False,
    **changes,
) -> Results:
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
        cache_dir: Directory of finished runs, which are never repeated; None: none are kept.
        progress: Whether to show a progress bar.
        **changes: Fields of `Settings` that replace those of `settings`.

    Returns:
        `Results`.

    Raises:
        ValueError: If an argument is out of range, or a name is unknown or given twice.
    """
    settings = Settings.given("settings", settings, **changes)
    contenders = engine.as_contenders(contenders)
    made = [
        (str(t), tasks.get(t) if isinstance(t, str) else t)
        for t in (task if isinstance(task, list | tuple) else [task])
    ]
    for _, each in made:
        check_instance("task", each, tasks.Task)
    evaluated = [engine.EvaluatedTask(name, lambda t=t: t, settings) for name, t in made]
    found = engine.run(evaluated, contenders, cache_dir, progress)
    described = dataclasses.asdict(settings)
    return Results.merged(
        [
            Results({"task": e.name, **described}, part.contestants, part.records, part.pictures)
            for e, part in zip(evaluated, found, strict=True)
        ]
    )

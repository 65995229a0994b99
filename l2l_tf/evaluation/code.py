"""The code that results come from: other code, other results."""

import functools
import hashlib
import inspect
import pathlib
from collections.abc import Callable

# All of the package that the figures of a run depend on: what draws a task and its batches, what
# takes the steps, and what measures. Not what chooses rates, counts, prints or draws pictures, nor
# what a key holds by its values: presets, entries of suites and their data.
RUN_CODE = (
    "cells",
    "core/config.py",
    "core/draws.py",
    "core/tracing.py",
    "core/transforms.py",
    "data.py",
    "evaluation/contenders.py",
    "evaluation/problem.py",
    "evaluation/runner.py",
    "evaluation/suite/keras_task.py",
    "evaluation/suite/middle_models.py",
    "evaluation/suite/models.py",
    "evaluation/suite/moving_targets.py",
    "evaluation/suite/objectives.py",
    "evaluation/suite/pretraining.py",
    "evaluation/training_step.py",
    "optimizer",
    "rules",
    "tasks",
)


def run_code(*things: Callable) -> str:
    """SHA-256 of the code that a run depends on: `RUN_CODE`, and a user's own.

    Args:
        *things: Classes, counted with those that they derive from, and functions; of those that
            are a user's own the files count, too.

    Returns:
        Hexadecimal digits.

    Raises:
        TypeError, OSError: If the code of one is nowhere to be read.
    """
    bases = [b for t in things for b in (t.__mro__[:-1] if isinstance(t, type) else (t,))]
    own = [b for b in bases if b.__module__.partition(".")[0] not in ("l2l_tf", "keras")]
    files = {pathlib.Path(inspect.getsourcefile(base) or "") for base in own}
    return _digest(pathlib.Path(__file__).parents[1], tuple(sorted(files)))


@functools.cache
def _digest(house, own):
    digest = hashlib.sha256()
    for place in map(house.joinpath, RUN_CODE):
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(file.relative_to(house).as_posix().encode() + b"\0" + file.read_bytes())
    for file in own:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()

"""Optimizers that were learned, as a Keras optimizer."""

import importlib
import sys
from typing import TYPE_CHECKING

from l2l_tf.core.startup import start

start(getattr(sys, "argv", []), sys.orig_argv)  # Before anything else imports TensorFlow.

import keras  # noqa: E402

from l2l_tf import presets, rules  # noqa: E402
from l2l_tf.optimizer import LearnedOptimizer, OptimizerSummaries, RunLength  # noqa: E402
from l2l_tf.presets import list_presets  # noqa: E402
from l2l_tf.rules import register_rule  # noqa: E402
from l2l_tf.version import __version__  # noqa: E402

if TYPE_CHECKING:  # What `__getattr__` imports when it is first asked for.
    from l2l_tf import evaluation as evaluation
    from l2l_tf import export as export
    from l2l_tf import meta as meta
    from l2l_tf import tasks as tasks
    from l2l_tf import testing as testing
    from l2l_tf.evaluation import cost_report
    from l2l_tf.tasks import register_task

__all__ = [
    "LearnedOptimizer",
    "OptimizerSummaries",
    "RunLength",
    "__version__",
    "cost_report",
    "list_presets",
    "presets",
    "register_rule",
    "register_task",
    "rules",
]

# Rooms that are imported when they are first asked for.
_ROOMS = ("evaluation", "export", "meta", "tasks", "testing")
# What stands here, too, and the room that it comes from.
_NAMES = {"cost_report": "evaluation", "register_task": "tasks"}


def __getattr__(name: str):
    if name in _NAMES:
        return getattr(_room(_NAMES[name]), name)
    if name not in _ROOMS:
        raise AttributeError(f"module 'l2l_tf' has no attribute {name!r}")
    return _room(name)


def _room(name):
    try:
        return importlib.import_module(f"l2l_tf.{name}")
    except ModuleNotFoundError as error:
        if error.name != "tensorflow":
            raise
        raise ImportError(
            f"l2l_tf.{name} needs TensorFlow: pip install 'l2l-tf[tensorflow]'. "
            f"Received: KERAS_BACKEND={keras.config.backend()}, without TensorFlow"
        ) from error


def __dir__():
    return sorted({*globals(), *__all__, *_ROOMS})

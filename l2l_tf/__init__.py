"""Optimizers that were learned, as a Keras optimizer."""

import importlib
import sys
from typing import TYPE_CHECKING

from l2l_tf.core.startup import start

start(getattr(sys, "argv", []), sys.orig_argv)  # Before anything else imports TensorFlow.

import keras  # noqa: E402

from l2l_tf import presets, rules  # noqa: E402
from l2l_tf.core.tensorflow_rooms import TensorFlowRooms, has_tensorflow  # noqa: E402
from l2l_tf.optimizer import LearnedOptimizer, OptimizerSummaries, RunLength  # noqa: E402
from l2l_tf.presets import list_presets  # noqa: E402
from l2l_tf.rules import register_rule  # noqa: E402
from l2l_tf.version import __version__  # noqa: E402

if TYPE_CHECKING:  # What `__getattr__` imports when it is first asked for.
    from l2l_tf import data as data
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

# Rooms that need TensorFlow, and the extra that has all of what they need; they are imported when
# they are first asked for.
_ROOMS = {
    "data": "train",
    "evaluation": "train",
    "export": "tensorflow",
    "meta": "train",
    "tasks": "train",
    "testing": "train",
}
# What stands here, too, and the room that it comes from.
_NAMES = {"cost_report": "evaluation", "register_task": "tasks"}


TensorFlowRooms(
    {f"l2l_tf.{room}": extra for room, extra in _ROOMS.items()},
    received=f"KERAS_BACKEND={keras.config.backend()}",
).install()


def __getattr__(name: str):
    if name in _NAMES:
        return getattr(importlib.import_module(f"l2l_tf.{_NAMES[name]}"), name)
    if name not in _ROOMS:
        raise AttributeError(f"module 'l2l_tf' has no attribute {name!r}")
    return importlib.import_module(f"l2l_tf.{name}")


def __dir__():
    names = {*globals(), *__all__, *_ROOMS}
    return sorted(names if has_tensorflow() else names - {*_ROOMS, *_NAMES})

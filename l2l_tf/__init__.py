"""Optimizers that were learned, as a Keras optimizer."""

from l2l_tf.core.notices import import_tensorflow_for_a_command

import_tensorflow_for_a_command()  # Before anything else imports it.

from l2l_tf import presets, rules  # noqa: E402
from l2l_tf.optimizer import LearnedOptimizer, RunLength  # noqa: E402
from l2l_tf.presets import list_presets  # noqa: E402
from l2l_tf.rules import register_rule  # noqa: E402
from l2l_tf.tasks import register_task  # noqa: E402
from l2l_tf.version import __version__  # noqa: E402

__all__ = [
    "LearnedOptimizer",
    "RunLength",
    "__version__",
    "list_presets",
    "presets",
    "register_rule",
    "register_task",
    "rules",
]

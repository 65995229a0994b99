"""Optimizers that were learned, as a Keras optimizer."""

from l2l_tf import presets, rules
from l2l_tf.optimizer import LearnedOptimizer, RunLength
from l2l_tf.presets import list_presets
from l2l_tf.version import __version__

__all__ = ["LearnedOptimizer", "RunLength", "__version__", "list_presets", "presets", "rules"]

"""A model with its training, or an optimizer's step, for TensorFlow alone or LiteRT alone."""

from l2l_tf.export.litert import export_litert
from l2l_tf.export.step import export_step
from l2l_tf.export.training import export_training

__all__ = ["export_litert", "export_step", "export_training"]

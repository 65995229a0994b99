"""SavedModels that need only TensorFlow: a model with its training, or an optimizer's step."""

from l2l_tf.export.step import export_step
from l2l_tf.export.training import export_training

__all__ = ["export_step", "export_training"]

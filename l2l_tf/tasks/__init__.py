"""Tasks: the optimizees that rules are meta-trained and judged on."""

from l2l_tf.tasks.augmentation import RandomScaling
from l2l_tf.tasks.base import SPLITS, Task, as_seed, fold_in
from l2l_tf.tasks.classification import ACTIVATIONS, DigitsMLP, InMemoryMLP, digits
from l2l_tf.tasks.quadratic import Quadratic, QuadraticUniform
from l2l_tf.tasks.registry import get, names, register_task

__all__ = [
    "ACTIVATIONS",
    "SPLITS",
    "DigitsMLP",
    "InMemoryMLP",
    "Quadratic",
    "QuadraticUniform",
    "RandomScaling",
    "Task",
    "as_seed",
    "digits",
    "fold_in",
    "get",
    "names",
    "register_task",
]

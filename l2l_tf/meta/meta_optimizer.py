"""What meta-gradients are given to: Adam, or a learned optimizer, perhaps the one in training."""

import keras
import tensorflow as tf

from l2l_tf import presets
from l2l_tf.core.scalars import unkept
from l2l_tf.meta.tracing import traced
from l2l_tf.optimizer import LearnedOptimizer

NAMES = ("adam", "self", "dual")
PRESET = "preset:"


def check_meta_optimizer(name, value):
    """Raise a `ValueError` unless `value` names a meta-optimizer.

    Args:
        name: What it is called, for the error.
        value: One of `NAMES`, or "preset:" and a rule or preset as `presets.resolve` takes it.
    """
    named = isinstance(value, str) and value.startswith(PRESET) and value != PRESET
    if not named and value not in NAMES:
        raise ValueError(
            f"`{name}` is one of {NAMES}, or '{PRESET}NAME'. Received: {name}={value!r}"
        )
    if named:
        try:
            presets.resolve(value.removeprefix(PRESET), name)
        except FileNotFoundError as error:
            raise ValueError(f"`{name}`: {error}. Received: {name}={value!r}") from error


class MetaOptimizer:
    """A Keras optimizer of the meta-parameters.

    Args:
        settings: `Settings` of the run.
        variables: List of variables: the meta-parameters.
        leader: `Trainer` whose rule, as it is in training, takes the meta-steps; None: Adam
            does, or a preset's rule.

    Attributes:
        keras: The `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If a preset is unknown.
    """

    def __init__(self, settings, variables, leader=None):
        self._variables, self._leader = variables, leader
        learned = settings.meta_optimizer != "adam"
        self.keras = _learned(settings, leader) if learned else _adam(settings)
        self.keras.build(variables)
        # One program: operation by operation, a step takes as long as a small meta-gradient.
        self._take = traced(self._learned_step if learned else self._step)

    def step(self, gradients, meta_loss):
        """Move the meta-parameters.

        Args:
            gradients: List of tensors, in the variables' order.
            meta_loss: Scalar.
        """
        if self._leader is not None:
            self.keras.follow(self._leader.averages)
        self._take(gradients, tf.convert_to_tensor(unkept(meta_loss, "float32")))

    def _step(self, gradients, meta_loss):
        del meta_loss
        self.keras.apply(gradients, self._variables)

    def _learned_step(self, gradients, meta_loss):
        with self.keras.with_loss(meta_loss):
            self.keras.apply(gradients, self._variables)


def _adam(settings):
    rate = keras.optimizers.schedules.CosineDecay(
        settings.meta_learning_rate, settings.meta_steps, alpha=0.1
    )
    return keras.optimizers.Adam(rate, global_clipnorm=settings.clip_norm)


def _learned(settings, leader):
    if leader is None:
        text = settings.meta_optimizer.removeprefix(PRESET)
        rule = presets.resolve(text, "meta_optimizer").rule
    else:
        rule = leader.rule
    optimizer = LearnedOptimizer(
        settings.meta_update_scale,
        rule=rule,
        total_steps=settings.meta_steps,
        global_clipnorm=settings.clip_norm,
        jit_compile=None if settings.jit_compile else False,
    )
    # Rules that train each other take turns, and no one's loss depends on the other's weights.
    optimizer.contest(False)
    return optimizer

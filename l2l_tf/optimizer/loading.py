"""State that `load_weights` finds for an optimizer whose variables it does not know yet."""

import functools

import keras

from l2l_tf.optimizer.run_length import rule_optimizer_of


def build_when_weights_are_loaded():
    """Let `load_weights` of a model build such an optimizer, where the file holds its state.

    `load_model` builds optimizers before it loads their state, `load_weights` does not: the
    state would wait for the first step, and whoever looks before it would not see it. The
    method is extended once.
    """
    original = keras.Model.load_weights
    if getattr(original, "builds_rule_optimizers", False):
        return

    @functools.wraps(original)
    def load_weights(self, *args, **kwargs):
        original(self, *args, **kwargs)
        optimizer = rule_optimizer_of(self)
        if optimizer is not None and optimizer.awaits_state:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    load_weights.builds_rule_optimizers = True
    keras.Model.load_weights = load_weights

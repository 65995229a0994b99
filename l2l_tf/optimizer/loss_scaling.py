"""What Keras's `LossScaleOptimizer` keeps from the optimizer inside, passed on to ours."""

import tensorflow as tf
from keras.src.optimizers.loss_scale_optimizer import LossScaleOptimizer

from l2l_tf.optimizer import saved_state

# State from a file, until the variables are known.
_AWAITED = "_awaited_around_rule"


def pass_on_through_loss_scaling(kind):
    """Let `LossScaleOptimizer` pass on what it keeps to itself, to optimizers of one class.

    Under mixed_float16 `Model.compile` wraps the optimizer, so that users' code stays as it is.
    The wrapper does not forward `scale_loss`, tells the optimizer inside nothing of steps that
    overflow, and saves without what is no part of `variables`. Its class is extended once.

    Args:
        kind: Class of the optimizers inside that are meant; all others are left alone.
    """
    if getattr(LossScaleOptimizer, "passes_on", False):
        return
    LossScaleOptimizer.passes_on = True
    for extend in (
        _scale_loss,
        _stateful_handle_non_finite_grads,
        _build,
        _save_own_variables,
        _load_own_variables,
    ):
        _extend(extend, kind)


def _extend(extension, kind):
    name = extension.__name__
    name = name if hasattr(LossScaleOptimizer, name) else name.removeprefix("_")
    original = getattr(LossScaleOptimizer, name)

    def extended(self, *arguments):
        if isinstance(self.inner_optimizer, kind):
            return extension(self, original, *arguments)
        return original(self, *arguments)

    extended.__name__ = name
    setattr(LossScaleOptimizer, name, extended)


def _scale_loss(self, original, loss):
    self.inner_optimizer.observe_loss(loss)
    return original(self, loss)


def _stateful_handle_non_finite_grads(self, original):
    original(self)
    self.inner_optimizer.skip_step()


def _build(self, original, variables):
    awaited = getattr(self, _AWAITED, None)
    if awaited is None:
        return original(self, variables)
    with tf.init_scope():  # What a traced step creates has no value before the trace ends.
        original(self, variables)
        _assign(self, awaited)
    setattr(self, _AWAITED, None)


def _save_own_variables(self, original, store):
    del original
    arrays = [v.numpy() for v in self._variables] + self.inner_optimizer.saved_values()
    for index, array in enumerate(arrays):
        store[str(index)] = array


def _load_own_variables(self, original, store):
    del original
    saved = saved_state.read(store)
    if saved is not None and saved.wrapper:
        _assign(self, saved)
        if not self.built:
            setattr(self, _AWAITED, saved)
    self.inner_optimizer.load_own_variables(store)
    self.inner_optimizer.loaded_by_wrapper = True


def _assign(optimizer, saved):
    names = list(saved_state.WRAPPER)[: len(optimizer._variables)]
    for name, variable in zip(names, optimizer._variables, strict=False):
        if name in saved.wrapper:
            variable.assign(saved.wrapper[name])

"""How the loss reaches an optimizer under JAX, where a trainer's step is a pure function.

`scale_loss` is called inside of `value_and_grad`: what is kept of it there has no meaning outside,
and Keras passes on gradients alone. So the loss travels as one: to the trained variables comes a
scalar that is zero, to the loss that scalar times the loss, whose derivative is the loss.
"""

import functools

import jax
import keras
from jax import numpy as jnp

from l2l_tf.optimizer.extending import Extension
from l2l_tf.optimizer.rule_optimizer import RuleOptimizer
from l2l_tf.optimizer.run_length import rule_optimizer_of


class CarriedLoss:
    """The loss of one traced step, on its way from `scale_loss` to `stateless_apply`.

    Attributes:
        loss: Scalar that `scale_loss` was given; None before it was.
    """

    loss = None

    def packed(self, optimizer, compute):
        """`compute_loss_and_updates` with a loss whose derivative by one more variable is it."""

        @functools.wraps(compute)
        def with_the_loss(variables, *args, **kwargs):
            *variables, carrier = variables
            optimizer.heard = self
            try:
                loss, updates = compute(variables, *args, **kwargs)
            finally:
                optimizer.heard = None
            if self.loss is not None:
                loss = loss + (carrier * jax.lax.stop_gradient(self.loss)).astype(loss.dtype)
            return loss, updates

        return with_the_loss

    def unpacked(self, optimizer, gradients, variables):
        """Gradients, variables and the loss, None if `scale_loss` was not called."""
        optimizer.carried = None
        *gradients, loss = gradients
        return gradients, list(variables)[:-1], None if self.loss is None else loss


def _train_step(self, original, state, data):
    optimizer = rule_optimizer_of(self)
    if optimizer is None or not optimizer.built:
        return original(self, state, data)
    optimizer.adopt(self.trainable_variables)
    variables, *rest = state
    own = {k: v for k, v in vars(self).items() if k == "compute_loss_and_updates"}
    optimizer.carried = CarriedLoss()
    compute = optimizer.carried.packed(optimizer, self.compute_loss_and_updates)
    vars(self)["compute_loss_and_updates"] = compute
    try:
        return original(self, ([*variables, jnp.zeros((), "float32")], *rest), data)
    finally:
        optimizer.carried = None
        del vars(self)["compute_loss_and_updates"]
        vars(self).update(own)


def _stateless_apply(self, original, optimizer_variables, grads, trainable_variables):
    """The optimizer inside of loss scaling is told the loss."""
    inner = self.inner_optimizer
    if not isinstance(inner, RuleOptimizer):
        return original(self, optimizer_variables, grads, trainable_variables)
    loss = None
    if inner.carried is not None:
        unpacked = inner.carried.unpacked(inner, grads, trainable_variables)
        grads, trainable_variables, loss = unpacked
    with inner.with_loss(loss):
        return original(self, optimizer_variables, grads, trainable_variables)


def _skip(self, original, optimizer_variables, trainable_variables):
    """Steps that overflow are counted by the optimizer inside of loss scaling."""
    trained, values = original(self, optimizer_variables, trainable_variables)
    if not isinstance(self.inner_optimizer, RuleOptimizer):
        return trained, values
    mapping = list(zip(self.variables, values, strict=True))
    with keras.StatelessScope(state_mapping=mapping) as scope:
        self.inner_optimizer.loss_scaled = True
        self.inner_optimizer.observe_given_loss()
        self.inner_optimizer.skip_step()
    return trained, [scope.get_current_value(v) for v in self.variables]


JAX_EXTENSIONS = [
    Extension(
        next(cls for cls in keras.Model.__mro__ if "train_step" in vars(cls)),
        {"train_step": (("self", "state", "data"), _train_step)},
        "in a `train_step` of your own give `optimizer.stateless_apply` the loss; a rule hears of "
        "no loss in Keras's",
    ),
    Extension(
        keras.optimizers.LossScaleOptimizer,
        {
            "stateless_apply": (
                ("self", "optimizer_variables", "grads", "trainable_variables"),
                _stateless_apply,
            ),
            "_stateless_handle_non_finite_grads": (
                ("self", "optimizer_variables", "trainable_variables"),
                _skip,
            ),
        },
        "inside of loss scaling a rule hears of no loss, and counts no step that overflows",
    ),
]

"""One step of training on variables that stand apart from any model."""

import contextlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def variable_at(path: str, value: Any) -> keras.Variable:
    """A variable of that `path`, which tells some optimizers what it is for."""
    *scopes, name = path.split("/")
    with contextlib.ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(keras.name_scope(scope))
        return keras.Variable(value, dtype=keras.backend.standardize_dtype(value.dtype), name=name)


def differentiated(
    objective: Callable,
    params: list[keras.Variable],
    model_state: list[tf.Variable],
    scaled: Callable = lambda loss: loss,
) -> tuple[tf.Tensor, list]:
    """Loss and gradients; the model's state is assigned.

    Args:
        objective: `(params, model_state)` → `(what is differentiated, loss, model_state)`, all of
            them tensors.
        params: Variables that are trained.
        model_state: All others.
        scaled: What is made of the objective before it is differentiated, such as an
            optimizer's `scale_loss`.

    Returns:
        `(loss, gradients)`.
    """
    state = [tf.convert_to_tensor(v) for v in model_state]
    with tf.GradientTape() as tape:
        values = [tf.convert_to_tensor(p.value) for p in params]
        differentiable, loss, state = objective(values, state)
        differentiable = scaled(differentiable)
    gradients = tape.gradient(differentiable, [p.value for p in params])
    for variable, value in zip(model_state, state, strict=True):
        variable.assign(value)
    return loss, gradients

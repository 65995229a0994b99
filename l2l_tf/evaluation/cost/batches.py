"""A batch for a model of which nothing but its input specs is known."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


def made_inputs(model: keras.Model, batch_size: int) -> Any:
    """Inputs as a built model takes them: normal numbers, or zeros where integers are wanted.

    Args:
        model: Built `keras.Model`.
        batch_size: Rows.

    Returns:
        Nested tensors `[batch_size, …]`.

    Raises:
        ValueError: If the model does not tell the shapes.
    """
    specs = _specs(model)
    if specs is None:
        raise ValueError(
            "This model does not tell what it takes: give `inputs`, a batch of them. "
            f"Received: inputs=None with {model.name!r}"
        )
    random = np.random.default_rng(0)
    return keras.tree.map_structure(lambda spec: _made(spec, batch_size, random), specs)


def _specs(model):
    """Nested specs of one argument, with `shape` and `dtype`; None if they are not known."""
    functional = getattr(model, "_functional", None) or model
    if getattr(functional, "inputs", None):
        return functional.input
    shapes = (model.get_build_config() or {}).get("input_shape")
    if shapes is None:
        return None
    return keras.tree.map_shape_structure(
        lambda shape: tf.TensorSpec(shape, keras.config.floatx()), shapes
    )


def _made(spec, batch_size, random):
    shape = tuple(spec.shape)
    if not shape or None in shape[1:]:
        raise ValueError(
            "Only the number of rows may be left open where a batch is to be made: give `inputs`. "
            f"Received: inputs=None with an input of shape {shape}"
        )
    dtype = tf.as_dtype(spec.dtype)
    shape = (batch_size, *shape[1:])
    values = random.normal(size=shape) if dtype.is_floating else np.zeros(shape)
    return tf.cast(values, dtype)

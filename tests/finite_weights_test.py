"""Finite gradients make no weight NaN or infinite: every rule, preset, dtype and size."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import goldens_of_presets
from hypothesis import given, settings
from hypothesis import strategies as st

from l2l_tf import LearnedOptimizer, rules

SIZES = (0.0, 1e-45, 1e-40, 1e-38, 1e-30, 1e-20, 1e-8, 1e-3, 1.0, 1e3, 1e8, 1e20, 1e30)
DTYPES = ("float16", "bfloat16", "float32", "float64")
QUICK = ("spectral-general", "lstm", "adam", "rnnprop-general")
NAMES = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in (*rules.names(), *goldens_of_presets.shipped())
]
numbers = st.tuples(st.sampled_from(SIZES), st.sampled_from((1.0, -1.0, 3.0)))
gradients = st.lists(numbers, min_size=6, max_size=6)


def tensor(numbers, dtype, shape):
    """The numbers within the range of a dtype."""
    values = np.array([size * sign for size, sign in numbers], "float64")
    largest = float(tf.as_dtype(dtype).max)
    return tf.reshape(tf.cast(np.clip(values, -largest, largest), dtype), shape)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    dtype=st.sampled_from(DTYPES),
    steps=st.lists(gradients, min_size=1, max_size=4),
    losses=st.lists(st.sampled_from((*SIZES, -1.0, float("nan"))), min_size=4, max_size=4),
    start=st.sampled_from((0.0, 1e-30, 1.0, 1e4)),
)
def test_no_weight_is_other_than_finite(name, dtype, steps, losses, start):
    with keras.name_scope("dense"):
        kernel = keras.Variable(np.full((3, 2), start), dtype=dtype, name="kernel")
        bias = keras.Variable(np.full((6,), start), dtype=dtype, name="bias")
    own = {"rule": name} if name in rules.names() else {"preset": name}
    if name in rules.names():
        own["rule"] = rules.get(name)
    optimizer = LearnedOptimizer(**own)
    optimizer.build([kernel, bias])
    for numbers, loss in zip(steps, losses, strict=False):
        optimizer.observe_loss(loss)
        optimizer.apply(
            [tensor(numbers, dtype, (3, 2)), tensor(numbers[::-1], dtype, (6,))], [kernel, bias]
        )
        for variable in (kernel, bias):
            values = tf.cast(variable.value, tf.float64).numpy()
            assert np.isfinite(values).all(), (numbers, values)
    assert int(optimizer.skipped_steps) == 0

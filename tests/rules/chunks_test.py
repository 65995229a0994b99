"""Evaluation in chunks gives what evaluation at once gives."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import rules
from l2l_tf.rules import chunks

COUNT = 61


@pytest.mark.parametrize("state_dtype", [None, "bfloat16"])
def test_chunks_change_nothing(state_dtype, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 16)
    rule = rules.LSTM(hidden_size=4, layers=1, preprocess=None)
    generator = np.random.default_rng(0)
    variables = [tf.constant(generator.normal(size=[COUNT]), tf.float32)]
    gradients = [tf.constant(generator.normal(size=[COUNT]), tf.float32)]

    def after_two_steps(rule, least_floats):
        monkeypatch.setattr(chunks, "LEAST_FLOATS", least_floats)

        @tf.function(jit_compile=True, autograph=False)
        def step(state):
            return rule.update(gradients, state, variables, rules.Context())

        _, state = step(rule.init(variables, state_dtype))
        return tf.nest.flatten(step(state))

    whole = after_two_steps(rule.in_chunks(), least_floats=10**9)
    chunked = after_two_steps(rule.in_chunks(), least_floats=1)
    tolerance = 1e-5 if state_dtype is None else 1e-2
    for expected, value in zip(whole, chunked, strict=True):
        assert value.dtype == expected.dtype and value.shape == expected.shape
        expected, value = (tf.cast(t, tf.float32) for t in (expected, value))
        assert np.ptp(expected) > 0
        np.testing.assert_allclose(value, expected, atol=tolerance)


def test_rules_of_little_state_and_few_coordinates_are_evaluated_at_once():
    assert chunks.worth_chunks(10**6, 80)
    assert not chunks.worth_chunks(10**6, 2)
    assert not chunks.worth_chunks(10**3, 80)
    assert not chunks.worth_chunks(tf.constant(10**6), 80)

"""Evaluation in chunks gives what evaluation at once gives."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import rules
from l2l_tf.rules import chunks


@pytest.mark.parametrize("count", [64, 61])
@pytest.mark.parametrize("state_dtype", [None, "bfloat16"])
def test_chunks_change_nothing(count, state_dtype, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 16)
    rule = rules.RNNProp(hidden_size=8)
    assert chunks.worth_chunks(count, rule.floats_per_coordinate())
    generator = np.random.default_rng(0)
    variables = [tf.constant(generator.normal(size=[count]), tf.float32)]
    gradients = [tf.constant(generator.normal(size=[count]), tf.float32)]

    def after_three_steps(rule):
        @tf.function(jit_compile=True, autograph=False)
        def steps():
            state, seen = rule.init(variables, state_dtype), []
            for step in range(3):
                updates, state = rule.update(gradients, state, variables, rules.Context(step))
                seen.append(updates[0])
            return seen, state

        return tf.nest.flatten(steps())

    whole, chunked = after_three_steps(rule), after_three_steps(rule.in_chunks())
    tolerance = 1e-5 if state_dtype is None else 1e-2
    for expected, value in zip(whole, chunked, strict=True):
        assert value.dtype == expected.dtype and value.shape == expected.shape
        np.testing.assert_allclose(
            tf.cast(value, tf.float32), tf.cast(expected, tf.float32), atol=tolerance
        )


def test_rules_of_little_state_and_few_coordinates_are_evaluated_at_once():
    assert chunks.worth_chunks(10**6, 80)
    assert not chunks.worth_chunks(10**6, 2)
    assert not chunks.worth_chunks(10**3, 80)
    assert not chunks.worth_chunks(tf.constant(10**6), 80)

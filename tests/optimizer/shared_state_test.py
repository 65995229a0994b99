"""LearnedOptimizer with a rule whose state spans all variables."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import LearnedOptimizer, rules


class JointMomentum(rules.UpdateRule):
    """Momentum whose buffer is one shared vector over all variables; also moves by −0.5."""

    def __init__(self):
        self.meta_params = {}

    def init(self, variables, state_dtype=None):
        size = sum(int(np.prod(v.shape)) for v in variables)
        return rules.RuleState([{} for _ in variables], {"buffer": tf.zeros([size])})

    def update(self, gradients, state, variables, context):
        flat = tf.concat([tf.reshape(g, [-1]) for g in gradients], axis=0)
        buffer = 0.9 * state.shared["buffer"] + flat
        parts = tf.split(buffer, [tf.size(v) for v in variables])
        updates = [-0.5 - tf.reshape(p, v.shape) for p, v in zip(parts, variables, strict=True)]
        return updates, rules.RuleState(state.variables, {"buffer": buffer})


def make():
    variables = [keras.Variable(np.zeros(2, "float32")), keras.Variable(np.zeros(3, "float32"))]
    optimizer = LearnedOptimizer(rule=JointMomentum())
    optimizer.build(variables)
    return optimizer, variables


def buffer(optimizer):
    (found,) = [v for v in optimizer.variables if v.name == "buffer"]
    return found.numpy()


def test_the_shared_state_spans_all_variables():
    optimizer, variables = make()
    optimizer.apply([tf.fill([2], 1.0), tf.fill([3], 2.0)], variables)
    np.testing.assert_allclose(buffer(optimizer), [1, 1, 2, 2, 2])
    np.testing.assert_allclose(variables[1].numpy(), [-2.5] * 3)


def test_a_coordinate_keeps_its_place_whatever_the_order_of_the_call():
    optimizer, (first, second) = make()
    optimizer.apply([tf.fill([3], 2.0), tf.fill([2], 1.0)], [second, first])
    np.testing.assert_allclose(buffer(optimizer), [1, 1, 2, 2, 2])


@pytest.mark.parametrize("way", ["none", "left_out"])
def test_a_variable_without_gradient_counts_as_zero_and_stays(way):
    optimizer, (first, second) = make()
    optimizer.apply([tf.fill([2], 1.0), tf.fill([3], 2.0)], [first, second])
    before = first.numpy()
    if way == "none":
        with pytest.warns(UserWarning, match="Gradients do not exist"):
            optimizer.apply([None, tf.fill([3], 2.0)], [first, second])
    else:
        optimizer.apply([tf.fill([3], 2.0)], [second])
    np.testing.assert_array_equal(first.numpy(), before)
    np.testing.assert_allclose(buffer(optimizer), [0.9, 0.9, 3.8, 3.8, 3.8], rtol=1e-6)
    np.testing.assert_allclose(second.numpy(), [-6.8] * 3, rtol=1e-6)

"""`annealed`: another rule's steps under a cosine."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import LearnedOptimizer, evaluation, rules


def run(rule, total, steps=8, gradient=2.0):
    variable = keras.Variable([1.0, -3.0])
    made = LearnedOptimizer(rule=rules.from_text(rule), total_steps=total)
    path = []
    for _ in range(steps):
        made.apply([tf.constant([gradient, -gradient])], [variable])
        path.append(variable.numpy())
    return np.array(path)


def test_sgd_under_the_cosine_is_keras_sgd_under_kerass_own():
    total = 6
    variable = keras.Variable([1.0, -3.0])
    schedule = evaluation.CosineToZero(evaluation.Rate(0.1), total)
    expected, sgd = [], keras.optimizers.SGD(schedule)
    for _ in range(8):
        sgd.apply([tf.constant([2.0, -2.0])], [variable])
        expected.append(variable.numpy())
    received = run("annealed(inner='sgd(learning_rate=0.1)',final=0.0)", total)
    np.testing.assert_allclose(received, expected, rtol=1e-6)


def test_the_last_factor_is_final_and_stays():
    path = run("annealed(inner='sgd(learning_rate=1.0)',final=0.25)", total=4, gradient=1.0)
    steps = -np.diff(path[:, 0])
    factors = 0.25 + 0.375 * (1 + np.cos(np.pi * np.minimum(np.arange(1, 8) / 4, 1)))
    np.testing.assert_allclose(steps, factors, rtol=1e-5)


def test_without_a_known_length_it_is_the_other_rule():
    np.testing.assert_array_equal(run("annealed(inner=rnnprop)", None), run("rnnprop", None))


def test_meta_parameters_and_configuration_are_those_of_the_other_rule():
    rule = rules.from_text("annealed(inner='lstm(hidden_size=3)',final=0.5)")
    again = rules.deserialize(rules.serialize(rule))
    assert rules.serialize(again) == rules.serialize(rule) and again.final == 0.5
    doubled = rule.bind({k: 2 * v for k, v in rule.meta_params.items()})
    assert rule.coordinatewise and set(doubled.inner.meta_params) == set(rule.meta_params)
    gradients, variables = [tf.constant([0.5])], [tf.constant([1.0])]
    context = rules.Context(iteration=3, total_steps=9.0)
    (update,), _ = doubled.update(gradients, doubled.init(variables), variables, context)
    (plain,), _ = doubled.inner.update(gradients, doubled.init(variables), variables, context)
    factor = 0.5 + 0.25 * (1 + math.cos(math.pi / 3))
    np.testing.assert_allclose(update, factor * plain.numpy(), rtol=1e-5)


@pytest.mark.parametrize(
    "text", ["annealed(inner=nobody)", "annealed(final=2)", "annealed(final=-1)"]
)
def test_what_is_no_rule_or_out_of_range_is_refused(text):
    with pytest.raises(ValueError, match="Received:"):
        rules.from_text(text)

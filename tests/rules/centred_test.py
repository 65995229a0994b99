"""`centred`: another rule's updates less their mean over each unit's inputs."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import presets, rules

SHAPES = {"conv": [3, 3, 4, 5], "dense": [7, 5], "offset": [5], "scalar": []}


def tensors(seed, scale=1.0):
    generator = np.random.default_rng(seed)
    return [tf.constant(scale * generator.standard_normal(s), tf.float32) for s in SHAPES.values()]


def test_updates_are_the_other_rules_less_their_mean_over_inputs():
    inner = rules.from_text("lstm(hidden_size=3)")
    rule = rules.from_text("centred(inner='lstm(hidden_size=3)')")
    variables, gradients = tensors(0), tensors(1, 1e-3)
    state, plain_state = rule.init(variables), inner.init(variables)
    for iteration in range(3):
        context = rules.Context(iteration=iteration)
        updates, state = rule.update(gradients, state, variables, context)
        plain, plain_state = inner.update(gradients, plain_state, variables, context)
        for name, update, other in zip(SHAPES, updates, plain, strict=True):
            expected = other.numpy()
            if name in ("conv", "dense"):
                expected = expected - expected.reshape(-1, 5).mean(axis=0)
            np.testing.assert_allclose(update, expected, rtol=1e-5, atol=1e-9)
    # What the rule keeps is not touched.
    tf.nest.map_structure(np.testing.assert_array_equal, state.variables, plain_state.variables)


def test_a_drift_of_all_coordinates_is_gone_and_was_there():
    def drift(rule):
        variables = [tf.zeros([64, 32])]
        state, total = rule.init(variables), np.zeros([64, 32])
        generator = np.random.default_rng(0)
        for iteration in range(20):
            gradient = tf.constant(1e-3 * generator.standard_normal([64, 32]), tf.float32)
            updates, state = rule.update(
                [gradient], state, variables, rules.Context(iteration=iteration)
            )
            total += updates[0].numpy()
        return np.abs(total.sum(axis=0)).mean() / total.std()

    learned = presets.load_preset("lstm-mnist")
    assert drift(rules.get("centred", inner=learned).bind(learned.meta_params)) < 1e-3
    # Independent coordinates would give about √64 · 0.8.
    assert drift(learned) > 16


def test_meta_parameters_and_configuration_are_those_of_the_other_rule():
    rule = rules.from_text("centred(inner='partition(seed=3)')")
    again = rules.deserialize(rules.serialize(rule))
    assert rules.serialize(again) == rules.serialize(rule)
    partition = rules.get("partition", seed=3)
    assert set(rule.meta_params) == set(partition.meta_params)
    started = rule.starting_from(rules.get("lstm", seed=5))
    assert set(started.inner.meta_params) == set(rule.meta_params) and not rule.coordinatewise


@pytest.mark.parametrize("text", ["centred(inner=nobody)", "centred(inner=3)", "centred(seed=-1)"])
def test_what_is_no_rule_or_seed_is_refused(text):
    with pytest.raises(ValueError, match="Received: "):
        rules.from_text(text)

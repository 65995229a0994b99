"""Laws that every registered update rule obeys."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import goldens_of_presets
from hypothesis import given, settings
from hypothesis import strategies as st

from l2l_tf import presets, rules
from l2l_tf.testing import rule_laws
from l2l_tf.testing.rule_laws import random_gradients, steps

KERAS_COUNTERPARTS = {
    "sgd": (rules.SGD(0.1), lambda: keras.optimizers.SGD(0.1)),
    "momentum": (rules.Momentum(0.1, 0.9), lambda: keras.optimizers.SGD(0.1, momentum=0.9)),
    "nesterov": (
        rules.Momentum(0.1, 0.9, nesterov=True),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    ),
    "adam": (rules.Adam(0.1), lambda: keras.optimizers.Adam(0.1)),
}


@pytest.mark.parametrize("name", sorted(KERAS_COUNTERPARTS))
def test_hand_crafted_rule_equals_its_keras_counterpart(name):
    rule, make = KERAS_COUNTERPARTS[name]
    gradients = random_gradients(0, [(3, 2), (4,)], 50)
    ours = steps(rule, gradients, [np.ones((3, 2), "float32"), np.ones((4,), "float32")])
    variables = [keras.Variable(np.ones((3, 2))), keras.Variable(np.ones((4,)))]
    optimizer = make()
    for expected, gradient in zip(ours, gradients, strict=True):
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradient], variables)
        for e, v in zip(expected, variables, strict=True):
            np.testing.assert_allclose(e, v.numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", rules.names())
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_permuting_coordinates_permutes_updates(name, seed):
    rule_laws.permuting_coordinates_permutes_updates(rules.get(name), seed)


@pytest.mark.parametrize("name", rules.names())
def test_splitting_a_variable_changes_nothing(name):
    rule_laws.splitting_a_variable_changes_nothing(rules.get(name))


@pytest.mark.parametrize("name", rules.names())
@pytest.mark.parametrize("magnitude", [1e-30, 1e-10, 1.0, 1e10, 1e30])
@pytest.mark.quick(
    "1e-30-celo",
    "1e-30-celo2",
    "1e-30-lstm",
    "1e-30-mixture",
    "1e-30-ntm_lbfgs",
    "1e-30-rnnprop",
    "1e+30-celo",
    "1e+30-celo2",
    "1e+30-lstm",
    "1e+30-mixture",
    "1e+30-ntm_lbfgs",
    "1e+30-rnnprop",
)
def test_finite_gradients_keep_everything_finite(name, magnitude):
    rule_laws.finite_gradients_keep_everything_finite(rules.get(name), [magnitude])


@pytest.mark.parametrize("name", [*rules.names(), *goldens_of_presets.shipped()])
def test_what_never_had_a_gradient_stays(name):
    """Masks over gradients, frozen rows of embeddings: all that is reached moves, nothing else."""
    rule = rules.get(name) if name in rules.names() else presets.load_preset(name)
    moved, reached = rule_laws.moved_and_reached(rule)
    for found, mask in zip(moved, reached, strict=True):
        np.testing.assert_array_equal(found, mask)


@pytest.mark.parametrize("name", [*rules.names(), "spectral-general", "mixture-general"])
def test_compiled_by_xla_zeros_and_any_magnitude_stay_finite(name):
    """XLA divides by products of divisors, and takes what underflows as zero."""
    rule = rules.get(name) if name in rules.names() else presets.load_preset(name)
    if not rule.supports_jit:
        pytest.skip("The rule is not for XLA.")
    generator = np.random.default_rng(0)
    variables = [generator.normal(size=s).astype("float32") for s in [(8, 4), (4, 8), (5,)]]

    @tf.function(jit_compile=True, autograph=False)
    def step(gradients, state, iteration):
        context = rules.Context(iteration, 1.0, 100.0)
        return rule.update(gradients, state, variables, context)

    for magnitude in (0.0, 1e-36, 1e-18, 1e-8, 1.0, 1e10, 1e30):
        state = rule.init(variables)
        for iteration in range(3):
            # The first variable has no gradient at first, as small factors beside zeros have none.
            scales = [magnitude * (iteration > 0), magnitude, magnitude]
            gradients = [
                (scale * generator.normal(size=v.shape)).astype("float32")
                for scale, v in zip(scales, variables, strict=True)
            ]
            updates, state = step(gradients, state, tf.constant(iteration))
            for tensor in keras.tree.flatten([updates, state]):
                assert np.isfinite(np.asarray(tensor)).all(), (magnitude, iteration)


@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1e3, 1e20])
def test_rnnprop_does_not_see_the_scale_of_the_loss(scale):
    rule = rules.RNNProp(seed=3)
    gradients = random_gradients(2, [(6,)], 10)
    scaled = [[(g[0].astype("float64") * scale).astype("float32")] for g in gradients]
    start = [np.zeros((6,), "float32")]
    np.testing.assert_allclose(
        steps(rule, scaled, start)[-1][0], steps(rule, gradients, start)[-1][0], rtol=1e-4
    )


@pytest.mark.parametrize("name", rules.names())
def test_the_configuration_comes_back(name):
    rule_laws.the_configuration_comes_back(rules.get(name))


def test_the_papers_lstm_has_5141_meta_parameters_and_81_floats_of_state():
    rule = rules.LSTM()
    assert sum(v.size for v in rule.meta_params.values()) == 5141
    assert rule.floats_per_coordinate() == 81


@pytest.mark.parametrize("name", rules.names())
def test_state_is_at_least_as_precise_as_its_variable(name):
    rule_laws.state_is_at_least_as_precise_as_its_variable(rules.get(name))


@pytest.mark.parametrize("name", rules.names())
def test_state_keeps_its_structure_and_scalars_keep_their_shape(name):
    rule_laws.state_keeps_its_structure(rules.get(name))


@pytest.mark.parametrize("name", rules.names())
def test_the_seed_decides_the_untrained_meta_parameters(name):
    rule_laws.the_seed_decides_untrained_meta_parameters(rules.get(name))


def test_wrong_names_and_meta_parameters_are_refused():
    with pytest.raises(ValueError, match="Received: rule='no_such_rule'"):
        rules.get("no_such_rule")
    with pytest.raises(ValueError, match="Received:"):
        rules.get("lstm", no_such_argument=1)
    with pytest.raises(ValueError, match="Received:"):
        rules.LSTM().bind(rules.RNNProp().meta_params)

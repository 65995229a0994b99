"""Laws that every registered update rule obeys."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2l_tf import rules

COORDINATEWISE = [name for name in rules.names() if rules.get(name).coordinatewise]
KERAS_COUNTERPARTS = {
    "sgd": (rules.SGD(0.1), lambda: keras.optimizers.SGD(0.1)),
    "momentum": (rules.Momentum(0.1, 0.9), lambda: keras.optimizers.SGD(0.1, momentum=0.9)),
    "nesterov": (
        rules.Momentum(0.1, 0.9, nesterov=True),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    ),
    "adam": (rules.Adam(0.1), lambda: keras.optimizers.Adam(0.1)),
}


def steps(rule, gradients, variables):
    """Apply `rule` once per list in `gradients`; returns the variables after each step."""
    state, trajectory = rule.init(variables), []
    for iteration, gradient in enumerate(gradients):
        context = rules.Context(iteration=iteration)
        updates, state = rule.update(gradient, state, variables, context)
        variables = [v + np.asarray(u) for v, u in zip(variables, updates, strict=True)]
        trajectory.append(variables)
    return trajectory


def random_gradients(seed, shapes, count):
    generator = np.random.default_rng(seed)
    return [
        [generator.normal(size=shape).astype("float32") for shape in shapes] for _ in range(count)
    ]


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
    rule = rules.get(name)
    gradients = random_gradients(seed, [(12,)], 5)
    order = np.random.default_rng(seed).permutation(12)
    start = np.linspace(-1, 1, 12).astype("float32")
    plain = steps(rule, gradients, [start])[-1][0]
    permuted = steps(rule, [[g[0][order]] for g in gradients], [start[order]])[-1][0]
    np.testing.assert_allclose(permuted, plain[order], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", COORDINATEWISE)
def test_splitting_a_variable_changes_nothing(name):
    rule = rules.get(name)
    gradients = random_gradients(1, [(12,)], 5)
    start = np.linspace(-1, 1, 12).astype("float32")
    whole = steps(rule, gradients, [start])[-1][0]
    parts = steps(
        rule,
        [[g[0][:5], g[0][5:].reshape(7, 1)] for g in gradients],
        [start[:5], start[5:].reshape(7, 1)],
    )[-1]
    np.testing.assert_allclose(np.concatenate([p.ravel() for p in parts]), whole, rtol=1e-5)


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
    rule = rules.get(name)
    variables = [np.zeros((4,), "float32"), np.ones((2, 2), "float32")]
    state = rule.init(variables)
    for iteration in range(10):
        gradient = (magnitude * np.array([1, -1, 0.5, 0])).astype("float32")
        updates, state = rule.update(
            [gradient, gradient.reshape(2, 2)], state, variables, rules.Context(iteration)
        )
        slots = [t for slots in state.variables for t in slots.values()]
        tensors = [*updates, *slots, *state.shared.values()]
        assert all(np.isfinite(np.asarray(t)).all() for t in tensors)


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
def test_configuration_round_trip(name):
    rule = rules.get(name)
    again = rules.deserialize(rules.serialize(rule))
    assert again.get_config() == rule.get_config()
    for key, value in rule.meta_params.items():
        np.testing.assert_array_equal(value, again.meta_params[key])


def test_the_papers_lstm_has_5141_meta_parameters_and_80_floats_of_state():
    rule = rules.LSTM()
    assert sum(v.size for v in rule.meta_params.values()) == 5141
    assert rule.floats_per_coordinate() == 80


@pytest.mark.parametrize("name", rules.names())
def test_float64_variables_get_float64_state_and_updates(name):
    rule = rules.get(name)
    variables = [np.zeros((3,), "float64"), np.zeros((2,), "float32"), np.zeros((2,), "float16")]
    gradients = [np.ones_like(v) for v in variables]
    updates, state = rule.update(gradients, rule.init(variables), variables, rules.Context())
    received = [u.dtype.name for u in updates]
    if rule.coordinatewise:
        assert received == ["float64", "float32", "float32"]
    else:  # A rule over all variables may compute in the widest dtype among them.
        assert received[0] == "float64" and set(received[1:]) <= {"float32", "float64"}
    for slots, expected in zip(state.variables, ["float64", "float32", "float32"], strict=True):
        assert {t.dtype.name for t in slots.values()} <= {expected}


@pytest.mark.parametrize("name", rules.names())
def test_state_keeps_its_structure_and_scalars_keep_their_shape(name):
    rule = rules.get(name)
    variables = [np.float32(0.5), np.ones((3, 1), "float32"), np.ones((2, 1, 2, 3), "float32")]
    before = rule.init(variables, state_dtype="bfloat16")
    updates, after = rule.update(variables, before, variables, rules.Context(0, 1.0, 10.0))
    assert [tuple(u.shape) for u in updates] == [(), (3, 1), (2, 1, 2, 3)]

    def described(state):
        return [{k: (tuple(t.shape), t.dtype) for k, t in s.items()} for s in state]

    assert described(after.variables) == described(before.variables)
    assert described([after.shared]) == described([before.shared])


LEARNED = [name for name in rules.names() if rules.get(name).meta_params]


@pytest.mark.parametrize("name", LEARNED)
def test_the_seed_decides_the_untrained_meta_parameters(name):
    a, b, c = rules.get(name, seed=1), rules.get(name, seed=1), rules.get(name, seed=2)
    assert all(v.dtype == "float32" for v in a.meta_params.values())
    assert all(np.array_equal(a.meta_params[k], b.meta_params[k]) for k in a.meta_params)
    assert any(not np.array_equal(a.meta_params[k], c.meta_params[k]) for k in a.meta_params)


def test_wrong_names_and_meta_parameters_are_refused():
    with pytest.raises(ValueError, match="Received: rule='no_such_rule'"):
        rules.get("no_such_rule")
    with pytest.raises(ValueError, match="Received:"):
        rules.get("lstm", no_such_argument=1)
    with pytest.raises(ValueError, match="Received:"):
        rules.LSTM().bind(rules.RNNProp().meta_params)

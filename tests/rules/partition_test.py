"""The rule that is two rules, one for convolutions."""

import numpy as np
import pytest

from l2l_tf import presets, rules
from l2l_tf.rules import partition

SHAPES = [(3, 3, 1, 2), (2,), (8, 4), (4,), (4,)]


def _random(seed):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape).astype("float32") for shape in SHAPES]


@pytest.mark.parametrize(
    "shapes, expected",
    [
        (SHAPES, {"convolutional": [0, 1], "fully_connected": [2, 3, 4]}),
        ([(4,), (3, 3, 1, 2), (2, 5)], {"convolutional": [0, 1], "fully_connected": [2]}),
        ([(), (3,)], {"fully_connected": [0, 1]}),
        ([(3, 3, 3, 1, 2), ()], {"convolutional": [0, 1]}),
    ],
)
def test_vectors_go_with_the_kernel_before_them(shapes, expected):
    assert partition.groups([np.zeros(shape) for shape in shapes]) == expected


def test_each_rule_does_to_its_own_variables_what_it_does_alone():
    conv, other = rules.LSTM(hidden_size=3, seed=4), rules.RNNProp(hidden_size=2, seed=5)
    both = rules.Partition(conv, other)
    variables = _random(0)
    states = [r.init(v) for r, v in ((conv, variables[:2]), (other, variables[2:]))]
    state = both.init(variables)
    for step in range(4):
        gradients = _random(step + 1)
        context = rules.Context(iteration=step)
        updates, state = both.update(gradients, state, variables, context)
        first, states[0] = conv.update(gradients[:2], states[0], variables[:2], context)
        second, states[1] = other.update(gradients[2:], states[1], variables[2:], context)
        for together, alone in zip(updates, [*first, *second], strict=True):
            np.testing.assert_array_equal(together, alone)


def test_shared_state_of_each_rule_is_its_own():
    both = rules.Partition("ntm_lbfgs", "ntm_lbfgs")
    variables = _random(0)
    state = both.init(variables)
    alone = rules.get("ntm_lbfgs").init(variables[:2]).shared
    assert set(state.shared) == {f"{kind}_{name}" for kind in partition.KINDS for name in alone}
    _, after = both.update(_random(1), state, variables, rules.Context())
    assert set(after.shared) == set(state.shared)


def test_its_meta_parameters_are_both_rules_and_come_back_from_a_preset(tmp_path):
    both = rules.from_text("partition(convolutional='lstm(hidden_size=3)',fully_connected=rnnprop)")
    parts = rules.LSTM(hidden_size=3), rules.RNNProp()
    assert len(both.meta_params) == sum(len(part.meta_params) for part in parts)
    trained = {name: value + 0.5 for name, value in both.meta_params.items()}
    presets.save_preset(tmp_path / "p", both.bind(trained), "# Card\n")
    again = presets.load_preset(tmp_path / "p")
    assert again.get_config() == both.get_config()
    for name, value in trained.items():
        np.testing.assert_array_equal(again.meta_params[name], value)


def test_bound_meta_parameters_are_the_ones_that_are_used():
    both = rules.Partition("lstm(hidden_size=3)", "lstm(hidden_size=3)")
    silent = both.bind({name: np.zeros_like(v) for name, v in both.meta_params.items()})
    variables = _random(0)
    updates, _ = silent.update(variables, silent.init(variables), variables, rules.Context())
    assert all(np.all(np.asarray(u) == 0) for u in updates)


def test_the_two_rules_start_from_different_weights():
    both = rules.Partition()
    for params in (both.meta_params, both.initial_meta_params(7)):
        assert np.abs(
            params["convolutional_output_kernel"] - params["fully_connected_output_kernel"]
        ).max() > 0  # fmt: skip


@pytest.mark.parametrize("given", ["no_such_rule", 3, {"name": "lstm"}])
def test_what_is_no_rule_is_refused(given):
    with pytest.raises(ValueError, match="`fully_connected` is a rule.*Received:"):
        rules.Partition(fully_connected=given)

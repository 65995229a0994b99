"""The mixture's evaluation: many variables at once, or each alone."""

import numpy as np
import pytest
from helpers.stepping import controlled, trained_for, uncontrolled

from l2l_tf import rules
from l2l_tf.rules import chunks
from l2l_tf.rules.mixture import segments

SHAPES = [(7, 5), (5,), (), (3, 3, 2, 4), (300,), (16, 8), (1,), (7, 5)]


@pytest.fixture
def rule():
    """A mixture whose controls differ between variables."""
    return controlled(rules.get("mixture"))


def test_packing_variables_changes_nothing(rule, monkeypatch):
    packed, packed_state = trained_for(6, rule, SHAPES)
    monkeypatch.setattr(segments, "PACKED_COORDINATES", 0)
    apart, apart_state = trained_for(6, rule, SHAPES)
    for a, b in zip(packed, apart, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for a, b in zip(all_state(packed_state), all_state(apart_state), strict=True):
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=2e-5, atol=1e-6, err_msg=name)


def all_state(state):
    """Dicts with every tensor of a state."""
    return [*state.variables, state.shared]


def set_by_hand(**config):
    return uncontrolled(rules.get("mixture", weight_decay=0.0, **config))


def updates_of(rule, gradients):
    """Updates of one variable and its states, over a list of gradients."""
    variable = np.zeros(gradients[0].shape, "float32")
    state = rule.init([variable])
    updates, states = [], []
    for step, gradient in enumerate(gradients):
        (update,), state = rule.update(
            [gradient], state, [variable], rules.Context(step, 1.0, 1000.0)
        )
        updates.append(np.asarray(update))
        states.append({**state.variables[0], "log_rate": state.shared["log_rate"][0]})
    return updates, states


def test_a_kernel_goes_along_an_orthogonal_matrix_and_turns_with_its_gradient():
    generator = np.random.default_rng(3)
    q, _ = np.linalg.qr(generator.normal(size=(12, 12)))
    singular = np.diag(np.linspace(0.6, 1.0, 5))
    left, _ = np.linalg.qr(generator.normal(size=(12, 5)))
    right, _ = np.linalg.qr(generator.normal(size=(5, 5)))
    gradient = (left @ singular @ right).astype("float32")
    (update,), _ = updates_of(set_by_hand(), [gradient])
    values = np.linalg.svd(update, compute_uv=False)
    assert values.max() < 1.5 * values.min()
    assert np.vdot(update, left @ right) < -0.97 * np.linalg.norm(update) * np.sqrt(5)
    (turned,), _ = updates_of(set_by_hand(), [(q @ gradient).astype("float32")])
    np.testing.assert_allclose(turned, q @ update, atol=1e-5 * np.abs(update).max())


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_the_size_of_gradients_is_not_seen(size):
    generator = np.random.default_rng(4)
    for shape in ((6, 4), (3, 3, 2, 4), (5,)):
        gradients = [generator.normal(size=shape).astype("float32") for _ in range(3)]
        plain, _ = updates_of(set_by_hand(), gradients)
        scaled, _ = updates_of(set_by_hand(), [np.float32(size) * g for g in gradients])
        for a, b in zip(plain, scaled, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)


def test_an_input_of_large_units_does_not_hide_the_others():
    generator = np.random.default_rng(7)
    gradients = [generator.normal(size=(12, 5)).astype("float32") for _ in range(20)]
    for gradient in gradients:
        gradient[0] *= 1e3
    rule = set_by_hand()
    updates, _ = updates_of(rule, gradients)
    blind = rule.bind({**rule.meta_params, "output_bias": np.float32([0] * 10 + [-50, 0])})
    unscaled, _ = updates_of(blind, gradients)

    def others(update):
        return np.linalg.norm(update[1:]) / np.linalg.norm(update)

    assert others(unscaled[-1]) < 0.4 < 0.6 < others(updates[-1])


def test_chunks_change_nothing(rule, monkeypatch):
    whole, whole_state = trained_for(4, rule, SHAPES)
    monkeypatch.setattr(segments, "PACKED_COORDINATES", 0)
    monkeypatch.setattr(chunks, "CHUNK", 32)
    chunked, chunked_state = trained_for(4, rule.for_steps(chunked=True), SHAPES)
    for a, b in zip(whole, chunked, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    for a, b in zip(all_state(whole_state), all_state(chunked_state), strict=True):
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_long_kernels_and_vectors_take_adams_direction():
    generator = np.random.default_rng(5)
    for shape, config in (((6, 4), {"max_side": 3}), ((9,), {}), ((9, 1), {})):
        gradient = generator.normal(size=shape).astype("float32")
        (update,), _ = updates_of(set_by_hand(**config), [gradient])
        signs = np.sign(gradient / gradient.flat[0])
        np.testing.assert_allclose(update / update.flat[0], signs, rtol=1e-5)


def test_the_step_size_grows_while_gradients_agree_and_shrinks_when_they_turn():
    gradient = np.random.default_rng(6).normal(size=(6, 4)).astype("float32")
    _, agreeing = updates_of(set_by_hand(), [gradient] * 30)
    _, turning = updates_of(set_by_hand(), [(-1) ** k * gradient for k in range(30)])
    assert 1.0 < float(agreeing[-1]["log_rate"]) < 3.0
    assert -3.0 < float(turning[-1]["log_rate"]) < -0.5


def test_large_variables_stay_alone_and_small_ones_are_joined():
    shapes = [(512, 256), (256,), (1024, 1024), (3, 3, 8, 8), ()]
    assert segments.segment_groups(shapes) == [[1, 3, 4], [0], [2]]


def test_segments_average_and_spread_over_their_own_coordinates_alone():
    shapes = [(200,), (3, 5), ()]
    layout = segments.Segments(shapes)
    tensors = [np.full(s, float(i + 1), "float32") for i, s in enumerate(shapes)]
    packed = layout.pack(tensors, "float32")
    np.testing.assert_allclose(layout.means([packed, 2 * packed]), [[1, 2, 3], [2, 4, 6]])
    (spread,) = layout.spread(np.array([[10.0, 20.0, 30.0]], "float32"))
    for index, (part, shape) in enumerate(zip(layout.unpack(packed * spread), shapes, strict=True)):
        assert tuple(part.shape) == shape
        np.testing.assert_allclose(part, np.full(shape, 10.0 * (index + 1) ** 2))

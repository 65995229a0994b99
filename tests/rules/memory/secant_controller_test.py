"""The learned quasi-Newton controller."""

import numpy as np
import pytest

from l2l_tf import rules

SETTINGS = {"controller": "secant_lstm", "read": "same_step", "hidden_size": 4, "layers": 1}
MATRIX = np.diag([1.0, 0.5, 0.2, 0.05, 0.01])
START = np.array([1.0, -1.0, 2.0, 0.5, -3.0])


def descend(rule, steps, matrix=MATRIX, start=START):
    """Points on ½ xᵀAx under the rule, and its last state."""
    x, state, points = start, rule.init([start]), [start]
    for step in range(steps):
        (update,), state = rule.update([matrix @ x], state, [x], rules.Context(step))
        x = x + np.asarray(update)
        points.append(x)
    return points, state


def with_bfgs_weights(rule):
    """Heads set to e ŝᵀ + ŝ eᵀ + (q − 1) ŝŝᵀ, whatever the LSTM says."""
    params = {k: np.array(v) for k, v in rule.meta_params.items()}
    params["head_kernel"][:] = 0.0
    weights = [[1, 0, 0, 1, 0], [0, 1, 0, 0, 1], [0, 0, 1, 1, 0]]
    params["head_bias"][:] = [*np.ravel(weights), 0.0, 0.0]
    return rule.bind(params)


def test_the_first_step_is_gradient_descent_by_the_scale_of_the_memory():
    points, _ = descend(rules.NTMBFGS(memory_scale=0.5, **SETTINGS), 1)
    np.testing.assert_allclose(points[1], START - 0.5 * MATRIX @ START, rtol=1e-6)


@pytest.mark.parametrize("read_heads", [1, 2])
@pytest.mark.parametrize("cls", [rules.NTMBFGS, rules.NTMLBFGS])
def test_bfgs_is_one_setting_of_the_heads(cls, read_heads):
    window = {"window": 12} if cls is rules.NTMLBFGS else {}
    rule = with_bfgs_weights(cls(read_heads=read_heads, **SETTINGS, **window))
    analytic = rules.NTMBFGS(controller="bfgs", read="same_step")
    received, expected = descend(rule, 12)[0], descend(analytic, 12)[0]
    for r, e in zip(received, expected, strict=True):
        np.testing.assert_allclose(r, e, rtol=1e-6, atol=1e-9)


def test_scaling_the_loss_and_the_memory_inversely_changes_nothing():
    plain, _ = descend(rules.NTMBFGS(**SETTINGS, seed=3), 8)
    scaled, _ = descend(rules.NTMBFGS(memory_scale=1e-3, **SETTINGS, seed=3), 8, 1e3 * MATRIX)
    np.testing.assert_allclose(scaled[-1], plain[-1], rtol=1e-5)


def test_permuting_coordinates_permutes_the_path():
    rule, order = rules.NTMLBFGS(read_heads=2, **SETTINGS, seed=3), [3, 0, 4, 1, 2]
    plain, _ = descend(rule, 6)
    permuted, _ = descend(rule, 6, MATRIX[np.ix_(order, order)], START[order])
    np.testing.assert_allclose(permuted[-1], plain[-1][order], rtol=1e-9)


def test_no_step_is_more_than_ten_times_the_one_before():
    rule = rules.NTMBFGS(**SETTINGS)
    x = np.zeros(3)
    state = rule.init([x])
    (first,), state = rule.update([np.ones(3)], state, [x], rules.Context())
    x = x + np.asarray(first)
    (second,), _ = rule.update([np.full(3, 1e6)], state, [x], rules.Context(1))
    assert np.abs(second).mean() <= 10.0001 * np.abs(first).mean()


@pytest.mark.parametrize("magnitude", [1e-30, 1e-10, 1.0, 1e10, 1e30])
@pytest.mark.parametrize("moves", [False, True])
def test_finite_gradients_keep_everything_finite(magnitude, moves):
    rule = rules.NTMLBFGS(read_heads=2, **SETTINGS, seed=3)
    x = np.zeros(4, "float32")
    state = rule.init([x])
    for step in range(10):
        g = (magnitude * np.array([1, -1, 0.5, 0]) * (-1) ** step).astype("float32")
        (update,), state = rule.update([g], state, [x], rules.Context(step))
        if moves:
            x = x + np.asarray(update)
        tensors = [update, *state.variables[0].values(), *state.shared.values()]
        assert all(np.isfinite(np.asarray(t)).all() for t in tensors)


def test_what_the_controller_cannot_use_is_refused():
    with pytest.raises(ValueError, match="Received: read_heads=3"):
        rules.NTMBFGS(read_heads=3, **SETTINGS)
    with pytest.raises(ValueError, match="this step's read.*Received:"):
        rules.NTMBFGS(controller="secant_lstm")

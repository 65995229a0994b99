"""Rprop against the published algorithm of `torch.optim.Rprop`."""

import numpy as np

from l2l_tf import rules

ETA_MINUS, ETA_PLUS, SMALLEST, LARGEST = 0.5, 1.2, 1e-6, 50.0


def published_rprop(gradient_at, start, learning_rate, steps):
    """The pseudo-code of torch's documentation, line by line, in float32 NumPy."""
    theta = start.copy()
    previous = np.zeros_like(theta)
    eta = np.full_like(theta, learning_rate)
    trajectory = []
    for step in range(steps):
        g = gradient_at(step, theta).copy()
        for i in range(theta.size):
            product = previous[i] * g[i]
            if product > 0:
                eta[i] = min(eta[i] * np.float32(ETA_PLUS), np.float32(LARGEST))
            elif product < 0:
                eta[i] = max(eta[i] * np.float32(ETA_MINUS), np.float32(SMALLEST))
                g[i] = 0
            theta[i] = theta[i] - eta[i] * np.sign(g[i])
            previous[i] = g[i]
        trajectory.append(theta.copy())
    return np.array(trajectory)


def our_rprop(gradient_at, start, learning_rate, steps):
    rule = rules.Rprop(learning_rate)
    theta = start.copy()
    state = rule.init([theta])
    trajectory = []
    for step in range(steps):
        updates, state = rule.update(
            [gradient_at(step, theta)], state, [theta], rules.Context(step)
        )
        theta = theta + np.asarray(updates[0])
        trajectory.append(theta.copy())
    return np.array(trajectory), np.asarray(state.variables[0]["step_size"])


def test_rprop_follows_the_published_algorithm_on_random_signs():
    gradients = np.random.default_rng(0).normal(size=(200, 7)).astype("float32")
    gradients[np.random.default_rng(1).random(gradients.shape) < 0.1] = 0
    start = np.linspace(-1, 1, 7).astype("float32")
    expected = published_rprop(lambda step, _: gradients[step], start, 0.01, 200)
    received, _ = our_rprop(lambda step, _: gradients[step], start, 0.01, 200)
    np.testing.assert_allclose(received, expected, rtol=1e-6, atol=1e-6)


def test_rprop_follows_the_published_algorithm_down_a_quadratic():
    scales = np.array([100.0, 1.0, 0.01, 1e-4], "float32")
    start = np.array([3.0, -2.0, 1.0, 0.5], "float32")
    expected = published_rprop(lambda _, x: scales * x, start, 0.1, 60)
    received, _ = our_rprop(lambda _, x: scales * x, start, 0.1, 60)
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)
    assert np.abs(received[-1]).max() < 1e-2


def test_step_sizes_stay_between_their_bounds():
    start = np.ones(2, "float32")
    _, grown = our_rprop(lambda step, _: start, start, 0.01, 80)
    np.testing.assert_array_equal(grown, np.float32(LARGEST))
    _, shrunk = our_rprop(lambda step, _: (-1.0) ** (step // 2) * start, start, 1e-4, 80)
    np.testing.assert_array_equal(shrunk, np.float32(SMALLEST))

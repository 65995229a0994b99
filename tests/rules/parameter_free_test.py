"""DoWG and Prodigy against published figures and their papers' pseudo-code."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf.evaluation import baselines
from l2l_tf.optimizer import LearnedOptimizer
from l2l_tf.rules import DoWG, Prodigy

SHAPES = ((3,), (2, 2))


def trajectory(optimizer, starts, gradients_at, steps, dtype="float64"):
    """Values of the variables after each step, joined."""
    variables = [keras.Variable(np.asarray(start, dtype), dtype=dtype) for start in starts]
    found = []
    for step in range(steps):
        values = [v.numpy().astype("float64") for v in variables]
        gradients = [tf.constant(g, dtype) for g in gradients_at(step, values)]
        optimizer.apply(gradients, variables)
        found.append(np.concatenate([v.numpy().ravel() for v in variables]))
    return np.array(found)


def noisy_gradients(step, values):
    """Gradients of Σ|x|² with noise that depends on the step alone."""
    generator = np.random.default_rng(step)
    return [2 * v + 0.3 * generator.normal(size=v.shape) for v in values]


def starts():
    generator = np.random.default_rng(0)
    return [generator.normal(size=shape) for shape in SHAPES]


def test_dowg_follows_the_figures_in_optax_documentation():
    points = trajectory(
        LearnedOptimizer(rule=DoWG()), [[1.0, 2.0, 3.0]], lambda step, v: [2 * v[0]], 5
    )
    published = [13.925367, 13.872763, 13.775433, 13.596172, 13.268837]
    np.testing.assert_allclose((points**2).sum(axis=1), published, rtol=2e-6)


def test_dowg_is_its_pseudo_code():
    points = trajectory(LearnedOptimizer(rule=DoWG()), starts(), noisy_gradients, 30)
    x0 = starts()
    x, weighted, square = [v.copy() for v in x0], 0.0, 1e-4
    for step in range(30):
        g = noisy_gradients(step, x)
        square = max(square, sum(((a - b) ** 2).sum() for a, b in zip(x, x0, strict=True)))
        weighted += square * sum((v**2).sum() for v in g)
        x = [v - square / (np.sqrt(weighted) + 1e-4) * w for v, w in zip(x, g, strict=True)]
        joined = np.concatenate([v.ravel() for v in x])
        np.testing.assert_allclose(points[step], joined, rtol=1e-6, atol=1e-9)


def test_prodigy_is_its_pseudo_code():
    points = trajectory(LearnedOptimizer(rule=Prodigy()), starts(), noisy_gradients, 60)
    x0 = starts()
    d0 = d = 1e-6
    b1, b2, b3, r = 0.9, 0.999, np.sqrt(0.999), 0.0
    x = [v.copy() for v in x0]
    m, v, s = ([np.zeros(a.shape) for a in x0] for _ in range(3))
    distances = []
    for step in range(60):
        g = noisy_gradients(step, x)
        rate = d * np.sqrt(1 - b2 ** (step + 1)) / (1 - b1 ** (step + 1))
        m = [b1 * a + (1 - b1) * d * b for a, b in zip(m, g, strict=True)]
        v = [b2 * a + (1 - b2) * (d * b) ** 2 for a, b in zip(v, g, strict=True)]
        inner = sum((b * (p - q)).sum() for b, p, q in zip(g, x0, x, strict=True))
        r = b3 * r + rate * d / d0 * inner
        s = [b3 * a + rate * d / d0 * b for a, b in zip(s, g, strict=True)]
        d = max(d, r / sum(np.abs(a).sum() for a in s))
        x = [p - rate * a / (np.sqrt(b) + d * 1e-8) for p, a, b in zip(x, m, v, strict=True)]
        distances.append(d)
        joined = np.concatenate([p.ravel() for p in x])
        np.testing.assert_allclose(points[step], joined, rtol=1e-6, atol=1e-9)
    assert distances[-1] > 1000 * d0


@pytest.mark.parametrize("rule", [DoWG(), Prodigy()])
def test_no_gradient_is_no_step_and_nothing_breaks(rule):
    points = trajectory(
        LearnedOptimizer(rule=rule), starts(), lambda step, v: [0 * a for a in v], 3
    )
    begun = np.concatenate([s.ravel() for s in starts()])
    np.testing.assert_allclose(points, np.tile(begun, (3, 1)), rtol=1e-6)


def test_optimizers_without_a_learning_rate_are_never_tuned():
    for name in ("adam_default", "schedule_free_adamw", "prodigy", "dowg"):
        assert not baselines.get(name).tuned

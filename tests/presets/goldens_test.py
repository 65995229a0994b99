"""Shipped presets step as they did when they were shipped, and stay finite whatever comes."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import goldens_of_presets

from l2l_tf import LearnedOptimizer

SHIPPED = goldens_of_presets.shipped()
HOW = "`python tests/helpers/goldens_of_presets.py` writes it"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_first_20_steps_are_those_of_the_golden_trajectory(name):
    path = goldens_of_presets.DIRECTORY / f"{name}.json"
    assert path.is_file(), f"no golden trajectory of {name}: {HOW}"
    golden = json.loads(path.read_text())
    assert golden["weights_sha256"] == goldens_of_presets.weights_digest(name), HOW
    losses, weights = goldens_of_presets.trajectory(name)
    # CPUs round differently, and 20 steps of a learned rule amplify that to some 1e-3.
    np.testing.assert_allclose(losses, golden["losses"], rtol=1e-2, atol=1e-6)
    scale = np.abs(golden["weights"]).max()
    np.testing.assert_allclose(weights, golden["weights"], rtol=0, atol=1e-2 * scale)
    assert abs(losses[-1] - losses[0]) > 1e-3, "a trajectory that does not move holds nothing"


def test_no_golden_trajectory_is_left_over():
    assert {p.stem for p in goldens_of_presets.DIRECTORY.glob("*.json")} == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_no_finite_gradient_makes_a_weight_or_a_slot_infinite(name):
    variables = [keras.Variable(np.ones((3, 2), "float32")), keras.Variable(np.ones(2, "float32"))]
    optimizer = LearnedOptimizer(preset=name)
    optimizer.build(variables)
    signs = [tf.constant([[1.0, -1], [0.1, 0], [1, -0.5]]), tf.constant([1.0, -1.0])]

    @tf.function(autograph=False)
    def step(size, loss):
        optimizer.scale_loss(loss)
        optimizer.apply([size * s for s in signs], variables)

    for size in (1e-30, 1e-10, 1.0, 1e10, 1e30, 1e30, 1e-30):
        step(tf.constant(size), tf.constant(size))
    for v in [*variables, *optimizer.variables]:
        if v.name not in ("loss", "run_length"):
            assert np.isfinite(v.numpy()).all(), v.path
    assert int(optimizer.skipped_steps) == 0

"""JAX and PyTorch beside TensorFlow: the same steps, arguments and files.

Run by `make test-backends`, which names the Python that has TensorFlow in `L2L_TENSORFLOW`.
"""

import os
import pathlib
import subprocess

import keras
import numpy as np
import pytest
from helpers import backend_digits, backend_files, backend_fits, backend_steps

TENSORFLOW = os.environ.get("L2L_TENSORFLOW")
TESTS = pathlib.Path(__file__).parents[2]
# Rounding in half precision differs between backends, with 8 bits and with 11.
TOLERANCES = {"half precision": 2e-2, "scaled half precision": 2e-3}
# Steps of sensitive presets after which what rounding differs by is no longer near it.
NEAR = 10
# Softmax does not see what all outputs have in common. Gradients are rounding alone there, and an
# orthogonalised step is as long there as elsewhere.
ORTHOGONALISED = {"nothing set"}
pytestmark = pytest.mark.skipif(
    TENSORFLOW is None or keras.config.backend() == "tensorflow",
    reason="two backends are compared by `make test-backends`",
)


def under_tensorflow(helper, *arguments):
    environment = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    command = [TENSORFLOW, TESTS / "helpers" / f"{helper}.py", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    path = tmp_path_factory.mktemp("steps") / "tensorflow.npz"
    under_tensorflow("backend_steps", path)
    return np.load(path)


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    path = tmp_path_factory.mktemp("fits") / "tensorflow.npz"
    under_tensorflow("backend_fits", path)
    return np.load(path)


@pytest.mark.parametrize("name", backend_steps.names())
def test_the_first_50_steps_are_the_same(name, steps):
    expected = steps[f"{name}/weights"]
    _, weights, _ = backend_steps.trajectory(name, expected)
    until = NEAR if name in backend_steps.SENSITIVE else backend_steps.STEPS
    size = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(weights[:until], expected[:until], rtol=0, atol=1e-5 * size)
    assert np.ptp(weights, axis=0).max() > 1e-4


@pytest.mark.parametrize("name", backend_steps.SENSITIVE)
def test_each_of_50_steps_from_the_same_state_is_the_same(name, steps):
    expected = steps[f"{name}/weights"]
    _, weights, _ = backend_steps.trajectory(name, expected, steps[f"{name}/states"])
    size = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-5 * size)


@pytest.mark.parametrize("name", backend_fits.CASES)
def test_arguments_do_the_same(name, fits):
    weights, counters = backend_fits.fitted(name)
    expected = fits[f"{name}/weights"]
    tolerance = TOLERANCES.get(name, 1e-5)
    if name in ORTHOGONALISED:
        np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-4)
        weights, expected = map(backend_fits.as_softmax_sees_them, (weights, expected))
    np.testing.assert_allclose(weights, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(counters, fits[f"{name}/counters"])


def test_whole_runs_on_the_digits_end_within_the_spread_of_seeds(tmp_path):
    under_tensorflow("backend_digits", tmp_path / "losses.npy")
    expected, found = np.load(tmp_path / "losses.npy"), backend_digits.final_losses()
    assert np.abs(found - expected).max() < np.ptp(expected), (found, expected)
    assert found.max() < 0.1


def test_a_run_that_tensorflow_saved_goes_on_here(tmp_path):
    under_tensorflow("backend_files", "save", tmp_path)
    assert_went_on(backend_files.resume(tmp_path), tmp_path)


def test_a_run_that_was_saved_here_goes_on_under_tensorflow(tmp_path):
    backend_files.save(tmp_path)
    under_tensorflow("backend_files", "resume", tmp_path)
    assert_went_on(dict(np.load(tmp_path / "resumed.npz")), tmp_path)


def assert_went_on(found, directory):
    assert len(found) == 4
    for name, weights in found.items():
        policy = name.partition(".")[0]
        tolerance = 1e-5 if policy == "float32" else 2e-3
        expected = np.load(directory / f"{policy}.npy")
        np.testing.assert_allclose(weights, expected, rtol=tolerance, atol=tolerance)

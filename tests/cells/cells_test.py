"""Cells against plain NumPy."""

import numpy as np

from l2l_tf import cells


def test_log_and_sign_follows_the_papers_two_cases():
    g = np.array([1.0, -np.exp(-5.0), np.exp(-11.0), -np.exp(-12.0), 0.0], "float32")
    out = np.asarray(cells.log_and_sign(g, 10.0))
    np.testing.assert_allclose(out[0], [0.0, -0.5, -1, -1, -1], atol=1e-6)
    np.testing.assert_allclose(out[1], [1, -1, np.exp(-1.0), -np.exp(-2.0), 0], rtol=1e-5)


def test_root_mean_square_is_the_root_of_the_exponential_mean_of_squares():
    generator = np.random.default_rng(0)
    root, square = np.zeros(5, "float32"), np.zeros(5)
    for _ in range(20):
        g = generator.normal(size=5).astype("float32")
        root = np.asarray(cells.root_mean_square(root, g, 0.9))
        square = 0.9 * square + 0.1 * g.astype("float64") ** 2
    np.testing.assert_allclose(root, np.sqrt(square), rtol=1e-5)


def test_root_mean_square_neither_overflows_nor_underflows():
    for size in (1e-30, 1e30):
        root = np.asarray(cells.root_mean_square(np.zeros(1, "f4"), np.full(1, size, "f4"), 0.99))
        np.testing.assert_allclose(root / np.float32(size), 0.1, rtol=1e-5)


def test_lstm_step_equals_its_formula():
    generator = np.random.default_rng(1)
    params = cells.lstm_meta_params(generator, 2, 3)
    x, h, c = (generator.normal(size=(k, 7)).astype("float32") for k in (2, 3, 3))
    hidden, cell = cells.lstm_step(x, h, c, params["kernel"], params["bias"])
    z = params["kernel"] @ np.concatenate([x, h]) + params["bias"][:, None]

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    expected_cell = sigmoid(z[3:6]) * c + sigmoid(z[:3]) * np.tanh(z[6:9])
    np.testing.assert_allclose(cell, expected_cell, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        hidden, sigmoid(z[9:]) * np.tanh(expected_cell), rtol=1e-5, atol=1e-6
    )

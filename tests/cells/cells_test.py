"""Cells against plain NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import cells
from l2l_tf.cells import run_signals


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


@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (3, 4, 7)])
def test_newton_schulz_is_its_iteration(shape):
    matrices = np.random.default_rng(1).normal(size=shape).astype("float32")
    expected = matrices / np.linalg.norm(matrices, axis=(-2, -1), keepdims=True)
    for _ in range(4):
        gram = expected @ np.swapaxes(expected, -1, -2)
        step = -4.7750 * gram + 2.0315 * gram @ gram
        expected = 3.4445 * expected + step @ expected
    for size in (1e-15, 1.0, 1e15):
        found = cells.newton_schulz(np.float32(size) * matrices, 4)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_newton_schulz_of_nothing_is_nothing():
    stacked = np.stack([np.zeros((3, 4)), np.eye(3, 4)]).astype("float32")
    found = np.asarray(cells.newton_schulz(stacked))
    assert np.all(found[0] == 0) and np.all(np.diag(found[1]) > 0.6)


def with_singular_values(values, columns, seed=0):
    """Matrix `[len(values), columns]` with these singular values, and its singular vectors."""
    normal = np.random.default_rng(seed).normal
    left, _ = np.linalg.qr(normal(size=(len(values), len(values))))
    right, _ = np.linalg.qr(normal(size=(columns, len(values))))
    return (left * values) @ right.T, left, right


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("least", [0.012, 0.2, 1.0])
def test_three_iterations_from_a_tight_bound_bring_singular_values_near_one(least, size):
    values = size * np.geomspace(least, 1.0, 64)
    matrix, left, right = with_singular_values(values, 90)
    matrix = matrix.astype("float32")
    own = cells.whitening(cells.gram_of(matrix), cells.MINIMAX, tight=True)
    found = left.T @ np.asarray(cells.whitened(matrix, own), "float64") @ right
    assert np.all(np.diag(found) > 0.72) and np.all(np.diag(found) < 1.28)
    # Singular vectors stay: all iterates are polynomials of one matrix.
    np.testing.assert_allclose(found, np.diag(np.diag(found)), atol=1e-3)


def test_a_tight_bound_is_never_below_the_largest_singular_value():
    for values in ([1.0], [1.0, 1e-4], np.ones(64), np.geomspace(1e-3, 1, 64)):
        matrix, _, _ = with_singular_values(np.asarray(values), 70)
        gram = cells.gram_of(matrix.astype("float32"))
        # One polynomial that changes nothing but the scale.
        scaled = np.asarray(
            cells.whitened(matrix, cells.whitening(gram, [(1.0, 0.0, 0.0)], 1.0, True))
        )
        largest = np.linalg.norm(scaled, 2)
        assert 0.55 < largest < 1.0


@pytest.mark.parametrize("line", [True, False])
def test_annealing_falls_from_one_to_a_hundredth(line):
    def at(step, total):
        return float(run_signals.annealing_set_by_hand(step, np.float32(total), line))

    assert at(0, 1000) == pytest.approx(1 / 25)
    assert at(500, 1000) == pytest.approx(0.505)
    assert at(250, 1000) == pytest.approx(0.01 + 0.99 * (0.75 if line else 0.853553), rel=1e-4)
    assert at(1000, 1000) == at(2000, 1000) == pytest.approx(0.01)
    assert at(300, np.nan) == pytest.approx(2**-0.5)


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


def test_the_written_gradient_of_one_output_equals_automatic_differentiation():
    generator = np.random.default_rng(0)
    shapes = [(4, 9), (1, 4), (1,)]
    arguments = [tf.constant(generator.normal(size=s).astype("float32")) for s in shapes]
    upstream = generator.normal(size=(1, 9)).astype("float32")
    results = []
    for linear in (cells.linear, lambda x, kernel, bias: tf.matmul(kernel, x) + bias[:, None]):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            output = linear(*arguments)
            total = tf.reduce_sum(upstream * output)
        results.append([output, *tape.gradient(total, arguments)])
    for written, automatic in zip(*results, strict=True):
        np.testing.assert_allclose(written, automatic, rtol=1e-6)


def test_the_lstms_written_gradient_equals_automatic_differentiation():
    generator = np.random.default_rng(4)
    shapes = [(2, 5), (3, 5), (3, 5), (12, 5), (12,)]
    arguments = [tf.constant(generator.normal(size=shape)) for shape in shapes]
    weights = [tf.constant(generator.normal(size=(3, 5))) for _ in range(2)]

    def plain(inputs, hidden, cell, kernel, bias):
        gates = tf.matmul(kernel, tf.concat([inputs, hidden], 0)) + bias[:, None]
        i, f, g, o = tf.split(gates, 4)
        cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(cell), cell

    results = []
    for step in (cells.lstm_step, plain):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            outputs = step(*arguments)
            total = tf.add_n([tf.reduce_sum(w * x) for w, x in zip(weights, outputs, strict=True)])
        results.append([*outputs, *tape.gradient(total, arguments)])
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)

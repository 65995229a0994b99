"""External memories against matrices in NumPy, and their gradients."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf.rules.memory import storage

HEADS, COUNT = 3, 6


def writes(steps, seed=0):
    return np.random.default_rng(seed).normal(size=(steps, 2, HEADS, COUNT))


def filled(memory, history):
    state = memory.init(COUNT, "float64")
    for a, b in history:
        state = memory.write(state, a, b)
    return state


def matrix(scale, history):
    """σ I and the outer products, written plainly."""
    total = scale * np.eye(COUNT)
    for a, b in history:
        for head in range(HEADS):
            total += np.outer(a[head], b[head])
    return total


@pytest.mark.parametrize("memory", [storage.DenseMemory(), storage.WindowMemory(HEADS, 4)])
def test_an_empty_memory_reads_as_the_scaled_identity(memory):
    queries = np.random.default_rng(1).normal(size=(2, COUNT))
    read = memory.read(memory.init(COUNT, "float64"), queries, 0.3)
    np.testing.assert_allclose(read, 0.3 * queries, rtol=1e-15)


def test_the_dense_memory_reads_the_sum_of_all_outer_products():
    history = writes(7)
    queries = np.random.default_rng(1).normal(size=(2, COUNT))
    read = storage.DenseMemory().read(filled(storage.DenseMemory(), history), queries, 0.3)
    np.testing.assert_allclose(read, queries @ matrix(0.3, history).T, rtol=1e-12)


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_the_window_reads_the_outer_products_of_the_last_k_steps(steps):
    history = writes(7)
    queries = np.random.default_rng(1).normal(size=(2, COUNT))
    memory = storage.WindowMemory(HEADS, steps)
    read = memory.read(filled(memory, history), queries, 0.3)
    np.testing.assert_allclose(read, queries @ matrix(0.3, history[-steps:]).T, rtol=1e-12)


@pytest.mark.parametrize("memory", [storage.DenseMemory(), storage.WindowMemory(HEADS, 2)])
def test_gradients_through_the_memory_equal_finite_differences(memory):
    history = writes(3)
    queries = np.random.default_rng(1).normal(size=(1, COUNT))

    def value(flat):
        state = memory.init(COUNT, "float64")
        pieces = tf.reshape(flat[1:], history.shape)
        result = queries
        for step in range(len(history)):
            state = memory.write(state, pieces[step, 0], pieces[step, 1])
            result = tf.tanh(memory.read(state, result, flat[0]))
        return tf.reduce_sum(result**2)

    point = tf.constant(np.concatenate([[0.7], 0.3 * history.ravel()]))
    with tf.GradientTape() as tape:
        tape.watch(point)
        result = value(point)
    gradient = tape.gradient(result, point).numpy()
    for direction in np.random.default_rng(2).normal(size=(5, point.shape[0])):
        step = 1e-6 * direction
        expected = float(value(point + step) - value(point - step)) / 2e-6
        np.testing.assert_allclose(gradient @ direction, expected, rtol=1e-7)


def test_memories_say_how_many_numbers_they_keep():
    assert storage.DenseMemory().floats(100) == 10_000
    assert storage.WindowMemory(3, 5).floats(100) == 3_000

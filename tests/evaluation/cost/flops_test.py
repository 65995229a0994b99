"""Operations are counted as one counts them by hand."""

import keras
import pytest
import tensorflow as tf

from l2l_tf.cells.newton_schulz import newton_schulz
from l2l_tf.evaluation.cost import flops


def ones(*shape):
    return tf.ones(shape)


def test_a_dense_layer_and_its_gradients_are_three_products():
    rows, inputs, units = 8, 5, 3

    def loss_and_gradients(x, kernel, bias):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel, bias])
            y = tf.nn.bias_add(tf.matmul(x, kernel), bias)
        return tape.gradient(y, [x, kernel, bias], output_gradients=tf.ones_like(y))

    counted = flops(loss_and_gradients, ones(rows, inputs), ones(inputs, units), ones(units))
    product = 2 * rows * inputs * units
    forward = product + rows * units
    backward = 2 * product + (rows - 1) * units
    assert forward + backward <= counted <= forward + backward + units


@pytest.mark.parametrize("rows, columns", [(16, 40), (40, 16)])
def test_a_newton_schulz_iteration_is_its_products_on_the_smaller_side(rows, columns):
    n, iterations = min(rows, columns), 5
    counted = flops(lambda m: newton_schulz(m, iterations), ones(1, rows, columns))
    gram_and_last = 2 * (2 * rows * columns * n)
    # A square for every factor, a product with all before from the second on, and between two
    # factors the next gram.
    products = iterations + (iterations - 1) + 2 * (iterations - 1)
    by_hand = gram_and_last + products * 2 * n**3
    elementwise = (5 * iterations + 4) * n**2
    assert by_hand < counted <= by_hand + elementwise + 8 * n


def test_of_a_condition_the_dearer_branch_counts():
    def either(x):
        return tf.cond(tf.reduce_all(x > 0), lambda: tf.matmul(x, x), lambda: x + 1.0)

    assert flops(either, ones(4, 4)) == 2 * 4**3 + 4**2  # The product, and the comparison.


def test_a_loop_counts_as_often_as_it_says_and_once_if_it_does_not():
    def loop(x, most):
        turn = lambda i, x: (i + 1, tf.matmul(x, x))  # noqa: E731
        return tf.while_loop(lambda i, x: i < 7, turn, (0, x), maximum_iterations=most)[1]

    known = flops(lambda x: loop(x, 7), ones(4, 4))
    assert 7 * 2 * 4**3 <= known <= 7 * (2 * 4**3 + 8)
    assert 2 * 4**3 <= flops(lambda x: loop(x, None), ones(4, 4)) <= 2 * 4**3 + 8


def test_a_recurrent_layer_counts_every_step_and_its_gradient():
    layer = keras.layers.SimpleRNN(6, use_bias=False)
    layer.build((2, 10, 4))
    step = 2 * 2 * (4 * 6 + 6 * 6)
    assert 10 * step <= flops(layer, ones(2, 10, 4)) <= 10 * (step + 100)

    def gradient(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x))
        return tape.gradient(loss, layer.trainable_variables)

    assert flops(gradient, ones(2, 10, 4)) > 2.5 * 10 * step


def test_what_the_profiler_does_not_know_is_added():
    assert flops(lambda a, b: tf.einsum("bij,bjk->bik", a, b), ones(2, 3, 4), ones(2, 4, 5)) == (
        2 * 2 * 3 * 4 * 5
    )
    assert flops(lambda a, b: tf.einsum("...ij,jk->...ik", a, b), ones(7, 3, 4), ones(4, 5)) == (
        2 * 7 * 3 * 4 * 5
    )
    variable = tf.Variable(ones(3, 4))
    assert flops(lambda x: variable.assign_add(x), ones(3, 4)) == 12


def depthwise(x, kernel):
    return tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "SAME")


def in_space(x, kernel):
    return tf.nn.conv3d(x, kernel, [1, 1, 1, 1, 1], "SAME")


@pytest.mark.parametrize(
    "convolution, x, kernel, outputs, per_output",
    [
        (depthwise, (2, 8, 8, 3), (3, 3, 3, 2), 2 * 8 * 8 * 6, 2 * 3 * 3),
        (in_space, (2, 4, 4, 4, 3), (3, 3, 3, 3, 5), 2 * 4**3 * 5, 2 * 3**3 * 3),
    ],
)
def test_gradients_of_a_convolution_cost_it_twice(convolution, x, kernel, outputs, per_output):
    def gradients(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = convolution(x, kernel)
        return tape.gradient(y, [x, kernel])

    assert flops(convolution, ones(*x), ones(*kernel)) == outputs * per_output
    assert flops(gradients, ones(*x), ones(*kernel)) == 3 * outputs * per_output


def test_what_calls_a_function_counts_what_is_in_it():
    inner = tf.function(lambda x: tf.matmul(x, x))
    assert flops(lambda x: inner(x) + x, ones(4, 4)) == 2 * 4**3 + 4**2

"""Operations of training that LiteRT has no builtin for, written in operations that it has.

Each form takes the operation's inputs as tensors and returns its outputs; it is made from a `Node`.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

# Coefficients of XLA's erf in float32, from the highest power of x² down.
ERF_ABOVE = (
    0.00022905065861350646,
    0.0034082910107109506,
    0.050955695062380861,
    0.18520832239976145,
    1.128379143519084,
)
ERF_BELOW = (
    -1.1791602954361697e-7,
    0.000023547966471313185,
    0.0010179625278914885,
    0.014070470171167667,
    0.11098505178285362,
    0.49746925110067538,
    1.0,
)
ERF_IS_ONE = 3.7439211627767994


SIGN_BIT = -(2**31)


@dataclasses.dataclass(frozen=True)
class Node:
    """What is known of an operation when a form is made for it.

    Attributes:
        attribute: Function name → value of an attribute (an `AttrValue`).
        shapes: Shapes of the outputs.
        constants: Dict index of an input → its value, where that is constant.
    """

    attribute: Callable
    shapes: list
    constants: dict


class NoFormError(ValueError):
    """An operation's attributes or shapes are such that no form is known."""


def relu_grad(node):
    """Gradient of relu."""
    return lambda gradient, features: tf.where(features > 0, gradient, tf.zeros_like(gradient))


def relu6_grad(node):
    """Gradient of relu6."""

    def form(gradient, features):
        inside = tf.logical_and(features > 0, features < 6)
        return tf.where(inside, gradient, tf.zeros_like(gradient))

    return form


def leaky_relu_grad(node):
    """Gradient of leaky relu."""
    slope = node.attribute("alpha").f
    return lambda gradient, features: tf.where(features > 0, gradient, slope * gradient)


def elu_grad(node):
    """Gradient of elu, from its outputs."""
    return lambda gradient, outputs: tf.where(outputs < 0, gradient * (outputs + 1.0), gradient)


def selu_grad(node):
    """Gradient of selu, from its outputs (Klambauer et al. 2017)."""
    scale, scaled_alpha = 1.0507009873554805, 1.7580993408473768

    def form(gradient, outputs):
        below = gradient * (outputs + scaled_alpha)
        return tf.where(outputs < 0, below, gradient * scale)

    return form


def erf(node):
    """The error function as a ratio of polynomials, as XLA has it in float32."""
    return _erf


def erfc(node):
    """1 − erf, which gelu is made of."""
    return lambda x: 1.0 - _erf(x)


def _erf(x):
    x = tf.clip_by_value(x, -ERF_IS_ONE, ERF_IS_ONE)
    square = tf.square(x)
    return x * _polynomial(square, ERF_ABOVE) / _polynomial(square, ERF_BELOW)


def _polynomial(x, coefficients):
    value = tf.zeros_like(x)
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


def sparse_softmax_cross_entropy(node):
    """Loss of each row, and its gradient by the logits."""

    def form(logits, labels):
        shifted = logits - tf.reduce_max(logits, axis=-1, keepdims=True)
        total = tf.reduce_sum(tf.exp(shifted), axis=-1, keepdims=True)
        log_probabilities = shifted - tf.math.log(total)
        wanted = tf.one_hot(tf.cast(labels, tf.int32), logits.shape[-1], dtype=logits.dtype)
        losses = -tf.reduce_sum(wanted * log_probabilities, axis=-1)
        return losses, tf.exp(log_probabilities) - wanted

    return form


def matrix_diag_part(node):
    """The diagonal of square matrices."""

    def form(matrices, k, padding):
        rows, columns = matrices.shape[-2:]
        _require(rows == columns and node.shapes[0][-1] == rows, "of a matrix that is not square")
        on_it = tf.constant(np.eye(rows, dtype=bool))
        return tf.reduce_sum(tf.where(on_it, matrices, tf.zeros_like(matrices)), axis=-1)

    return form


def matrix_diag(node):
    """Square matrices of a diagonal."""

    def form(diagonal, k, rows, columns, padding):
        side = diagonal.shape[-1]
        _require(tuple(node.shapes[0][-2:]) == (side, side), "of a matrix that is not square")
        return diagonal[..., None] * tf.constant(np.eye(side), diagonal.dtype)

    return form


def conv2d_backprop_filter(node):
    """Gradient of a convolution by its kernel: a convolution of inputs with output gradients.

    Rows of the batch take the place of channels, strides that of dilations.
    """
    height, width, channels, _ = node.shapes[0]
    strides = list(node.attribute("strides").list.i)[1:3]
    padding = node.attribute("padding").s.decode()
    _require(node.attribute("data_format").s.decode() == "NHWC", "with channels first")
    dilations = list(node.attribute("dilations").list.i)
    _require(set(dilations) <= {1}, "with dilations")
    _require(padding in ("SAME", "VALID"), "with explicit padding")

    def form(inputs, filter_sizes, gradient):
        _require(inputs.shape[-1] == channels, "in groups")
        if padding == "SAME":
            pads = [
                _same_padding(size, kernel, stride)
                for size, kernel, stride in zip(
                    inputs.shape[1:3], (height, width), strides, strict=True
                )
            ]
            inputs = tf.pad(inputs, [(0, 0), *pads, (0, 0)])
        found = tf.nn.conv2d(
            tf.transpose(inputs, [3, 1, 2, 0]),
            tf.transpose(gradient, [1, 2, 0, 3]),
            strides=1,
            padding="VALID",
            dilations=strides,
        )
        return tf.transpose(found[:, :height, :width], [1, 2, 0, 3])

    return form


def max_pool_grad(node):
    """Gradient of max pooling over windows that do not overlap; the first of equal entries."""
    sides = list(node.attribute("ksize").list.i)[1:3]
    same = node.attribute("padding").s.decode() == "SAME"
    _require(list(node.attribute("strides").list.i)[1:3] == sides, "over windows that overlap")
    _require(node.attribute("data_format").s.decode() == "NHWC", "with channels first")

    def form(inputs, outputs, gradient):
        rows, columns = outputs.shape[1:3]
        height, width = rows * sides[0], columns * sides[1]
        _require(not same or (height, width) == tuple(inputs.shape[1:3]), "over padded windows")
        channels = inputs.shape[3]
        cut = tf.reshape(
            inputs[:, :height, :width], [-1, rows, sides[0], columns, sides[1], channels]
        )
        windows = tf.reshape(
            tf.transpose(cut, [0, 1, 3, 5, 2, 4]), [-1, rows, columns, channels, math.prod(sides)]
        )
        first = tf.one_hot(
            tf.argmax(windows, axis=-1, output_type=tf.int32), math.prod(sides), dtype=inputs.dtype
        )
        spread = tf.reshape(
            first * gradient[..., None], [-1, rows, columns, channels, sides[0], sides[1]]
        )
        spread = tf.reshape(tf.transpose(spread, [0, 1, 4, 2, 5, 3]), [-1, height, width, channels])
        left = [(0, inputs.shape[1] - height), (0, inputs.shape[2] - width)]
        return tf.pad(spread, [(0, 0), *left, (0, 0)])

    return form


def sign_bit(node):
    """An integer's bits, of which a constant keeps the sign alone, as `argmax` in Keras has it."""
    kept = node.constants.get(1)
    _require(kept is not None and np.all(kept == SIGN_BIT), "with other bits than the sign")
    return lambda x, mask: tf.where(x < 0, tf.constant(SIGN_BIT), tf.constant(0))


def stateless_random_uniform(node):
    """Random numbers of the device's own generator: other numbers than TensorFlow's, as many."""
    size = list(node.shapes[0])
    return lambda shape, key, counter, algorithm: tf.random.uniform(size)


FORMS = {
    "BitwiseAnd": sign_bit,
    "Conv2DBackpropFilter": conv2d_backprop_filter,
    "EluGrad": elu_grad,
    "Erf": erf,
    "Erfc": erfc,
    "LeakyReluGrad": leaky_relu_grad,
    "MatrixDiagPartV3": matrix_diag_part,
    "MatrixDiagV3": matrix_diag,
    "MaxPoolGrad": max_pool_grad,
    "Relu6Grad": relu6_grad,
    "ReluGrad": relu_grad,
    "SeluGrad": selu_grad,
    "SparseSoftmaxCrossEntropyWithLogits": sparse_softmax_cross_entropy,
    "StatelessRandomUniformV2": stateless_random_uniform,
}


def _same_padding(size, kernel, stride):
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _require(condition, what):
    if not condition:
        raise NoFormError(what)

"""Floating-point operations of a function, as TensorFlow counts them."""

import contextlib
import math
from collections.abc import Callable

import tensorflow as tf

# What TensorFlow's profiler passes over, beside `Einsum`.
_ASSIGNMENTS = ("AssignAddVariableOp", "AssignSubVariableOp")
_CONVOLUTION_GRADIENTS = (
    "DepthwiseConv2dNativeBackpropInput",
    "DepthwiseConv2dNativeBackpropFilter",
    "Conv3DBackpropInputV2",
    "Conv3DBackpropFilterV2",
)


def flops(function: Callable, *arguments) -> int:
    """Floating-point operations of one call of a function, a multiplication and an addition two.

    The count is that of TensorFlow's profiler (`tf.compat.v1.profiler`, `float_operation`) on the
    traced graph, before any compiler has seen it. It has products, convolutions, pooling, sums,
    comparisons, softmax, and element-wise arithmetic, one for each entry; added are what it
    passes over: `Einsum`, gradients of depthwise and 3-D convolutions, what is added to
    variables, and what is inside of functions, conditions (their dearer branch) and loops (as
    often as their stated maximum, once without one). Left out are square roots, exponentials
    and sigmoids, selections, casts, gathers and all that only moves data, and what has no
    static shape.

    Args:
        function: Function of tensors.
        *arguments: Tensors, `tf.TensorSpec`s, or nests of them.

    Returns:
        An int, 0 or more.
    """
    traced = tf.function(function, autograph=False).get_concrete_function(*arguments)
    with _quietly():
        return _of_graph(traced.graph)


@contextlib.contextmanager
def _quietly():
    """TensorFlow's notice that its profiler calls what is deprecated tells a user nothing."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def _of_graph(graph):
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    counted = tf.compat.v1.profiler.profile(graph, cmd="op", options=options).total_float_ops
    return counted + sum(_passed_over(op) + _inside(op) for op in graph.get_operations())


def _inside(op):
    """Operations in the functions that an operation calls."""
    values = op.node_def.attr.values()
    called = [f for v in values for f in [*([v.func] if v.HasField("func") else []), *v.list.func]]
    counts = [_of_graph(op.graph._get_function(function.name).graph) for function in called]
    if op.type in ("While", "StatelessWhile"):
        return _turns(op) * sum(counts)
    if op.type in ("If", "StatelessIf", "Case", "StatelessCase"):
        return max(counts)
    return sum(counts)


def _turns(loop):
    """How often a loop is run at most, where it says so: TensorFlow's second loop variable."""
    tensor = loop.inputs[1] if len(loop.inputs) > 1 else None
    while tensor is not None and tensor.op.type in ("Identity", "Max"):  # Keras's, of one number.
        tensor = tensor.op.inputs[0]
    most = tf.get_static_value(tensor)
    return int(most) if most is not None and most.ndim == 0 and most > 0 else 1


def _passed_over(op):
    """Operations of an operation that the profiler does not know; 0 without static shapes."""
    if op.type in _ASSIGNMENTS:
        return op.inputs[1].shape.num_elements() or 0
    if op.type == "Einsum":
        return _einsum(op)
    if op.type in _CONVOLUTION_GRADIENTS:
        return _convolution_gradient(op)
    return 0


def _einsum(op):
    """Twice the number of products: one for each value of all labels together."""
    terms = op.get_attr("equation").decode().partition("->")[0].split(",")
    sizes = {}
    for term, tensor in zip(terms, op.inputs, strict=True):
        sizes |= _sizes(term, tensor.shape)
    return 0 if None in sizes.values() else 2 * math.prod(sizes.values())


def _convolution_gradient(op):
    """That of the convolution itself: 2 · outputs · entries of the kernel / output channels."""
    kernel = op.outputs[0] if "Filter" in op.type else op.inputs[1]
    gradient, last = op.inputs[2].shape, op.get_attr("data_format").endswith(b"C")
    entries = [gradient.num_elements(), kernel.shape.num_elements()]
    return 0 if None in entries else 2 * math.prod(entries) // gradient[-1 if last else 1]


def _sizes(term, shape):
    """Dict label → size of one argument of an einsum; an ellipsis stands for the rest, in order."""
    before, dots, after = term.partition("...")
    rest = len(shape) - len(before) - len(after)
    labels = [*before, *(f"...{rest - i}" for i in range(rest) if dots), *after]
    return dict(zip(labels, shape, strict=True))

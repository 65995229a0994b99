"""Programs of which nothing is left when they are dropped."""

import weakref
from collections.abc import Callable

from tensorflow.python.framework import ops

from l2l_tf.core.tracing import traced_apart


def traced(function: Callable, jit_compile: bool | None = None) -> Callable:
    """`traced_apart`, whose gradients that are written out go when it goes.

    `tf.custom_gradient` registers each gradient for good, and with it the graph in which it was
    traced: all of a trainer's programs would outlive it. Nothing asks for these gradients once
    the program is traced, but they are kept as long as it is.

    Args:
        function: Function of tensors to trace; it is not differentiated from outside.
        jit_compile: See `tf.function`.
    """
    names = set()

    def noting(*arguments):  # Runs while it is traced, and not when it is called.
        before = _registered()
        try:
            return function(*arguments)
        finally:
            names.update(_registered() - before)

    program = traced_apart(noting, jit_compile)
    weakref.finalize(program, _forget, names)
    return program


def _registered():
    """Names of the gradients that functions have of their own."""
    return {name for name in ops.gradient_registry.list() if name.startswith("CustomGradient-")}


def _forget(names):
    # TensorFlow has no way of its own to take one back.
    registry = getattr(ops.gradient_registry, "_registry", {})
    for name in names:
        registry.pop(name, None)

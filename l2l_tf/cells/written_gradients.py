"""Gradients that are written out, where any will be asked for."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

from keras import ops

_undifferentiated = contextvars.ContextVar("undifferentiated", default=False)


@contextlib.contextmanager
def undifferentiated() -> Iterator[None]:
    """Context in which cells have no gradients written out, since none will be asked for.

    TensorFlow registers each such gradient for good, and with it the graph in which it was traced:
    a model that was dropped would still be there.
    """
    token = _undifferentiated.set(True)
    try:
        yield
    finally:
        _undifferentiated.reset(token)


def with_written_gradient(function: Callable, *arguments: Any) -> Any:
    """`function(*arguments)[0]`, whose gradient is `function(*arguments)[1]`, a function.

    Args:
        function: Function of tensors that gives its result, a tensor or a tuple, and a function
            of what comes from above (see `upstream_of`) that gives a gradient for each argument.
        *arguments: Tensors.
    """
    if _undifferentiated.get():
        return function(*arguments)[0]
    return ops.custom_gradient(function)(*arguments)


def upstream_of(results: int, upstream: tuple) -> tuple:
    """The tensors from above, one for each result: JAX hands over one tuple of several."""
    return upstream if len(upstream) == results else upstream[0]

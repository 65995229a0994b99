"""What a variable does in its model: which of its axes it maps from, and which to."""

import functools
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

KERNEL, FILTERS, EMBEDDING, VECTOR = "kernel", "filters", "embedding", "vector"

_ATTENTION_INPUT = re.compile(r"(query|key|value)/kernel$")
_ATTENTION_OUTPUT = re.compile(r"(attention_output|output_dense)/kernel$")
_TRANSPOSED = re.compile(r"conv\dd_transpose[^/]*/kernel$")
_TABLE = re.compile(r"(embeddings?|position[^/]*|pos_emb[^/]*|table)$")
_OFFSET = re.compile(r"(bias|gamma|beta|scale)$")
# As `optimizer/torch_modules.py` names parameters of PyTorch.
_OUTPUTS_FIRST = re.compile(r"_(outputs|filters)_first$")
_OUTPUTS_SECOND = re.compile(r"_outputs_second$")
_DEPTHWISE = re.compile(r"depthwise_(kernel|conv[^/]*/kernel)$")


class Layout(NamedTuple):
    """A variable as a matrix `[rows, columns]` that maps `rows` numbers to `columns`.

    Attributes:
        kind: `KERNEL`; `FILTERS`, where each column maps inputs of its own to one output;
            `EMBEDDING`, a table where each row is the vector of one input; or `VECTOR`, numbers
            that each act alone (offsets, gains, scalars).
        rows: Fan-in; of an embedding the number of its rows; 1 of a vector.
        columns: Fan-out; of an embedding the length of a row; of a vector its length.
        axes: Permutation of the variable's axes that puts those it maps from first; None
            where they stand so already.
        decays: Whether a rule's own weight decay may act on it.
    """

    kind: str
    rows: int
    columns: int
    axes: tuple | None = None
    decays: bool = True

    @property
    def fan_in(self) -> int:
        """Numbers that each output is a sum over."""
        return self.rows if self.kind in (KERNEL, FILTERS) else 1


def layout_of(shape: Sequence[int], path: str = "") -> Layout:
    """The `Layout` of a variable.

    Keras's names tell what a shape does not: a query kernel `[d, heads, k]` maps d numbers to
    heads · k, the kernel behind attention `[heads, k, d]` heads · k to d; a transposed
    convolution is `[height, width, outputs, inputs]`; a depthwise one maps each channel by itself;
    a table of embeddings or positions is one row for each input; offsets of attention
    `[heads, k]` are no kernel. PyTorch puts outputs first. Anything else of two axes or more maps
    from all axes but the last.

    Args:
        shape: Static shape.
        path: The variable's path, such as "model/dense/kernel"; "" if it is unknown.
    """
    return _layout_of(tuple(shape), (path or "").lower())


@functools.cache  # Eager loops ask at every step.
def _layout_of(shape, path):
    size = math.prod(shape)
    if len(shape) < 2 or size == 0 or _OFFSET.search(path):
        return Layout(VECTOR, 1, size)
    if len(shape) > 2 and _DEPTHWISE.search(path):
        return Layout(FILTERS, math.prod(shape[:-2]), shape[-2] * shape[-1])
    if first := _OUTPUTS_FIRST.search(path):
        if first.group(1) == "filters":
            return Layout(FILTERS, size // shape[0], shape[0])
        return Layout(KERNEL, size // shape[0], shape[0], (*range(1, len(shape)), 0))
    if _OUTPUTS_SECOND.search(path):
        axes = (0, *range(2, len(shape)), 1)
        return Layout(KERNEL, size // shape[1], shape[1], axes)
    if _TABLE.search(path):
        return Layout(EMBEDDING, size // shape[-1], shape[-1])
    if len(shape) == 3 and _ATTENTION_INPUT.search(path):
        return Layout(KERNEL, shape[0], shape[1] * shape[2])
    if len(shape) == 3 and _ATTENTION_OUTPUT.search(path):
        return Layout(KERNEL, shape[0] * shape[1], shape[2])
    if len(shape) > 2 and _TRANSPOSED.search(path):
        axes = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
        return Layout(KERNEL, size // shape[-2], shape[-2], axes)
    return Layout(KERNEL, size // shape[-1], shape[-1])

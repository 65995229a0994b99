"""How many rows a batch of what `fit` is given has."""

import numbers
from typing import Any

from keras import tree

# Of arrays, where `fit` is told nothing else.
BATCH_SIZE = 32


def rows_of_batches(x: Any, batch_size: int | None) -> int | None:
    """Rows of a batch, an int; None where only a look at the data would tell.

    Args:
        x: As `fit` takes it: arrays in some structure, a `tf.data.Dataset`, a `DataLoader` of
            PyTorch. Generators and `PyDataset`s draw batches of a size that they do not say.
        batch_size: As `fit` takes it, which only arrays leave to it.
    """
    if hasattr(x, "element_spec"):
        return _of_dataset(x)
    if hasattr(x, "dataset") and hasattr(x, "batch_size"):  # A PyTorch `DataLoader`.
        return _positive(x.batch_size)
    rows = {_rows(array) for array in tree.flatten(x)}
    if len(rows) != 1 or None in rows:
        return None
    return _positive(min(batch_size or BATCH_SIZE, rows.pop()))


def _rows(array):
    shape = getattr(array, "shape", None)
    return shape[0] if shape is not None and len(shape) else None


def _of_dataset(dataset):
    first = next(iter(tree.flatten(dataset.element_spec)), None)
    shape = getattr(first, "shape", None)
    if shape is not None and shape.rank and shape[0] is not None:
        return _positive(shape[0])
    # What is left of the last batch may be smaller, so that batches have no static size.
    while dataset is not None:
        size = getattr(dataset, "_batch_size", None)
        if size is not None:
            return _positive(getattr(size, "numpy", lambda s=size: s)())
        inputs = dataset._inputs() if hasattr(dataset, "_inputs") else ()
        dataset = inputs[0] if len(inputs) == 1 else None
    return None


def _positive(size):
    return int(size) if isinstance(size, numbers.Integral) and size > 0 else None

"""Numbers that are given to TensorFlow and not kept by it."""

from typing import Any

import numpy as np


def unkept(value: Any, dtype: str | None = None) -> Any:
    """A Python number as an array of NumPy's; anything else as it is.

    TensorFlow keeps a tensor of every Python number that was made one outside of a graph, some 600
    bytes for each value, for good (findings/tensorflow_keeps_python_numbers.sh); of arrays it keeps
    none. So losses, counters and whatever else is a new number again and again come as arrays.

    Args:
        value: Number, array or tensor.
        dtype: Of the array; None: as NumPy has it, float64 or int64.
    """
    return np.asarray(value, dtype) if isinstance(value, int | float) else value

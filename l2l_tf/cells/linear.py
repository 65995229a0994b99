"""Linear layer over per-coordinate features."""

from typing import Any

import numpy as np
from keras import ops


def linear_meta_params(
    generator: np.random.Generator, inputs: int, outputs: int, scale: float = 1.0
) -> dict[str, np.ndarray]:
    """Initial `kernel` `[outputs, inputs]` and `bias` `[outputs]` of a linear layer.

    Args:
        generator: `numpy.random.Generator`.
        inputs: Number of input features.
        outputs: Number of output features.
        scale: The kernel is drawn from N(0, scale² / inputs).

    Returns:
        Dict with float32 arrays `"kernel"` and `"bias"` (zeros).
    """
    kernel = generator.normal(0.0, scale / inputs**0.5, (outputs, inputs))
    return {
        "kernel": kernel.astype("float32"),
        "bias": np.zeros((outputs,), "float32"),
    }


def linear(features: Any, kernel: Any, bias: Any) -> Any:
    """`kernel · features + bias` for every coordinate.

    Args:
        features: `[inputs, n]`.
        kernel: `[outputs, inputs]`.
        bias: `[outputs]`.

    Returns:
        `[outputs, n]`.
    """
    return ops.matmul(kernel, features) + bias[:, None]

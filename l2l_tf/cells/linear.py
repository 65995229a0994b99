"""Linear layer over per-coordinate features."""

from typing import Any

import numpy as np
from keras import ops

from l2l_tf.cells.written_gradients import upstream_of, with_written_gradient


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

    Where there is one output, its gradient is written out.

    Args:
        features: `[inputs, n]`.
        kernel: `[outputs, inputs]`.
        bias: `[outputs]`.

    Returns:
        `[outputs, n]`.
    """
    if kernel.shape[0] == 1:
        return with_written_gradient(_one_output, features, kernel, bias)
    return ops.matmul(kernel, features) + bias[:, None]


def _one_output(features, kernel, bias):
    """`linear`'s result, and its gradient as a function of what comes from above."""

    def gradient(*upstream):
        (d_output,) = upstream_of(1, upstream)
        # The features' gradient is a product with a second row, of zeros. XLA takes one of a
        # single row apart, and computes all of it anew wherever a slice of it is read: four times
        # for the gates of the LSTM below.
        rows = ops.concatenate([kernel, ops.zeros_like(kernel)], axis=0)
        d_rows = ops.concatenate([d_output, ops.zeros_like(d_output)], axis=0)
        d_features = ops.matmul(ops.transpose(rows), d_rows)
        d_kernel = ops.matmul(d_output, ops.transpose(features))
        return d_features, d_kernel, ops.sum(d_output, axis=1)

    return ops.matmul(kernel, features) + bias[:, None], gradient

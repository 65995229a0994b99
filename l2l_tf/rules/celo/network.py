"""A tiny network per coordinate whose inputs are divided by their root mean square."""

import numpy as np
from keras import ops

from l2l_tf.cells.linear import linear, linear_meta_params


def mlp_meta_params(generator, widths, output_scale=1.0):
    """Untrained meta-parameters `mlp_{l}_kernel` and `mlp_{l}_bias`.

    Args:
        generator: `numpy.random.Generator`.
        widths: Number of inputs, units of each hidden layer, number of outputs.
        output_scale: Scale of the last kernel.

    Returns:
        Dict name → float32 array.
    """
    params = {}
    last = len(widths) - 2
    for layer, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False)):
        scale = output_scale if layer == last else 2**0.5
        for key, value in linear_meta_params(generator, inputs, outputs, scale).items():
            params[f"mlp_{layer}_{key}"] = value
    return params


def normalised_mlp(blocks, meta_params, layers, axes, epsilon):
    """ReLU network over inputs that are normalised per feature, for every coordinate.

    Feature x enters as `x / √(epsilon + mean(x²))`, the mean over `axes` of the variable.
    Normalisation is folded into the first kernel, and features that exist per row or
    column pass through it before they are spread over the variable.

    Args:
        blocks: List of `(features [f, …], columns)` as from `input_blocks`; the first
            one's features have the variable's whole shape.
        meta_params: `mlp_{l}_kernel` and `mlp_{l}_bias`.
        layers: Number of layers.
        axes: Tuple of axes of a block's features over which one is normalised; all but
            the first, or fewer.
        epsilon: Positive float.

    Returns:
        `[outputs, *shape]`.
    """
    kernel = meta_params["mlp_0_kernel"]
    shape = ops.shape(blocks[0][0])[1:]
    hidden = None
    for features, columns in blocks:
        part = _normalised_linear(features, kernel, columns, axes, epsilon)
        hidden = part if hidden is None else hidden + part
    hidden = ops.reshape(hidden, (kernel.shape[0], -1))
    hidden = hidden + meta_params["mlp_0_bias"][:, None]
    for layer in range(1, layers):
        hidden = linear(
            ops.relu(hidden), meta_params[f"mlp_{layer}_kernel"], meta_params[f"mlp_{layer}_bias"]
        )
    return ops.reshape(hidden, (-1, *shape))


def _normalised_linear(features, kernel, columns, axes, epsilon):
    scale = ops.rsqrt(epsilon + ops.mean(ops.square(features), axis=axes, keepdims=True))
    # A feature's column of the kernel; where it meets several, their sum.
    chosen = np.zeros((kernel.shape[1], len(columns)), "float32")
    for feature, group in enumerate(columns):
        chosen[list(group), feature] = 1.0
    kernel = ops.matmul(kernel, ops.cast(chosen, kernel.dtype))
    if len(axes) == len(features.shape) - 1:
        kernel = kernel * ops.reshape(scale, (1, -1))
    else:
        features = features * scale
    flat = ops.matmul(kernel, ops.reshape(features, (len(columns), -1)))
    return ops.reshape(flat, (kernel.shape[0], *ops.shape(features)[1:]))

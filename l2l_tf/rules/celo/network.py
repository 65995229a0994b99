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


def mean_squares(features, axes):
    """Mean square of each feature over some axes of its block, which are kept with size 1."""
    return ops.mean(ops.square(features), axis=axes, keepdims=True)


def normalised_linear(features, squares, kernel, columns, epsilon):
    """What the first kernel makes of features that are normalised, without its bias.

    Feature x enters as `x / √(epsilon + mean(x²))`. Normalisation is folded into the kernel
    where it is one number for each feature.

    Args:
        features: `[f, …]`.
        squares: `mean(x²)` as from `mean_squares`.
        kernel: `[units, inputs]`.
        columns: For each feature the columns of the kernel that it meets.
        epsilon: Positive float.

    Returns:
        `[units, …]`.
    """
    scale = ops.rsqrt(epsilon + squares)
    # A feature's column of the kernel; where it meets several, their sum.
    chosen = np.zeros((kernel.shape[1], len(columns)), "float32")
    for feature, group in enumerate(columns):
        chosen[list(group), feature] = 1.0
    kernel = ops.matmul(kernel, ops.cast(chosen, kernel.dtype))
    if all(size == 1 for size in squares.shape[1:]):
        kernel = kernel * ops.reshape(scale, (1, -1))
    else:
        features = features * scale
    flat = ops.matmul(kernel, ops.reshape(features, (len(columns), -1)))
    return ops.reshape(flat, (kernel.shape[0], *ops.shape(features)[1:]))


def layers_above(hidden, meta_params, layers):
    """The network from its first bias on.

    Args:
        hidden: `[units, …]`: what the first kernel made of the inputs.
        meta_params: `mlp_{l}_kernel` and `mlp_{l}_bias`.
        layers: Number of layers.

    Returns:
        `[outputs, …]`.
    """
    shape = ops.shape(hidden)
    hidden = ops.reshape(hidden, (shape[0], -1)) + meta_params["mlp_0_bias"][:, None]
    for layer in range(1, layers):
        hidden = linear(
            ops.relu(hidden), meta_params[f"mlp_{layer}_kernel"], meta_params[f"mlp_{layer}_bias"]
        )
    return ops.reshape(hidden, (-1, *shape[1:]))

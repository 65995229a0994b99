"""What Celo's small network sees of a variable: 30 inputs per coordinate from accumulators.

Moudgil et al. (2025), arXiv 2501.12670, after Metz et al. (2022), arXiv 2203.11860.
"""

import numpy as np
from keras import ops

from l2l_tf.cells.accumulators import exponential_mean
from l2l_tf.rules.celo.factored import (
    SQUARE_FLOOR,
    factored_axes,
    factored_mean_squares,
    factored_scales,
    safe_rsqrt,
)

INPUTS = 30
DECAYS = (0.9, 0.99, 0.999)
# Columns of the first kernel, in the order of the published weights: gradient, clipped
# gradient, parameter, 3 means, mean square, 3 means over its root, its inverse root, 3
# gradients with factored scale, gradient over the root, | 3 rows, 3 columns, their inverse
# roots, | 3 means with factored scale.
_PLAIN = [*range(0, 11), 14]
_FACTORED = [*range(11, 14), *range(27, 30)]
_ROW = [15, 16, 17, 21, 22, 23]
_COLUMN = [18, 19, 20, 24, 25, 26]


def celo_slot_shapes(shape, vector_moments=True):
    """Accumulators of one variable.

    Args:
        shape: Shape of the variable, of rank ≥ 1.
        vector_moments: Whether vectors keep three unfactored second moments.

    Returns:
        Dict slot name → shape: `mean` `[3, *shape]`, `mean_square` `[*shape]`, and
        `row` and `column` (rank ≥ 2) or `vector_mean_square`.
    """
    shape = tuple(shape)
    slots = {"mean": (len(DECAYS), *shape), "mean_square": shape}
    axes = factored_axes(shape)
    if axes is not None:
        for name, axis in (("row", axes[1]), ("column", axes[0])):
            slots[name] = (len(DECAYS), *(1 if i == axis else d for i, d in enumerate(shape)))
    elif vector_moments:
        slots["vector_mean_square"] = (len(DECAYS), *shape)
    return slots


def accumulate(gradient, slots, square_decay):
    """The accumulators after a gradient; none is bias-corrected.

    Args:
        gradient: `[*shape]`; its square must not overflow.
        slots: Dict as in `celo_slot_shapes`.
        square_decay: Decay of `mean_square`.

    Returns:
        Dict of the same structure.
    """
    decays = _decays(gradient)
    square = ops.square(gradient)
    new = {
        "mean": exponential_mean(slots["mean"], gradient[None], decays),
        "mean_square": exponential_mean(slots["mean_square"], square, square_decay),
    }
    if "row" in slots:
        new["row"], new["column"] = factored_mean_squares(
            slots["row"], slots["column"], square, decays, factored_axes(tuple(gradient.shape))
        )
    elif "vector_mean_square" in slots:
        new["vector_mean_square"] = exponential_mean(
            slots["vector_mean_square"], (square + SQUARE_FLOOR)[None], decays
        )
    return new


def input_blocks(gradient, variable, slots, epsilon):
    """The inputs, not yet normalised.

    Args:
        gradient: `[*shape]`.
        variable: `[*shape]`, before the step.
        slots: The accumulators after the step.
        epsilon: Added to `mean_square` under the root.

    Returns:
        List of `(features, columns)`: features `[f, …]` that broadcast to `[f, *shape]`,
        and for each the columns of the first kernel that it meets (their sum counts).
        Inputs that exist per row or column only stay small.
    """
    mean, square = slots["mean"], slots["mean_square"]
    inverse_root = ops.rsqrt(square + epsilon)
    features = [
        gradient[None],
        ops.clip(gradient, -0.1, 0.1)[None],
        variable[None],
        mean,
        square[None],
        mean * inverse_root,
        inverse_root[None],
        (gradient * inverse_root)[None],
    ]
    columns = [(c,) for c in _PLAIN]
    blocks = []
    if "row" in slots:
        axes = factored_axes(tuple(gradient.shape))
        row_scale, column_scale = factored_scales(slots["row"], slots["column"], axes)
        scale = row_scale * column_scale
        features += [gradient * scale, mean * scale]
        columns += [(c,) for c in _FACTORED]
        for moments, indices in ((slots["row"], _ROW), (slots["column"], _COLUMN)):
            both = ops.concatenate([moments, ops.rsqrt(moments + 1e-8)], axis=0)
            blocks.append((both, [(c,) for c in indices]))
    elif "vector_mean_square" in slots:
        moments = slots["vector_mean_square"]
        features += [gradient * safe_rsqrt(moments + 1e-9), mean * safe_rsqrt(moments)]
        features += [moments, ops.rsqrt(moments + 1e-8)]
        columns += [(c,) for c in _FACTORED]
        columns += list(zip(_ROW, _COLUMN, strict=True))
    return [(ops.concatenate(features, axis=0), columns), *blocks]


def _decays(gradient):
    decays = np.reshape(DECAYS, (-1,) + (1,) * len(gradient.shape))
    return ops.cast(decays, gradient.dtype)

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
    """The accumulators of each coordinate after a gradient; none is bias-corrected.

    Args:
        gradient: `[*shape]`; its square must not overflow.
        slots: Dict as in `celo_slot_shapes`.
        square_decay: Decay of `mean_square`.

    Returns:
        Dict of the same structure without `row` and `column`.
    """
    decays = _decays(gradient)
    square = ops.square(gradient)
    new = {
        "mean": exponential_mean(slots["mean"], gradient[None], decays),
        "mean_square": exponential_mean(slots["mean_square"], square, square_decay),
    }
    if "vector_mean_square" in slots:
        new["vector_mean_square"] = exponential_mean(
            slots["vector_mean_square"], (square + SQUARE_FLOOR)[None], decays
        )
    return new


def accumulate_factored(gradient, slots):
    """The accumulators of rows and columns after a gradient: `row` and `column`, or none.

    Args:
        gradient: As in `accumulate`.
        slots: As in `accumulate`.
    """
    if "row" not in slots:
        return {}
    row, column = factored_mean_squares(
        slots["row"],
        slots["column"],
        ops.square(gradient),
        _decays(gradient),
        factored_axes(tuple(gradient.shape)),
    )
    return {"row": row, "column": column}


def coordinate_features(gradient, variable, slots, scales, epsilon):
    """The inputs that differ from coordinate to coordinate, not yet normalised.

    Args:
        gradient: `[*shape]`.
        variable: `[*shape]`, before the step.
        slots: The accumulators after the step, as from `accumulate`.
        scales: The two of `factored_scales`; none for vectors.
        epsilon: Added to `mean_square` under the root.

    Returns:
        `(features [f, *shape], columns)`: for each feature the columns of the first kernel that
        it meets (their sum counts).
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
    if scales:
        scale = scales[0] * scales[1]
        features += [gradient * scale, mean * scale]
        columns += [(c,) for c in _FACTORED]
    elif "vector_mean_square" in slots:
        moments = slots["vector_mean_square"]
        features += [gradient * safe_rsqrt(moments + 1e-9), mean * safe_rsqrt(moments)]
        features += [moments, ops.rsqrt(moments + 1e-8)]
        columns += [(c,) for c in _FACTORED]
        columns += list(zip(_ROW, _COLUMN, strict=True))
    return ops.concatenate(features, axis=0), columns


def factored_features(factored):
    """The inputs that exist per row or column only.

    Args:
        factored: The accumulators after the step, as from `accumulate_factored`.

    Returns:
        List of `(features, columns)` as from `coordinate_features`, but that the features
        broadcast to the variable's shape.
    """
    blocks = []
    for name, indices in (("row", _ROW), ("column", _COLUMN)):
        if name in factored:
            moments = factored[name]
            both = ops.concatenate([moments, ops.rsqrt(moments + 1e-8)], axis=0)
            blocks.append((both, [(c,) for c in indices]))
    return blocks


def _decays(gradient):
    decays = np.reshape(DECAYS, (-1,) + (1,) * len(gradient.shape))
    return ops.cast(decays, gradient.dtype)

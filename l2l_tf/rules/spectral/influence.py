"""How much of what a step changes comes from tables of embeddings, and what changes nothing."""

import numpy as np
from keras import ops

from l2l_tf.rules.layout import EMBEDDING
from l2l_tf.rules.spectral.groups import is_matrix

# A table all of whose rows are met may do this much of what all that is no table does together,
# and its step is cut to this part at most.
SHARE, LEAST = 0.3, 0.1
# A vector whose steps change the loss by less than this part of what all vectors' do changes
# nothing, and takes no step: what rounding leaves of a gradient of zero is up to 1.6e-6 of it with
# float32, and the gradients of offsets and gains that matter were 1e-3 and more.
NOTHING = 1e-5


def tables(layouts):
    """`[variables]` booleans; None where there is no table, or nothing else."""
    found = np.array([layout.kind == EMBEDDING for layout in layouts])
    return found if found.any() and not found.all() else None


def influence_state(layouts):
    """Dict name → `[variables]` zeros; empty where there is no table, or nothing else."""
    if tables(layouts) is None:
        return {}
    return {name: ops.zeros((len(layouts),), "float32") for name in ("influences", "met")}


def influenced(measured, sizes, layouts, old, keep, gathered):
    """How much each variable's step changes the loss, to first order, and what follows of it.

    A table is small when it is drawn (±0.05 in Keras), and how far its rows should go depends on
    what a net makes of them: times √width beside codes of places, as in Vaswani et al. 2017, they
    would drown all else within a few steps. A table of words, most of whose rows wait for the
    batch that holds them, needs its steps.

    Steps are taken as they are before anything is learned: where a table's are too short now,
    its r may still grow.

    Args:
        measured: `Measured`.
        sizes: `[variables]`, steps set by hand.
        layouts: List of `Layout`s.
        old: Dict with what `influence_state` gives.
        keep: `[variables]`, weight of this step in the means.
        gathered: `[variables]`, weight that the means have gathered with it.

    Returns:
        `(factor, state)`; factor on each variable's step, `[variables]` in [`LEAST`, 1], and 1
        but for tables; the next state.
    """
    are = tables(layouts)
    if are is None:
        return ops.ones_like(sizes), {}
    change = ops.abs(measured.descent) * sizes * ops.cast(_numbers(layouts), sizes.dtype)
    state = {}
    for name, value in (("influences", change), ("met", measured.met)):
        before = ops.cast(old[name], sizes.dtype)
        state[name] = before + keep * (value - before)
    means = state["influences"]
    most = SHARE * ops.sum(ops.where(are, 0.0, means))
    beyond = ops.logical_and(ops.logical_and(means > most, most > 0.0), are)
    factor = ops.where(beyond, most / ops.where(beyond, means, 1.0), 1.0)
    return ops.power(ops.maximum(factor, LEAST), state["met"] / gathered), state


def effect(usual_power, sizes, layouts):
    """How much of a vector's gradient is more than rounding errors, `[variables]` in [0, 1].

    An offset ahead of a normalization, or that of an attention's keys, changes nothing: its
    gradient is what rounding leaves of sums that cancel. Whatever it is, an Adam direction is of
    size one; and where such gradients agree, as they may for hundreds of steps, the offset runs
    away from the mean that a normalization keeps for use after training.

    Args:
        usual_power: `[variables]`, mean square of a gradient's number.
        sizes: `[variables]`, steps set by hand.
        layouts: List of `Layout`s.

    Returns:
        1 but for vectors that do next to nothing beside other vectors. A kernel's gradient is as
        large as the unit of its inputs, and no measure of either.
    """
    vectors = np.array([not is_matrix(of) and of.kind != EMBEDDING for of in layouts])
    numbers = ops.cast(vectors * _numbers(layouts), sizes.dtype)
    change = ops.sqrt(usual_power) * sizes * numbers
    something = NOTHING * ops.sum(change)
    little = ops.logical_and(change < something, ops.convert_to_tensor(vectors))
    return ops.where(little, change / ops.where(little, something, 1.0), 1.0)


def _numbers(layouts):
    """How many numbers each variable has, `[variables]` float32."""
    return np.array([layout.rows * layout.columns for layout in layouts], "float32")

"""An optimization barrier that holds outside XLA, too."""

import functools

import keras
from keras import ops, tree


def optimization_barrier(tensors, iteration):
    """The same tensors, each computed in full before anything reads a slice of it.

    XLA would compute a packed vector anew in every slice that is cut out of it, and compile all of
    it as often as there are variables; its own barrier is no operation of TensorFlow. It does not
    look through a condition one of whose branches returns what it was given; that this one always
    holds it cannot know.

    Args:
        tensors: Tensors in some structure.
        iteration: Scalar, not negative.
    """
    if keras.config.backend() == "torch":  # Computed in full it is already.
        return tensors
    taken = ops.convert_to_tensor(iteration) >= 0
    zeros = functools.partial(tree.map_structure, ops.zeros_like, tensors)
    return ops.cond(taken, lambda: tensors, zeros)

"""A guard over the run's loss: while it rises above what it was, steps are cut."""

import numpy as np
from keras import ops

from l2l_tf.cells.run_signals import LOSS_DECAYS, corrected_means, corrected_noise

# Logarithms: what a step of danger takes off, what a step without gives back, and the most.
CUT, RECOVERY, MIN_GUARD = 0.2, 0.02, -3.0
# Of the first loss: below it step sizes grow no more; below the other steps are shorter.
LEARNED, DONE = 1e-4, 1e-6
_FAST, _SLOW = LOSS_DECAYS.index(0.5), LOSS_DECAYS.index(0.98)


def guard_state():
    """State before the first step: dict name → float32 array."""
    return {"guard": np.zeros((), "float32")}


def guarded(loss, state):
    """The guard after a step's loss.

    Danger is a loss whose mean over a few steps is above its mean over some fifty by more than
    three times its usual noise, and by more than a tenth of all that it fell so far.

    Args:
        loss: The state of `loss_signals` after the step's loss.
        state: Dict as `guard_state` gives it.

    Returns:
        `(state, factor)`: the factor on all steps, a scalar.
    """
    seen = loss["loss_seen"]
    means, noise = corrected_means(loss), corrected_noise(loss)
    rise = means[_FAST] - means[_SLOW]
    fall = ops.maximum(loss["loss_first"] - loss["loss_lowest"], 0.0)
    danger = ops.logical_and(rise > 3.0 * noise + 0.1 * fall, seen > 10.0)
    guard = state["guard"]
    cut, recovered = ops.maximum(guard - CUT, MIN_GUARD), ops.minimum(guard + RECOVERY, 0.0)
    guard = ops.where(danger, cut, recovered)
    return {"guard": guard}, ops.exp(guard)


def all_learned(loss):
    """Whether the loss has fallen to next to nothing of what it was, and what is left to do.

    Gradients of any size make steps of the same size; where nothing is left to be learned these
    lead away. Near the minimum of a quadratic the distance is as the root of the loss.

    Args:
        loss: The state of `loss_signals` after the step's loss.

    Returns:
        `(learned, factor)`: a scalar bool, and a scalar factor on all steps in [0, 1].
    """
    mean = ops.abs(corrected_means(loss)[_FAST])
    first, known = ops.abs(loss["loss_first"]), loss["loss_seen"] > 10.0
    left = ops.sqrt(ops.minimum(1.0, mean / ops.maximum(DONE * first, 1e-30)))
    learned = ops.logical_and(mean < LEARNED * first, known)
    return learned, ops.where(known, left, ops.ones_like(left))

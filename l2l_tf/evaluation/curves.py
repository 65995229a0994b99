"""What whole curves of train losses say; pure arithmetic on arrays."""

import math

import numpy as np

# Where curves are compared: this share of a run on, at so many steps with even ratios.
FIRST_SHARE = 0.1
POINTS = 50

# The speed-up of a run that never reached the target: as if it took twice as long.
NOT_REACHED = 0.5

# Losses of exactly zero happen where classes are separable.
TINY = 1e-30


def anytime(steps, losses, reference):
    """Mean over log-spaced steps, from a tenth of the run on, of log(loss / reference's loss).

    Between records, logarithms of losses are interpolated.

    Args:
        steps: Increasing steps `[k]`, the first of them 0, the last N.
        losses: Loss at each; infinite from where a run broke off.
        reference: The other optimizer's losses at these steps, finite.

    Returns:
        A float: below 0 where the losses are the lower ones; infinite if a loss is.
    """
    points = np.geomspace(FIRST_SHARE * steps[-1], steps[-1], POINTS)
    if not np.isfinite(np.asarray(losses)[np.asarray(steps) > points[0]]).all():
        return math.inf
    mine, theirs = (
        np.interp(points, steps, np.log(np.asarray(curve, float) + TINY))
        for curve in (losses, reference)
    )
    return float(np.mean(mine - theirs))


def step_at_target(steps, losses, target):
    """The step, at least 1, at which the loss first is at or below `target`; None if never.

    Between the record before and the first that is low enough, log-losses are interpolated.

    Args:
        steps: Increasing steps, the first of them 0.
        losses: Loss at each.
        target: Loss to be reached.
    """
    for i in range(1, len(steps)):
        if losses[i] <= target:
            step = steps[i]
            if math.isfinite(losses[i - 1]) and losses[i - 1] > target:
                before, after, wanted = (
                    math.log(v + TINY) for v in (losses[i - 1], losses[i], target)
                )
                step = steps[i - 1] + (step - steps[i - 1]) * (before - wanted) / (before - after)
            return float(max(step, 1))
    return None


def time_to_target(steps, losses, target):
    """N / the step at which the loss first is at or below `target`; None if never.

    Args:
        steps: Increasing steps, the first of them 0, the last N.
        losses: Loss at each.
        target: Loss to be reached; see `step_at_target`.
    """
    step = step_at_target(steps, losses, target)
    return None if step is None else float(steps[-1] / step)


def ahead_from(seconds, losses, other_seconds, other_losses):
    """The second from which on a loss is at or below another's at the same second.

    Compared at all records of either, as long as both run; logarithms of losses are interpolated.

    Args:
        seconds: Increasing times `[k]`.
        losses: Loss at each.
        other_seconds: The other's times `[m]`.
        other_losses: Its losses.

    Returns:
        Seconds, 0 if it is never above; None if it is above at the end.
    """
    points = np.union1d(seconds, other_seconds)
    points = points[points <= min(seconds[-1], other_seconds[-1])]
    mine, theirs = (
        np.interp(points, times, np.log(np.asarray(curve, float) + TINY))
        for times, curve in ((seconds, losses), (other_seconds, other_losses))
    )
    (behind,) = np.nonzero(~(mine <= theirs))  # NaN, next to what is infinite, is behind, too.
    if not behind.size:
        return 0.0
    return None if behind[-1] == len(points) - 1 else float(points[behind[-1] + 1])


def geometric_mean(values):
    """Of positive numbers."""
    return float(np.exp(np.mean(np.log(values))))

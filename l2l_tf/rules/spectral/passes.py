"""What a run's passes over its data, and the ends of its epochs, mean for steps."""

from keras import ops

from l2l_tf.cells.run_signals import LOSS_DECAYS, corrected_means
from l2l_tf.cells.squares import inverse_root

# What rows agree on that were seen before says little about others. A run that passes over its
# data more often than this takes shorter steps, whose sizes follow what other rows agree on: few
# rows are not fitted long before a held-out loss is at its best. Not without end: many passes are
# often only a bound.
# Nor where the run is known to be short: steps have no time to grow then.
PASSES, MIN_NEW, SHORT = 3.0, 0.1, 100.0
# Share of the first loss that has to be gone before anything can have been learned by heart.
FALLEN = 0.2
# Decay of kernels, over the rule's own: for rows that are new, and the most.
DECAY, MAX_DECAY = 6.0, 20.0
# Part of an epoch in which steps become shorter, their least factor at its end, and the updates
# below which an epoch is too short for that.
CLOSING, CLOSED, LONG = 0.3, 0.05, 50.0
# Steps that go back and forth along one direction may still be the best ones for all others:
# what turns counts less than what agrees. Not where nothing else makes steps small enough in the
# end, and half so where they are at the ends of epochs alone.
REGRET, REGRET_IN_EPOCHS = 0.3, 0.6

# Step sizes that start too small have no time to grow in a run known to be shorter than this many
# updates: they start larger there and follow gradients faster, up to so many times.
HURRIED, FASTEST = 200.0, 8.0

_SLOW = LOSS_DECAYS.index(0.98)


def share_of_new_rows(context):
    """The larger of `PASSES / passes` and `SHORT / total_steps`, a scalar in [0.1, 1].

    1 where it is unknown how often the run passes over its data.
    """
    passes, total = (ops.cast(n, "float32") for n in (context.passes, context.total_steps))
    short = ops.where(total > 0.0, SHORT / ops.maximum(total, 1.0), 0.0)
    share = ops.where(passes > 0.0, ops.maximum(PASSES / passes, short), 1.0)
    return ops.clip(share, MIN_NEW, 1.0)


def agreed_by_others(agreement, sums, measured, usual_power, share, loss, context):
    """The agreement with the last step, less what a batch's own rows gave to it a pass before.

    A step goes along a mean of gradients, in which a row that comes again has a part of its own. In
    a pass of n batches that is 1/n of the batch's gradient, wherever in the pass it was: what a
    gradient and the mean agree on beyond that, they owe to other rows, and rows that nobody has
    seen would agree on it, too. (Mahsereci et al. 2017, arXiv 1703.09580, compare a gradient with
    what is left to chance by the number of rows, to stop without held-out ones.)

    No less is left of it than the share of new rows, and no more where it is unknown how many
    updates a pass takes. While the loss is what it was in the beginning nothing was learned by
    heart, however often rows came: a step that is far too short grows in full.

    Args:
        agreement: `[variables]`; see `Spectral`.
        sums: `[2, variables]`, means of the cosine of gradient and last step, and of its square.
        measured: `Measured`.
        usual_power: `[variables]`, mean square of a gradient's number.
        share: As `share_of_new_rows` gives it; where it is 1 nothing is taken off.
        loss: The state of `loss_signals` after the step's loss.
        context: `UpdateContext`.

    Returns:
        `[variables]`.
    """
    steps = ops.cast(context.epoch_steps, "float32")
    passes, total = (ops.cast(n, "float32") for n in (context.passes, context.total_steps))
    steps = ops.where(steps > 0.0, steps, total / passes)
    known, dtype = steps > 0.0, agreement.dtype
    part = ops.cast(ops.where(known, 1.0 / ops.maximum(steps, 1.0), 0.0), dtype)
    own = part * ops.sqrt(usual_power) * inverse_root(measured.mean_power)
    others = (sums[0] - own) * ops.rsqrt(sums[1] + 1e-12)
    least = ops.cast(ops.power(share, _fallen(loss)), dtype) * agreement
    others = ops.where(known, ops.maximum(others, least), least)
    return ops.where(agreement > 0.0, others, agreement)


def _fallen(loss):
    """How much of the share of the loss is gone that has to be; 1 where it is unknown."""
    first, mean = loss["loss_first"], corrected_means(loss)[_SLOW]
    fallen = (first - mean) / ops.maximum(FALLEN * ops.abs(first), 1e-30)
    known = ops.logical_and(loss["loss_seen"] > 0.0, ops.logical_not(ops.isnan(fallen)))
    return ops.where(known, ops.clip(fallen, 0.0, 1.0), 1.0)


def hurry(context):
    """What a run that is known to be short needs: `(size, pace)`, scalars of 1 and above.

    With h = `HURRIED` / total_steps in [1, `FASTEST`]: size, √h, is a factor on all steps; pace,
    from h at the run's beginning to 1 at its end, is how many times as fast step sizes change.
    Both are 1 where the length is unknown.
    """
    total = ops.cast(context.total_steps, "float32")
    known = total > 0.0
    total = ops.where(known, ops.maximum(total, 1.0), HURRIED)
    times = ops.clip(HURRIED / total, 1.0, FASTEST)
    left = ops.clip(1.0 - ops.cast(context.run_iteration, "float32") / total, 0.0, 1.0)
    return ops.sqrt(times), 1.0 + (times - 1.0) * left


def factor_of_decay(share):
    """What the weight decay of kernels is multiplied by: more where rows come again."""
    return ops.minimum(DECAY / share, MAX_DECAY)


def closing(context):
    """Factor on steps towards the end of an epoch, a scalar in (0, 1].

    Of a run whose length is unknown the weights may be taken at the end of any epoch: noise is
    to be gone by then, as it is at the end of a run whose length is known.
    """
    ends = _ends_in_epochs(context)
    steps = ops.where(ends, ops.cast(context.epoch_steps, "float32"), 1.0)
    taken = ops.cast(context.iteration - context.epoch_start, "float32") + 1.0
    least = 1.0 - (1.0 - CLOSED) * ops.minimum(steps / LONG, 1.0)
    left = ops.clip((1.0 - taken / steps) / CLOSING, 0.0, 1.0)
    return ops.where(ends, least + (1.0 - least) * left, 1.0)


def regret(context):
    """What gradients that turn against the step before count beside those that agree."""
    unknown = ops.where(_ends_in_epochs(context), REGRET_IN_EPOCHS, 1.0)
    return ops.where(ops.isnan(ops.cast(context.total_steps, "float32")), unknown, REGRET)


def _ends_in_epochs(context):
    unknown = ops.isnan(ops.cast(context.total_steps, "float32"))
    return ops.logical_and(unknown, ops.cast(context.epoch_steps, "float32") > 0.0)

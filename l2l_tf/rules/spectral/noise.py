"""What the noise of gradients, reckoned or measured, means for steps."""

from keras import ops

from l2l_tf.cells.run_signals import LOSS_DECAYS, corrected_means, corrected_noise
from l2l_tf.cells.squares import TINY

# Rows of a batch below and above which steps are shorter and longer, by which power of the former,
# and by how much at most.
FEW_ROWS, MANY_ROWS, FEW_POWER = 16.0, 128.0, 1.5
LEAST_BY_ROWS, MOST_BY_ROWS = 0.125, 4.0
# Of a gradient's power that of its mean, below which steps are shorter, by which power of it, and
# by how much at most: what is below the last is not noise, of whose power the mean keeps a part,
# but gradients that turn.
CALM, CALM_POWER, LEAST_CALM = 0.1, 0.25, 0.7
# A gradient counts for so many times its usual size at most.
MOST_GROWTH = 4.0
# How far losses of batches of that many rows lie apart, over their mean: below the first most rows
# have a part in them, above the second a few have nearly all of it. Of how many times the first
# loss the rest is then reckoned, by which power of that steps are shorter, and by how much at most.
USUAL_ROWS, EVEN, UNEVEN = 32.0, 0.4, 0.8
REFERENCE, LEFT_POWER, LEAST_LEFT = 2.0, 0.5, 0.05

_SLOW = LOSS_DECAYS.index(0.98)


def size_by_rows(context):
    """Factor on all steps by how many rows a gradient is the mean of, a scalar; 1 where unknown.

    Directions are of unit size whether a gradient is known well or badly, while its noise falls
    with the root of its rows: so should steps grow with it (Malladi et al. 2022, arXiv
    2205.10287). Within the range of batch sizes that people choose, r finds the size by itself.
    """
    rows = ops.cast(context.batch_rows, "float32")
    known = rows > 0.0
    rows = ops.where(known, rows, MANY_ROWS)
    few = ops.power(ops.minimum(rows / FEW_ROWS, 1.0), FEW_POWER)
    many = ops.maximum(rows / MANY_ROWS, 1.0)
    return ops.clip(few * ops.sqrt(many), LEAST_BY_ROWS, MOST_BY_ROWS)


def size_by_noise(measured, usual_power, context):
    """Factor on steps by how much of the gradients is noise, `[variables]`.

    A run whose length is known takes shorter steps towards its end, which lets noise go. Of one
    whose length is not, the measure is what is left of gradients in their mean; 1 elsewhere.

    Args:
        measured: `Measured`.
        usual_power: `[variables]`, mean square of a gradient's number.
        context: `UpdateContext`.
    """
    known = measured.mean_power > 0.0
    left = measured.mean_power / ops.maximum(usual_power, TINY)
    calm = ops.power(ops.where(known, left, CALM) / CALM, CALM_POWER)
    unknown = ops.isnan(ops.cast(context.total_steps, "float32"))
    return ops.where(unknown, ops.clip(calm, LEAST_CALM, 1.0), ops.ones_like(calm))


def size_by_losses(loss, context):
    """Factor on all steps by what is left of the loss where a few rows make up all of it, a scalar.

    Of a classifier that has learned most rows gradients are next to nothing, or those of a few
    rows. Steps of one size then go as far for those few as they once went for all rows: too far,
    and what was learned is lost, again and again. Where the length of the run is known its end
    makes steps small. 1 there, of players against each other, and of a loss that is at or below
    0 at times, of which nobody knows how much is left.

    Args:
        loss: The state of `loss_signals` after the step's loss.
        context: `UpdateContext`.
    """
    mean, noise = corrected_means(loss)[_SLOW], corrected_noise(loss)
    rows = ops.cast(context.batch_rows, "float32")
    # The fewer rows a loss is the mean of, the farther apart losses lie anyway.
    usual = ops.where(rows > 0.0, ops.sqrt(ops.minimum(rows / USUAL_ROWS, 1.0)), 1.0)
    apart = usual * noise / ops.maximum(mean, 1e-30)
    uneven = ops.clip((apart - EVEN) / (UNEVEN - EVEN), 0.0, 1.0)
    left = ops.maximum(mean, noise) / ops.maximum(REFERENCE * loss["loss_first"], 1e-30)
    shorter = ops.clip(ops.power(ops.minimum(left, 1.0), LEFT_POWER * uneven), LEAST_LEFT, 1.0)
    meant = ops.logical_and(loss["loss_lowest"] > 0.0, loss["loss_seen"] > 10.0)
    meant = ops.logical_and(meant, ops.isnan(ops.cast(context.total_steps, "float32")))
    meant = ops.logical_and(meant, ops.logical_not(context.contested))
    return ops.where(meant, shorter, ops.ones_like(shorter))


def weighed(cosine, growth, context):
    """What a gradient's cosine counts for in the agreement of gradients, `[variables]`.

    Of a classifier that has learned most rows, nearly all gradients are small, and what the loss
    does goes by the few that are large. Means over many rows hardly show it; with few rows in a
    batch the cosine is multiplied by the gradient's size, over its usual one.

    Args:
        cosine: `[variables]`, of a gradient and the last step.
        growth: `[variables]`, the gradient's size over its usual one.
        context: `UpdateContext`.
    """
    few = ops.cast(context.batch_rows, "float32") < FEW_ROWS
    return ops.where(few, cosine * ops.minimum(growth, MOST_GROWTH), cosine)

"""How long the trajectories are that a meta-training begins."""

import numpy as np


def trajectory_at(settings, unroll, meta_step):
    """Length of a trajectory that is begun at a meta-step.

    Args:
        settings: `Settings`, which say what a run's lengths are and how one is drawn.
        unroll: Steps of an unroll; the length is a multiple of it.
        meta_step: Meta-steps done.
    """
    length = curriculum_at(settings.trajectories, meta_step, settings.meta_steps)
    if settings.trajectory_sampling == "log_uniform":
        generator = np.random.default_rng([settings.seed, meta_step])
        length = log_uniform_length(generator, unroll, length)
    return length


def curriculum_at(lengths, meta_step, meta_steps):
    """The length whose turn it is at a meta-step.

    The lengths take equal shares of the meta-training, in the order given, mostly shortest first
    (Chen et al. 2020, "Training stronger baselines for learning to optimize").

    Args:
        lengths: Non-empty sequence of ints.
        meta_step: Meta-steps done.
        meta_steps: Meta-steps in all.

    Returns:
        One of `lengths`.
    """
    share = meta_step * len(lengths) // max(meta_steps, 1)
    return lengths[min(share, len(lengths) - 1)]


def log_uniform_length(generator, unroll, longest):
    """A length log-uniform between `unroll` and `longest`, a multiple of `unroll`.

    Args:
        generator: `numpy.random.Generator`.
        unroll: Shortest length.
        longest: Longest length, a multiple of `unroll`.
    """
    length = np.exp(generator.uniform(np.log(unroll), np.log(longest)))
    return int(unroll * max(1, round(length / unroll)))

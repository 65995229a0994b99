"""Curriculum over trajectory lengths."""

import numpy as np


def trajectory_at(lengths, meta_step, meta_steps):
    """Length of the trajectories begun at a meta-step.

    The lengths take equal shares of the meta-training, shortest first as given
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

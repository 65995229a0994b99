"""The weights w_t of the meta-loss `Σ w_t f(θ_t)`."""

import tensorflow as tf

from l2l_tf.core.checks import check_choice

LOSS_WEIGHTS = ("all", "final", "linear")


def loss_weights(kind, unroll, start, trajectory):
    """Weights of the `unroll` losses after each step of one unroll; their mean is at most 2.

    - "all": 1 for every step (Andrychowicz et al. 2016).
    - "final": only the last step of the unroll counts; with an unroll as long as the
      trajectory that is the original objective `f(θ_T)`.
    - "linear": `2 t / trajectory` for the t-th step of the trajectory.

    Args:
        kind: One of `LOSS_WEIGHTS`.
        unroll: Steps per unroll, int.
        start: Steps taken before this unroll, scalar.
        trajectory: Length of the trajectory, scalar.

    Returns:
        `[unroll]` float32.

    Raises:
        ValueError: If `kind` is unknown.
    """
    check_choice("loss_weights", kind, LOSS_WEIGHTS)
    if kind == "all":
        return tf.ones([unroll])
    if kind == "final":
        return float(unroll) * tf.one_hot(unroll - 1, unroll)
    step = tf.cast(start, tf.float32) + tf.range(1, unroll + 1, dtype=tf.float32)
    return 2.0 * step / tf.cast(trajectory, tf.float32)

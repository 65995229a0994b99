"""What a scheduler sees of a run as a whole: its progress and its loss, free of units."""

import math

import numpy as np
from keras import ops

PROGRESS_CENTRES = (0.03, 0.1, 0.3, 0.6, 0.9, 1.0)
LOSS_DECAYS = (0.5, 0.9, 0.98, 0.996)
NOISE_DECAY = 0.98
PROGRESS_SIGNALS = len(PROGRESS_CENTRES) + 5
LOSS_SIGNALS = len(LOSS_DECAYS) + 3


def progress_signals(iteration, total_steps):
    """How far a run has come, and how long it is, as bounded features.

    With p = iteration / total_steps: whether the length is known, p, tanh(10·(p − c)) for c in
    `PROGRESS_CENTRES` (Celo's), log₁₀(total_steps) / 4, and for every run log₁₀(t + 1) / 4 and
    1/√(t + 1). Of an unknown length all features but the last two are 0.

    Args:
        iteration: Scalar, updates taken before this one.
        total_steps: Scalar; NaN if unknown.

    Returns:
        `[PROGRESS_SIGNALS]` float32.
    """
    step = ops.cast(iteration, "float32")
    total = ops.cast(total_steps, "float32")
    known = ops.logical_not(ops.isnan(total))
    flag = ops.cast(known, "float32")
    total = ops.where(known, ops.maximum(total, 1.0), ops.ones_like(total))
    progress = ops.clip(step / total, 0.0, 1.5)
    curves = [ops.tanh(10.0 * (progress - c)) for c in PROGRESS_CENTRES]
    length = 0.25 * ops.log(total) / np.log(10.0)
    of_the_run = [flag * f for f in (ops.ones_like(total), progress, *curves, length)]
    age = 0.25 * ops.log(step + 1.0) / np.log(10.0)
    return ops.stack([*of_the_run, age, ops.rsqrt(step + 1.0)])


def annealing_set_by_hand(iteration, total_steps, line=False, usual_steps=1000.0):
    """Warm-up, then a cosine or a line to 1 % at `total_steps`, or 1/√t where that is unknown.

    The warm-up takes 5 steps and a fiftieth of all.

    Args:
        iteration: Scalar, updates taken before this one.
        total_steps: Scalar; NaN if unknown.
        line: Whether it falls along a line, in place of a cosine.
        usual_steps: A run of unknown length warms up as one of so many steps.

    Returns:
        Scalar float32 in (0, 1].
    """
    step = ops.cast(iteration, "float32")
    total = ops.cast(total_steps, "float32")
    known = ops.logical_not(ops.isnan(total))
    total = ops.where(known, ops.maximum(total, 1.0), ops.full_like(total, usual_steps))
    warm = ops.minimum(1.0, (step + 1.0) / (5.0 + 0.02 * total))
    progress = ops.clip(step / total, 0.0, 1.0)
    left = 1.0 - progress if line else 0.5 * (1.0 + ops.cos(math.pi * progress))
    return warm * ops.where(known, 0.01 + 0.99 * left, ops.rsqrt(1.0 + step / 300.0))


def loss_state():
    """State of `loss_signals` before the first step: dict name → float32 array."""
    return {
        "loss_means": np.zeros((len(LOSS_DECAYS),), "float32"),
        "loss_seen": np.zeros((), "float32"),
        "loss_first": np.zeros((), "float32"),
        "loss_lowest": np.zeros((), "float32"),
        "loss_noise": np.zeros((), "float32"),
    }


def corrected_means(state):
    """Exponential means of the loss of decays `LOSS_DECAYS`, without their bias towards 0.

    Args:
        state: Dict as `loss_signals` gives it.

    Returns:
        `[len(LOSS_DECAYS)]` float32.
    """
    decays = ops.convert_to_tensor(LOSS_DECAYS, "float32")
    return _corrected(state["loss_means"], decays, state["loss_seen"])


def corrected_noise(state):
    """Mean distance of a loss from the fast mean, likewise, a scalar float32."""
    return _corrected(state["loss_noise"], NOISE_DECAY, state["loss_seen"])


def _corrected(mean, decay, seen):
    return mean / ops.maximum(1.0 - ops.power(decay, seen), 1e-6)


def loss_signals(loss, state):
    """How a loss develops, whatever its unit and offset.

    With bias-corrected exponential means c_k of decays `LOSS_DECAYS` and the range R between
    the first loss and the lowest c_1 so far: whether the loss is known, the trends
    (c_k − c_{k+1}) / R, the height (c_1 − lowest) / R, the noise (mean |loss − c_1|) / R, and
    log₁₀ of the height of the lowest over the fall, all bounded.

    Args:
        loss: Scalar; NaN if unknown, and then the state stays as it is.
        state: Dict as `loss_state` gives it.

    Returns:
        `([LOSS_SIGNALS] float32, state)`; all signals are 0 until two losses were seen.
    """
    loss = ops.cast(loss, "float32")
    known = ops.isfinite(loss)
    value = ops.where(known, ops.clip(loss, -1e15, 1e15), ops.zeros_like(loss))
    seen = state["loss_seen"] + ops.cast(known, "float32")
    decays = ops.convert_to_tensor(LOSS_DECAYS, "float32")
    means = decays * state["loss_means"] + (1.0 - decays) * value
    means = ops.where(known, means, state["loss_means"])
    corrected = _corrected(means, decays, seen)
    start = ops.cast(seen <= 1.0, "float32")
    first = start * value + (1.0 - start) * state["loss_first"]
    fast = corrected[1]
    lowest = start * value + (1.0 - start) * ops.minimum(state["loss_lowest"], fast)
    noise = ops.where(
        known,
        NOISE_DECAY * state["loss_noise"] + (1.0 - NOISE_DECAY) * ops.abs(value - fast),
        state["loss_noise"],
    )
    spread = ops.maximum(first - lowest, 1e-6 * ops.abs(first) + 1e-30)
    trends = (corrected[:-1] - corrected[1:]) / spread
    height = (fast - lowest) / spread
    noisy = _corrected(noise, NOISE_DECAY, seen) / spread
    fallen = ops.log(ops.abs(lowest) / spread + 1e-6) / np.log(10.0) / 6.0
    flag = ops.cast(ops.logical_and(known, seen >= 2.0), "float32")
    signals = ops.concatenate(
        [
            ops.reshape(ops.ones_like(flag), (1,)),
            ops.clip(trends, -1.0, 1.0),
            ops.stack([ops.clip(height, -1.0, 1.0), ops.clip(noisy, 0.0, 1.0), fallen]),
        ]
    )
    new = {
        "loss_means": means,
        "loss_seen": seen,
        "loss_first": ops.where(known, first, state["loss_first"]),
        "loss_lowest": ops.where(known, lowest, state["loss_lowest"]),
        "loss_noise": noise,
    }
    return flag * signals, new

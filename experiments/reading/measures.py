"""What one step of a rule did, and what its state is, as numbers of one graph.

All take tensors; what is summed over a whole model is summed in float64.
"""

import tensorflow as tf

SATURATED = 0.9


def flat(tensors):
    """All entries of a list of tensors, one float64 vector."""
    return tf.concat([tf.reshape(tf.cast(t, tf.float64), [-1]) for t in tensors], axis=0)


def root_mean_square(values):
    """√mean(v²), a scalar."""
    return tf.sqrt(tf.reduce_mean(tf.square(tf.cast(values, tf.float64))))


def cosine(a, b):
    """Of the angle between two vectors; NaN where one of them is zero."""
    lengths = tf.norm(a) * tf.norm(b)
    there = lengths > 0
    nowhere = tf.constant(float("nan"), tf.float64)
    return tf.where(there, tf.reduce_sum(a * b) / tf.where(there, lengths, 1.0), nowhere)


def of_step(update, gradient, mean, last, weights):
    """Sizes and directions of one step.

    Args:
        update: What is added to the weights, as all arguments one vector of all of them.
        gradient: Of this step's loss.
        mean: Exponential mean of gradients, this one's included.
        last: The update before; zeros before there was one.
        weights: Before the step.

    Returns:
        Dict name → scalar: `step`, `relative` to the weights, `gradient` (roots of mean squares),
        and the cosines of the update with −gradient, −mean and the last update.
    """
    step = root_mean_square(update)
    return {
        "step": step,
        "relative": step / root_mean_square(weights),
        "gradient": root_mean_square(gradient),
        "cos_gradient": cosine(update, -gradient),
        "cos_mean": cosine(update, -mean),
        "cos_last": cosine(update, last),
    }


def of_state(rule, state):
    """What the LSTM of a rule holds after a step, if it has one.

    Args:
        rule: `UpdateRule`.
        state: `RuleState`.

    Returns:
        Dict name → scalar. Of each hidden and each cell state its root mean square (`…_rms`), its
        `…_mean`, the share of entries that are `…_saturated`, |h| or |tanh(c)| above 0.9, and how
        unlike coordinates are (`…_spread`: the standard deviation over them, averaged over cells).
        Of averaging cells what each emits (`average_LAYER_CELL`); of a step size that adapts by
        itself the mean of its logarithm (`log_rate`).
    """
    found = {}
    for name, values in _lstm_states(state).items():
        outgoing = values if name.endswith("_hidden") else tf.tanh(values)
        found[f"{name}_rms"] = root_mean_square(values)
        found[f"{name}_mean"] = tf.reduce_mean(values)
        found[f"{name}_saturated"] = tf.reduce_mean(
            tf.cast(tf.abs(outgoing) > SATURATED, tf.float64)
        )
        found[f"{name}_spread"] = tf.reduce_mean(tf.math.reduce_std(values, axis=-1))
    found.update(_averages(rule, state))
    if "log_rate" in state.shared:
        found["log_rate"] = tf.reduce_mean(tf.cast(state.shared["log_rate"], tf.float64))
    return found


def _lstm_states(state):
    """Dict name → `[cells, coordinates]` of all hidden and cell states, of all variables."""

    def kept(of):
        return [name for name in of if name.endswith(("_hidden", "_cell"))]

    names = kept(state.variables[0])
    slots = {name: tf.concat([of[name] for of in state.variables], axis=-1) for name in names}
    found = slots | {name: state.shared[name] for name in kept(state.shared)}
    return {name: tf.cast(values, tf.float64) for name, values in found.items()}


def _averages(rule, state):
    """What averaging cells emit; all coordinates hold the same, or each variable its own."""
    per_layer = getattr(getattr(rule, "controller_part", None), "averaged", [])
    return {
        f"average_{layer}_{cell}": tf.reduce_mean(
            flat([of[f"lstm_{layer}_hidden"][cell] for of in state.variables])
        )
        for layer, cells in enumerate(per_layer)
        for cell in cells
    }


def of_memory(rule, before, after, update, gradient, change, last):
    """What a memory M = σI + what was written does in one step; nothing for a rule without one.

    Args:
        rule: `UpdateRule`.
        before: `RuleState` before the step.
        after: `RuleState` after it.
        update: What is added to the weights, as the arguments below one vector of all of them.
        gradient: Of this step's loss.
        change: The gradient's change since the step before.
        last: The update before, which that change belongs to.

    Returns:
        Dict name → scalar: the read M∇ (`read_gain`, its length over that of σ∇; `read_cosine`
        with ∇; `follows`, the update's cosine with −M∇), what was written in all and in this step
        (`written`, `write`: Frobenius norms over that of σI), whether M after the step maps the
        gradient's change to the step that made it, as a quasi-Newton method's does (`secant`, a
        cosine; `secant_gain`, a ratio of lengths), and of a window the mean `age` of what it holds,
        in steps, weighted by its norms.
    """
    if not hasattr(rule, "memory"):
        return {}
    scale = tf.cast(rule.read_scale(rule.meta_params, gradient.dtype), tf.float64)
    old, new = _stored(before), _stored(after)
    read = rule.memory.read(old, gradient[None], scale)[0]
    predicted = rule.memory.read(new, change[None], scale)[0]
    unit = scale * tf.sqrt(tf.cast(tf.size(gradient), tf.float64))
    written, write, age = _norms(old, new)
    return {
        "read_gain": tf.norm(read) / (scale * tf.norm(gradient)),
        "read_cosine": cosine(read, gradient),
        "follows": cosine(update, -read),
        "written": written / unit,
        "write": write / unit,
        "secant": cosine(predicted, last),
        "secant_gain": tf.norm(predicted) / tf.norm(last),
        **({} if age is None else {"age": age}),
    }


def _stored(state):
    return {
        name: tf.cast(values, tf.float64)
        for name, values in state.shared.items()
        if name.startswith("memory")
    }


def _norms(old, new):
    """Norms of all that is stored and of this step's part of it, and of a window its mean age."""
    if "memory" in new:
        return tf.norm(new["memory"]), tf.norm(new["memory"] - old["memory"]), None
    a, b = (tf.transpose(new[name], [1, 0, 2]) for name in ("memory_a", "memory_b"))
    each = _norm_of_pairs(a, b)
    pairs = [tf.reshape(of, [-1, of.shape[-1]]) for of in (a, b)]
    ages = tf.range(a.shape[0] - 1, -1, -1, dtype=tf.float64)
    return _norm_of_pairs(*pairs), each[-1], tf.reduce_sum(ages * each) / tf.reduce_sum(each)


def _norm_of_pairs(a, b):
    """Frobenius norm of Σ a bᵀ over the last axis but one: `[…, pairs, n]` → `[…]`."""
    products = tf.matmul(a, a, transpose_b=True) * tf.matmul(b, b, transpose_b=True)
    return tf.sqrt(tf.maximum(tf.reduce_sum(products, axis=[-2, -1]), 0.0))

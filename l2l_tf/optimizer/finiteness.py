"""What keeps a step finite: the decision whether it is taken, and the range of weights."""

import tensorflow as tf

# Up to here a copy costs less than an operation of its own, and its compilation.
STACKED_ENTRIES = 2**16


def all_finite(gradients):
    """Whether no gradient holds NaN or Inf, a scalar bool; None counts as finite.

    Args:
        gradients: List of tensors or None, at least one of them given.
    """
    tensors = _stacked([tf.convert_to_tensor(g) for g in gradients if g is not None])
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(t)) for t in tensors])


def _stacked(tensors):
    """The same numbers in fewer tensors: small ones of one shape and dtype are stacked."""
    groups = {}
    for index, tensor in enumerate(tensors):
        size = tensor.shape.num_elements()
        small = size is not None and size <= STACKED_ENTRIES
        alike = (tuple(tensor.shape), tensor.dtype) if small else index
        groups.setdefault(alike, []).append(tensor)
    return [tf.stack(group) if len(group) > 1 else group[0] for group in groups.values()]


def apply_if_finite(gradients, apply, skip):
    """Run `apply` if all gradients are finite, else `skip`; eager or in a graph."""
    finite = all_finite(gradients)
    if not tf.executing_eagerly():
        tf.cond(finite, apply, skip)
    elif finite:
        apply()
    else:
        skip()


def apply_if_finite_everywhere(gradients, variables, apply, skip, after):
    """The same where replicas merge: all of them apply, or none.

    A condition whose branches merge replicas has to stand outside of them, as in Keras's
    own `LossScaleOptimizer`.

    Args:
        gradients: This replica's gradients.
        variables: Their variables, or None.
        apply: Function of gradients and variables, called for each replica.
        skip: Function called once, across replicas.
        after: Function called once at the end, whichever it was.
    """
    context = tf.distribute.get_replica_context()
    finite = tf.cast(all_finite(gradients), tf.float32)
    finite = context.all_reduce(tf.distribute.ReduceOp.SUM, finite)

    def merged(distribution, finite, gradients, variables):
        everywhere = distribution.experimental_local_results(finite)[0]
        everywhere = tf.equal(everywhere, float(distribution.num_replicas_in_sync))
        for_each = distribution.extended.call_for_each_replica
        tf.cond(everywhere, lambda: for_each(apply, args=(gradients, variables)), skip)
        after()

    context.merge_call(merged, args=(finite, gradients, variables))


def replicas_merge():
    """Whether this is one of several replicas, and its strategy merges their calls."""
    replica = tf.distribute.get_replica_context()
    return (
        tf.distribute.has_strategy()
        and replica is not None
        and replica.num_replicas_in_sync > 1
        and not tf.__internal__.distribute.strategy_supports_no_merge_call()
    )


def finite_sum(value, update):
    """`value + update`, kept within the range of a variable in half precision."""
    if value.dtype in (tf.float16, tf.bfloat16):
        largest = float(value.dtype.max)
        total = tf.cast(value, tf.float32) + tf.cast(update, tf.float32)
        return tf.cast(tf.clip_by_value(total, -largest, largest), value.dtype)
    return value + tf.cast(update, value.dtype)

"""TensorFlow: graphs, XLA on its own, replicas."""

import contextlib

import keras
import tensorflow as tf

from l2l_tf.core.tracing import traced_apart
from l2l_tf.optimizer import finiteness
from l2l_tf.optimizer.backends.base import Backend


class TensorFlow(Backend):
    """What an optimizer asks of TensorFlow."""

    def tracing(self):
        return not tf.executing_eagerly()

    def program(self):
        graph = tf.compat.v1.get_default_graph()
        while getattr(graph, "outer_graph", None) is not None:
            if not graph.outer_graph.building_function:
                break
            graph = graph.outer_graph
        return graph

    def outside(self):
        return tf.init_scope()

    def traces_apart(self):
        # Replicas assign outside of what each of them computes.
        return not tf.distribute.has_strategy()

    def traced_apart(self, step, compiled):
        return traced_apart(step, jit_compile=True if compiled else None)

    def native(self, variable):
        return variable.value if isinstance(variable, keras.Variable) else variable

    def tensor(self, value):
        return tf.convert_to_tensor(value)

    def dense(self, gradient):
        # Keras cannot divide slices, nor add them; the rule sees every row anyway.
        sliced = isinstance(gradient, tf.IndexedSlices)
        return tf.convert_to_tensor(gradient) if sliced else gradient

    def beside(self, optimizer, variable):
        native = self.native(variable)
        if not isinstance(native, tf.Variable):  # A stand-in, which is nowhere.
            return contextlib.nullcontext()
        return optimizer._distribution_strategy.extended.colocate_vars_with(native)

    def scope_of(self, model):
        return model.distribute_strategy.scope()

    def assign(self, optimizer, targets, values):
        tf.__internal__.distribute.interim.maybe_merge_call(
            _assign_all,
            optimizer._distribution_strategy,
            [self.native(t) for t in targets],
            values,
        )

    def overwrite(self, optimizer, variable, value):
        _assign_all(optimizer._distribution_strategy, [self.native(variable)], [value])

    def replicated(self):
        return tf.distribute.has_strategy()

    def across_replicas(self):
        return tf.distribute.in_cross_replica_context()

    def reduced(self, optimizer, gradients, variables):
        # An all-reduce has a gradient of its own, and what has one keeps its graph for ever: a
        # model that was dropped would still be there.
        if not self.replicated():
            return gradients
        pairs = zip(gradients, map(self.native, variables), strict=True)
        return [g for g, _ in optimizer._all_reduce_sum_gradients(list(pairs))]

    def either(self, condition, one, other, optimizer):
        if self.tracing():
            tf.cond(condition, one, other)
        else:
            super().either(condition, one, other, optimizer)

    def take_step(self, optimizer, gradients, variables):
        if _replicas_merge():
            _take_step_everywhere(optimizer, gradients, variables)
        else:
            super().take_step(optimizer, gradients, variables)


def _assign_all(distribution, targets, values):
    for target, value in zip(targets, values, strict=True):
        distribution.extended.update(
            target, lambda variable, new: variable.assign(new), args=(value,), group=False
        )


def _replicas_merge():
    """Whether this is one of several replicas, and its strategy merges their calls."""
    replica = tf.distribute.get_replica_context()
    return (
        tf.distribute.has_strategy()
        and replica is not None
        and replica.num_replicas_in_sync > 1
        and not tf.__internal__.distribute.strategy_supports_no_merge_call()
    )


def _take_step_everywhere(optimizer, gradients, variables):
    """`take_step` where replicas merge: all of them apply, or none.

    A condition whose branches merge replicas has to stand outside of them, as in Keras's
    own `LossScaleOptimizer`.
    """
    context = tf.distribute.get_replica_context()
    finite = tf.cast(finiteness.all_finite(gradients), tf.float32)
    finite = context.all_reduce(tf.distribute.ReduceOp.SUM, finite)

    def merged(distribution, finite, gradients, variables):
        everywhere = distribution.experimental_local_results(finite)[0]
        everywhere = tf.equal(everywhere, float(distribution.num_replicas_in_sync))
        for_each = distribution.extended.call_for_each_replica
        apply = optimizer.apply_finite
        tf.cond(
            everywhere,
            lambda: for_each(apply, args=(gradients, variables)),
            optimizer.count_skipped,
        )
        optimizer.forget_loss()

    context.merge_call(merged, args=(finite, gradients, variables))

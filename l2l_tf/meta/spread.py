"""The optimizees of a meta-step spread over replicas: GPUs, or machines."""

import os

import tensorflow as tf

from l2l_tf.core.checks import check_choice
from l2l_tf.tasks import Task

STRATEGIES = ("none", "mirrored", "multi_worker")


def strategy_of(name):
    """The `tf.distribute` strategy of that name, or None for "none".

    A `MultiWorkerMirroredStrategy` waits for all workers of TF_CONFIG, and is made before anything
    else of TensorFlow.

    Raises:
        ValueError: If the name is unknown, TensorFlow cannot make it, or TF_CONFIG has no workers.
    """
    made = {
        "none": lambda: None,
        "mirrored": tf.distribute.MirroredStrategy,
        "multi_worker": _of_workers,
    }
    check_choice("strategy", name, made)
    try:
        return made[name]()
    except (RuntimeError, KeyError, TypeError, tf.errors.OpError) as error:
        raise ValueError(
            f"The strategy cannot be made ({error}). Received: strategy={name!r}"
        ) from error


def _of_workers():
    """TensorFlow takes a process without TF_CONFIG for the only worker there is."""
    if not tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec().jobs:
        raise ValueError(
            "The strategy takes its workers from TF_CONFIG; without them each process would train "
            "for itself. Received: strategy='multi_worker', "
            f"TF_CONFIG={os.environ.get('TF_CONFIG')!r}"
        )
    return tf.distribute.MultiWorkerMirroredStrategy()


class Spread:
    """Every replica trains an equal share of the optimizees; `tf.distribute` adds up.

    Each process holds the meta-parameters and the meta-optimizer's state for itself: they stay
    equal, since all take the same all-reduced meta-gradients. Seeds are those of the optimizees'
    places among all, so that what is drawn does not depend on the number of replicas.

    Args:
        strategy: `tf.distribute.Strategy`, or None for this process alone.

    Attributes:
        replicas: How many there are.
        writes: Whether this process writes files: the first of all workers.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None):
        self.strategy = strategy
        self.replicas = 1 if strategy is None else strategy.num_replicas_in_sync
        self.writes = strategy is None or strategy.extended.should_checkpoint
        self._collected = {}

    def check(self, estimator, tasks: list[Task]) -> None:
        """Raise a `ValueError` unless the estimator's optimizees can be spread.

        Args:
            estimator: `Estimator`.
            tasks: List of tasks.
        """
        if self.strategy is None:
            return
        if not estimator.divisible:
            raise ValueError(
                "This estimator measures all optimizees together and cannot be spread over "
                f"replicas. Received: {estimator!r}"
            )
        if estimator.num_tasks % self.replicas:
            raise ValueError(
                f"Each of {self.replicas} replicas trains as many optimizees: `num_tasks` is a "
                f"multiple of {self.replicas}. Received: num_tasks={estimator.num_tasks}"
            )
        outside = [task for task in tasks if not task.in_graph]
        if outside:
            raise ValueError(
                "Tasks whose batches come from Python cannot be spread over replicas. "
                f"Received: {outside[0]!r}"
            )

    def run(self, function, estimator, *arguments):
        """`function(estimator, *arguments)` on every replica, with its share of the optimizees.

        Args:
            function: Function of an `Estimator` and of what follows.
            estimator: `Estimator` of all optimizees.
            *arguments: Pytrees of tensors, or what an earlier `run` returned.
        """
        if self.strategy is None:
            return function(estimator, *arguments)

        def on_replica(*arguments):
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            return function(estimator.share(index, self.replicas), *arguments)

        return self.strategy.run(on_replica, args=arguments)

    def mean(self, tensors):
        """Inside of `run`: the mean over replicas of a pytree of floats."""
        return self._reduced(tf.distribute.ReduceOp.MEAN, tensors)

    def everywhere(self, condition):
        """Inside of `run`: whether a scalar bool holds on every replica."""
        count = self._sum(tf.cast(condition, tf.float32))
        return tf.equal(count, float(self.replicas))

    def _reduced(self, operation, tensors):
        if self.strategy is None:
            return tensors
        # A tensor that came in as an argument stands on no device yet, and is refused.
        flat = [tf.identity(tensor) for tensor in tf.nest.flatten(tensors)]
        reduced = tf.distribute.get_replica_context().all_reduce(operation, flat)
        return tf.nest.pack_sequence_as(tensors, reduced)

    def one(self, values):
        """Outside of `run`: what is alike on all replicas, as plain tensors."""
        if self.strategy is None:
            return values
        local = self.strategy.experimental_local_results
        return tf.nest.map_structure(lambda value: local(value)[0], values)

    def agreed(self, values: list[float]) -> list[float]:
        """Numbers that every process computed, as their mean, which is the same for all."""
        return self._collect("mean", self.mean, values)

    def check_alike(self, name: str, number: float) -> None:
        """Raise a `ValueError` unless a number is the same in all processes.

        Args:
            name: What it is.
            number: What it is here.
        """
        (mean,) = self.agreed([float(number)])
        if self.anywhere(mean != float(number)):
            raise ValueError(
                "All workers need one directory that they share, with the same checkpoints in it. "
                f"Received: {name}={number} here, {mean} in the mean"
            )

    def anywhere(self, condition: bool) -> bool:
        """Whether something that every process looked at holds in one of them."""
        return any(self._collect("sum", self._sum, [float(condition)]))

    def _sum(self, tensors):
        return self._reduced(tf.distribute.ReduceOp.SUM, tensors)

    def _collect(self, name, reduce, values):
        if self.strategy is None:
            return list(values)
        if name not in self._collected:
            run = self.strategy.run
            self._collected[name] = tf.function(
                lambda values: run(reduce, args=(values,)), autograph=False, reduce_retracing=True
            )
        values = tf.constant(list(values), tf.float64)
        return [float(v) for v in self.one(self._collected[name](values)).numpy()]

    def gathered(self, carried):
        """The state of all replicas as one pytree, with a leading axis `[replicas]` if spread."""
        if self.strategy is None:
            return carried

        def on_replica(values):
            gather = tf.distribute.get_replica_context().all_gather
            return tf.nest.map_structure(lambda value: gather(value[None], axis=0), values)

        run = tf.function(lambda: self.strategy.run(on_replica, args=(carried,)), autograph=False)
        return self.one(run())

    def scattered(self, carried):
        """The reverse of `gathered`: each replica's own state."""
        if self.strategy is None:
            return carried

        def part(value):
            return self.strategy.experimental_distribute_values_from_function(
                lambda context: value[context.replica_id_in_sync_group]
            )

        return tf.nest.map_structure(part, carried)

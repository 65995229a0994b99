"""The contract of estimators of the meta-gradient."""

import inspect
from typing import Any, NamedTuple

import tensorflow as tf

from l2l_tf.arguments import check_integer
from l2l_tf.meta.objective import LOSS_WEIGHTS
from l2l_tf.meta.unroll import measured_batches
from l2l_tf.tasks import fold_in

META_BATCHES = ("same", "fresh", "held_out")


class Estimate(NamedTuple):
    """What an estimator returns.

    Attributes:
        meta_gradient: Dict name → tensor, as the meta-parameters.
        carried: State to hand to the next call (a pytree of tensors).
        summaries: Dict name → scalar tensor; `meta_loss` among them.
    """

    meta_gradient: Any
    carried: Any
    summaries: Any


class Estimator:
    """Base class: a function from meta-parameters and carried state to a meta-gradient.

    Args:
        unroll: Steps per meta-update (paper: 20).
        tasks: Optimizees trained side by side.
        loss_weights: w_t: "all", "final" or "linear" (`meta.objective`).
        meta_batch: Where the meta-loss is measured: on the batch trained on next ("same",
            the paper's), on a fresh batch of the training rows ("fresh"), or on one of the
            validation rows ("held_out").
        log_loss: Whether the meta-loss is of log f(θ_t) instead of f(θ_t), which weighs
            relative progress alike at every size of the loss.
        log_floor: Added to f before the logarithm: below it, progress counts less and less.
        told: Share of the trajectories whose length the rule is told.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        unroll=20,
        tasks=4,
        loss_weights="all",
        meta_batch="same",
        log_loss=False,
        log_floor=1e-10,
        told=1.0,
    ):
        check_integer("unroll", unroll, least=1)
        check_integer("tasks", tasks, least=1)
        if loss_weights not in LOSS_WEIGHTS:
            raise ValueError(
                f"`loss_weights` is one of {LOSS_WEIGHTS}. Received: loss_weights={loss_weights!r}"
            )
        if meta_batch not in META_BATCHES:
            raise ValueError(
                f"`meta_batch` is one of {META_BATCHES}. Received: meta_batch={meta_batch!r}"
            )
        self.unroll = unroll
        self.tasks = tasks
        self.loss_weights = loss_weights
        self.meta_batch = meta_batch
        if not 0.0 <= told <= 1.0:
            raise ValueError(f"`told` is a share between 0 and 1. Received: told={told!r}")
        self.log_loss = log_loss
        self.log_floor = log_floor
        self.told = told

    def begin(self, rule, task, seed):
        """Carried state of a fresh trajectory.

        Args:
            rule: `UpdateRule`.
            task: `Task`.
            seed: int32 `[2]`.
        """
        raise NotImplementedError(f"{type(self).__name__}.begin")

    def batches(self, task, carried, start):
        """All that one call draws at random: batches, and perturbations where there are any.

        Apart from `estimate`, because XLA takes minutes to compile random numbers.
        """
        raise NotImplementedError(f"{type(self).__name__}.batches")

    def estimate(self, rule, task, carried, batches, start, trajectory):
        """The meta-gradient of one unroll.

        Args:
            rule: `UpdateRule` bound to the meta-parameters.
            task: `Task`.
            carried: What `begin` or the last call returned.
            batches: What `batches` returned.
            start: Steps taken before, scalar int.
            trajectory: Length of the trajectory, scalar int.

        Returns:
            An `Estimate`.
        """
        raise NotImplementedError(f"{type(self).__name__}.estimate")

    def draw(self, task, seed, start):
        """The batches of one unroll: `(batches trained on, batches measured on or None)`."""
        return measured_batches(task, seed, self.tasks, start, self.unroll, self.meta_batch)

    @staticmethod
    def backpropagated(tape, meta_loss, values, losses, carried):
        """The `Estimate` of an estimator that differentiates its meta-loss.

        Args:
            tape: The `tf.GradientTape` that watched `values`.
            meta_loss: Scalar.
            values: Dict name → tensor, the meta-parameters.
            losses: `[unroll, tasks]`.
            carried: State to hand to the next call.
        """
        gradient = tape.gradient(
            meta_loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        summaries = {
            "meta_loss": meta_loss,
            "first_loss": tf.reduce_mean(losses[0]),
            "last_loss": tf.reduce_mean(losses[-1]),
            "meta_gradient_norm": tf.linalg.global_norm(list(gradient.values())),
        }
        return Estimate(gradient, carried, summaries)

    def horizon(self, seed, trajectory):
        """`total_steps` as a trajectory's rule is told it: its length, or NaN."""
        length = tf.cast(trajectory, tf.float32)
        if self.told == 1.0:
            return length
        chance = tf.random.stateless_uniform([], fold_in(seed, 32452843))
        return tf.where(chance < self.told, length, float("nan"))

    def measured(self, losses):
        """What of a loss enters the meta-loss: f, or log(f + log_floor)."""
        return tf.math.log(losses + self.log_floor) if self.log_loss else losses

    def get_config(self):
        """Constructor arguments."""
        own = inspect.signature(type(self).__init__).parameters
        names = {**inspect.signature(Estimator.__init__).parameters, **own}
        return {name: getattr(self, name) for name in names if name not in ("self", "kwargs")}

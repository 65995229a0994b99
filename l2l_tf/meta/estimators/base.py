"""The contract of estimators of the meta-gradient."""

import math
from typing import Any, NamedTuple, Self

import tensorflow as tf

from l2l_tf.core import renamed
from l2l_tf.core.config import Configured, boolean, choice, integer, number
from l2l_tf.core.registry import Registry
from l2l_tf.meta.batches import measured_batches
from l2l_tf.meta.objective import LOSS_WEIGHTS
from l2l_tf.rules import UpdateRule
from l2l_tf.tasks import Task, fold_in

META_LOSS_SPLITS = ("same", "fresh", "held_out")
# Between these factors lie the lengths of runs that are told wrongly: a run that goes on after its
# end, and one that is stopped early.
WRONG_HORIZONS = (1 / 3, 30.0)
ESTIMATORS = Registry("estimator")


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


class Estimator(Configured, kw_only=True):
    """Base class: a function from meta-parameters and carried state to a meta-gradient.

    Arguments are the fields, and `help` says what each of them means.

    Attributes:
        divisible: Whether the estimate for all optimizees is the mean of the estimates for
            equal parts of them.
        first: Number of the first optimizee, where this is one replica's share of them.
        in_all: Number of optimizees in all shares.

    Raises:
        ValueError: If an argument is out of range.
    """

    earlier_arguments = renamed.FIELDS
    divisible = True
    first = 0

    unroll: int = integer(20, min=1, help="Optimizee steps per meta-update (paper: 20).")
    num_tasks: int = integer(4, min=1, help="Optimizees trained side by side in a meta-step.")
    loss_weights: str = choice(
        "all", LOSS_WEIGHTS, help="Weights w_t of the losses of an unroll (`meta.objective`)."
    )
    meta_loss_split: str = choice(
        "same",
        META_LOSS_SPLITS,
        help="Where the meta-loss is measured: on the batch that is trained on next (the paper's), "
        "on a fresh one of the training rows, or on one of the validation rows.",
    )
    log_loss: bool = boolean(
        False,
        help="Meta-loss of log f(θ_t) instead of f(θ_t), which weighs relative progress alike at "
        "every size of the loss.",
    )
    log_floor: float = number(
        1e-10,
        min=0,
        help="Added to f before its logarithm: below it, progress counts less.",
        when={"log_loss": bool},
    )
    known_horizon: float = number(
        1.0,
        min=0,
        max=1,
        help="Share of the trajectories whose length (`total_steps`) the rule knows.",
    )
    wrong_horizon: float = number(
        0.0,
        min=0,
        max=1,
        help="Share of the known lengths that are wrong, as users' epochs are: by a factor between "
        "1/3 and 30, log-uniform.",
    )

    @property
    def in_all(self) -> int:
        return vars(self).get("_in_all", self.num_tasks)

    def share(self, index: Any, replicas: int) -> Self:
        """The estimator of one replica's share of the optimizees.

        Args:
            index: Number of the replica, scalar int.
            replicas: How many there are, a divisor of `num_tasks`.
        """
        num_tasks = self.num_tasks // replicas
        first = index * num_tasks
        return self.copied(num_tasks=num_tasks, first=first, _in_all=self.num_tasks)

    def begin(self, rule: UpdateRule, task: Task, seed: tf.Tensor) -> Any:
        """Carried state of a fresh trajectory.

        Args:
            rule: `UpdateRule`.
            task: `Task`.
            seed: int32 `[2]`.
        """
        raise NotImplementedError(f"{type(self).__name__}.begin")

    def batches(self, task: Task, carried: Any, start: Any) -> Any:
        """All that one call draws at random: batches, and perturbations where there are any.

        Kept apart from `estimate`, because XLA takes minutes to compile random numbers. By
        default what `draw` gives for the carried seed.
        """
        return self.draw(task, carried.seed, start)

    def estimate(
        self, rule: UpdateRule, task: Task, carried: Any, batches: Any, start: Any, trajectory: Any
    ) -> Estimate:
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

    def advance(
        self, rule: UpdateRule, task: Task, carried: Any, batches: Any, start: Any, trajectory: Any
    ) -> Estimate:
        """One unroll without a meta-gradient: the optimizees train, and nothing is learned.

        Takes the arguments of `estimate`. Here the meta-gradient is computed and dropped; an
        estimator that can do without computing it overrides this.
        """
        estimate = self.estimate(rule, task, carried, batches, start, trajectory)
        return estimate._replace(meta_gradient={})

    def draw(self, task: Task, seed: tf.Tensor, start: Any) -> tuple[Any, Any]:
        """The batches of one unroll: `(batches trained on, batches measured on or None)`."""
        num_tasks, steps = self.num_tasks, self.unroll
        return measured_batches(
            task, seed, num_tasks, start, steps, self.meta_loss_split, self.first
        )

    @staticmethod
    def backpropagated(
        tape: tf.GradientTape,
        meta_loss: tf.Tensor,
        values: dict[str, tf.Tensor],
        losses: tf.Tensor,
        carried: Any,
    ) -> Estimate:
        """The `Estimate` of an estimator that differentiates its meta-loss.

        Args:
            tape: The `tf.GradientTape` that watched `values`.
            meta_loss: Scalar.
            values: Dict name → tensor, the meta-parameters.
            losses: `[unroll, num_tasks]`.
            carried: State to hand to the next call.
        """
        gradient = tape.gradient(
            meta_loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        summaries = summaries_of(meta_loss, losses, gradient)
        return Estimate(gradient, carried, summaries)

    def horizon(self, seed: tf.Tensor, trajectory: Any) -> tf.Tensor:
        """`total_steps` of a trajectory for its rule: a length, or NaN where it is unknown."""
        length = tf.cast(trajectory, tf.float32)
        if self.wrong_horizon:
            chance = tf.random.stateless_uniform([], fold_in(seed, 86028121))
            low, high = (math.log(factor) for factor in WRONG_HORIZONS)
            drawn = tf.random.stateless_uniform([], fold_in(seed, 67867967), low, high)
            length = length * tf.where(chance < self.wrong_horizon, tf.exp(drawn), 1.0)
        if self.known_horizon == 1.0:
            return length
        chance = tf.random.stateless_uniform([], fold_in(seed, 32452843))
        return tf.where(chance < self.known_horizon, length, float("nan"))

    def measured(self, losses: tf.Tensor) -> tf.Tensor:
        """What of a loss enters the meta-loss: f, or log(f + log_floor)."""
        return tf.math.log(losses + self.log_floor) if self.log_loss else losses


def summaries_of(
    meta_loss: tf.Tensor, losses: tf.Tensor, gradient: dict[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """What every estimator tells of an unroll.

    Args:
        meta_loss: Scalar.
        losses: `[unroll, num_tasks]`.
        gradient: Dict name → tensor: the meta-gradient.
    """
    return {
        "meta_loss": meta_loss,
        "first_loss": tf.reduce_mean(losses[0]),
        "last_loss": tf.reduce_mean(losses[-1]),
        "meta_gradient_norm": tf.linalg.global_norm(list(gradient.values()) or [tf.zeros([])]),
    }

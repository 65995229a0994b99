"""Evolution strategies: meta-gradients without backpropagation."""

from typing import Any, NamedTuple

import tensorflow as tf

from l2l_tf.core.config import number
from l2l_tf.meta import objective
from l2l_tf.meta.estimators.base import ESTIMATORS, Estimate, Estimator
from l2l_tf.meta.unroll import begin, unroll
from l2l_tf.rules import UpdateRule
from l2l_tf.tasks import Task, fold_in

# What a step of an optimizee counts at most, and what one that is not finite counts.
LOSS_BOUND = 10.0


class Particles(NamedTuple):
    """Carried state: antithetic pairs of trajectories.

    Attributes:
        trajectory: `Trajectory` of 2·num_tasks optimizees; the second half starts like the first
            and sees the same batches.
        perturbations: Dict name → `[num_tasks, …]`, the sum of the perturbations so far.
    """

    trajectory: Any
    perturbations: Any


@ESTIMATORS.register("es")
class EvolutionStrategies(Estimator):
    """Antithetic evolution strategies on truncations, one perturbation per task.

    With ε ~ N(0, σ²): `∇ ≈ mean over tasks of ε · (L(φ + ε) − L(φ − ε)) / (2σ²)`, L the meta-loss
    of one unroll: unbiased for the smoothed meta-loss of that unroll. Salimans et al. (2017).
    """

    persistent = False

    sigma: float = number(0.01, above=0, help="Perturbations' size σ (es, pes).")

    def begin(self, rule: UpdateRule, task: Task, seed: tf.Tensor) -> Any:
        half = begin(rule, task, seed, self.num_tasks, packed=False, first=self.first)
        both = tf.nest.map_structure(
            lambda t: tf.concat([t, t], axis=0), half._replace(seed=tf.zeros([0]))
        )
        sums = {
            name: tf.zeros([self.num_tasks, *value.shape], value.dtype)
            for name, value in rule.meta_params.items()
        }
        return Particles(both._replace(seed=half.seed), sums)

    def batches(self, task: Task, carried: Any, start: Any) -> Any:
        train, meta = self.draw(task, carried.trajectory.seed, start)
        return train, meta, self._noise(carried, start)

    def _noise(self, carried, start):
        """One perturbation for each task: dict name → `[num_tasks, …]`, of one draw."""
        shapes = {name: t.shape for name, t in carried.perturbations.items()}
        dtype = next(iter(carried.perturbations.values())).dtype
        sizes = [shape[1:].num_elements() for shape in shapes.values()]
        seed = fold_in(fold_in(carried.trajectory.seed, 15485863), start)
        # Of all optimizees, so that those of a share are the same as without shares.
        flat = tf.random.stateless_normal([self.in_all, sum(sizes)], seed, dtype=dtype)
        flat = flat[self.first : self.first + self.num_tasks]
        flat = tf.ensure_shape(flat, [self.num_tasks, sum(sizes)])
        parts = tf.split(self.sigma * flat, sizes, axis=1)
        return {
            name: tf.reshape(part, shape)
            for (name, shape), part in zip(shapes.items(), parts, strict=True)
        }

    def estimate(
        self, rule: UpdateRule, task: Task, carried: Any, batches: Any, start: Any, trajectory: Any
    ) -> Estimate:
        names = list(rule.meta_params)
        values = {name: tf.convert_to_tensor(rule.meta_params[name]) for name in names}
        train_batches, meta_batches, noise = batches
        perturbed = {
            name: tf.concat([values[name] + noise[name], values[name] - noise[name]], axis=0)
            for name in names
        }
        train_batches = _twice(train_batches)
        meta_batches = None if meta_batches is None else _twice(meta_batches)
        losses, after = unroll(
            rule,
            task,
            carried.trajectory,
            train_batches,
            meta_batches,
            start,
            self.horizon(carried.trajectory.seed, trajectory),
            self.unroll,
            meta_params=perturbed,
        )
        weights = objective.loss_weights(self.loss_weights, self.unroll, start, trajectory)
        particle_losses = tf.reduce_mean(
            tf.cast(weights, losses.dtype)[:, None] * self._bounded(self.measured(losses)), axis=0
        )
        plus, minus = tf.split(particle_losses, 2)
        sums = {
            name: carried.perturbations[name] + noise[name] if self.persistent else noise[name]
            for name in names
        }
        scale = (plus - minus) / (2.0 * self.sigma**2 * self.num_tasks)
        gradient = {name: tf.tensordot(scale, sums[name], axes=1) for name in names}
        diverged = tf.reduce_any(tf.logical_not(tf.math.is_finite(losses)), axis=0)
        summaries = {
            "meta_loss": tf.reduce_mean(particle_losses),
            "first_loss": tf.reduce_mean(losses[0]),
            "last_loss": tf.reduce_mean(losses[-1]),
            "meta_gradient_norm": tf.linalg.global_norm(list(gradient.values())),
            "diverged": tf.reduce_mean(tf.cast(diverged, tf.float32)),
        }
        # A diverged optimizee has cost its full bound; what is left of it stays finite.
        after = tf.nest.map_structure(_finite, after)
        return Estimate(gradient, Particles(after, sums), summaries)

    def _bounded(self, measured):
        bound = tf.constant(LOSS_BOUND, measured.dtype)
        lost = tf.logical_not(tf.math.is_finite(measured))
        return tf.where(lost, bound, tf.minimum(measured, bound))


@ESTIMATORS.register("pes")
class PersistentEvolutionStrategies(EvolutionStrategies):
    """PES of Vicol, Metz & Sohl-Dickstein (2021), arXiv 2112.13835.

    Evolution strategies whose estimate multiplies the *sum* of all perturbations along a
    trajectory, so that it is unbiased for the whole trajectory's meta-loss, truncated or not.
    """

    persistent = True


def _twice(drawn):
    """Batches `[steps, num_tasks, …]` for both halves of the pairs."""
    return tf.nest.map_structure(lambda t: tf.concat([t, t], axis=1), drawn)


def _finite(tensor):
    if not tensor.dtype.is_floating:
        return tensor
    return tf.where(tf.math.is_finite(tensor), tensor, tf.zeros_like(tensor))

"""REINFORCE: a rule as a stochastic policy, rewarded for what its updates bring."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from l2l_tf.core.config import integer, number
from l2l_tf.meta.estimators.base import ESTIMATORS, Estimate, Estimator
from l2l_tf.meta.estimators.tally import unroll_tallied
from l2l_tf.meta.unroll import begin
from l2l_tf.rules import Context, UpdateRule
from l2l_tf.rules.state import RuleState, Tensors, merged, part_of
from l2l_tf.rules.wrapper import Wrapper
from l2l_tf.tasks import Task, fold_in

# What a step is rewarded or punished by at most, and by what one that is not finite is punished.
REWARD_BOUND = 10.0
# A policy that does not move explores all the same.
LEAST_NOISE = 1e-6


class Rollouts(NamedTuple):
    """Carried state.

    Attributes:
        trajectory: `Trajectory` of `rollouts · num_tasks` optimizees: the first `num_tasks`, and
            copies of them that see the same batches.
        first: Losses at the beginning of the trajectory, `[rollouts · num_tasks]`.
    """

    trajectory: Any
    first: Any


@ESTIMATORS.register("reinforce")
class Reinforce(Estimator):
    """The policy gradient of Williams (1992), which never differentiates the loss itself.

    To each update u the policy adds noise from N(0, σ²), σ = `exploration` times the root mean
    square of a variable's update. The reward of step t is the log-improvement
    `log f(θ_t) − log f(θ_{t+1})`, less `time_cost` for every step until the loss has come down to
    `goal` of what it was at the beginning. The return is the discounted sum of the rewards of an
    unroll; its baseline is what the same optimizee's other rollouts return at that step. The
    gradient of the updates' log-probability goes through the rule's state, as in truncated BPTT.

    How losses are weighted, and whether their logarithm counts, has no effect.
    """

    divisible = False

    rollouts: int = integer(
        4,
        min=2,
        help="Runs of each optimizee; their returns are each other's baseline (reinforce).",
    )
    exploration: float = number(
        0.3,
        above=0,
        help="Noise on a variable's update, over the update's root mean square (reinforce).",
    )
    discount: float = number(
        0.9, above=0, max=1, help="What a reward counts one step later (reinforce)."
    )
    time_cost: float = number(
        0.0, min=0, help="What a step costs until the loss is at its goal (reinforce)."
    )
    goal: float = number(
        0.01, above=0, help="The goal, over the loss at the trajectory's beginning (reinforce)."
    )

    def begin(self, rule: UpdateRule, task: Task, seed: tf.Tensor) -> Any:
        policy = _Policy(rule, steps=self.unroll)
        one = begin(policy, task, seed, self.num_tasks, first=self.first)
        all_of = tf.nest.map_structure(self._copies, one._replace(seed=tf.zeros([0])))
        number = self.rollouts * self.num_tasks
        shared = {**all_of.rule_state.shared, "number": tf.range(float(number))}
        rule_state = all_of.rule_state._replace(shared=shared)
        trajectory = all_of._replace(rule_state=rule_state, seed=one.seed)
        return Rollouts(trajectory, tf.zeros([number], one.params[0].dtype))

    def _copies(self, tensor, axis=0):
        if tensor is None:  # Losses are measured on what is trained on next.
            return None
        return tf.concat([tensor] * self.rollouts, axis=axis)

    def batches(self, task: Task, carried: Any, start: Any) -> Any:
        seed = carried.trajectory.seed
        drawn = self.draw(task, seed, start)
        train, meta = (tf.nest.map_structure(lambda t: self._copies(t, 1), d) for d in drawn)
        noise = [
            tf.random.stateless_normal(
                [self.unroll, *p.shape], fold_in(fold_in(seed, 179424673 + i), start), dtype=p.dtype
            )
            for i, p in enumerate(carried.trajectory.params)
        ]
        return train, meta, noise

    def estimate(
        self, rule: UpdateRule, task: Task, carried: Any, batches: Any, start: Any, trajectory: Any
    ) -> Estimate:
        values = {name: tf.convert_to_tensor(v) for name, v in rule.meta_params.items()}
        train, meta, noise = batches
        before = carried.trajectory
        batch = tf.nest.map_structure(lambda t: t[0], train if meta is None else meta)
        now, _ = task.tasks_loss(before.params, before.model_state, batch)
        with tf.GradientTape() as tape:
            tape.watch(values)
            policy = _Policy(rule.bind(values), steps=self.unroll)
            policy = policy.copied(noise=noise, start=start, exploration=self.exploration)
            losses, after, log_probabilities = unroll_tallied(
                self, policy, task, before, (train, meta), start, trajectory, "log_probability"
            )
            at_first = tf.where(tf.equal(start, 0), now, carried.first)
            rewards = self.rewards(tf.concat([now[None], losses], axis=0), at_first)
            advantages = tf.stop_gradient(self.advantages(rewards))
            surrogate = -tf.reduce_mean(advantages * tf.transpose(log_probabilities))
        after = tf.nest.map_structure(_finite, after)
        carried = Rollouts(after, tf.stop_gradient(at_first))
        estimate = self.backpropagated(tape, surrogate, values, losses, carried)
        summaries = {**estimate.summaries, "meta_loss": -tf.reduce_mean(rewards)}
        return estimate._replace(summaries=summaries)

    def rewards(self, losses: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
        """Rewards `[steps, …]` of losses `[steps + 1, …]`, `first` those of the beginning."""
        logs = tf.math.log(losses + self.log_floor)
        gained = logs[:-1] - logs[1:]
        bound = tf.constant(REWARD_BOUND, gained.dtype)
        gained = tf.where(tf.math.is_finite(gained), gained, -bound)
        late = tf.logical_not(losses[1:] <= self.goal * first)
        return tf.clip_by_value(gained, -bound, bound) - self.time_cost * tf.cast(
            late, gained.dtype
        )

    def advantages(self, rewards: tf.Tensor) -> tf.Tensor:
        """Returns `[steps, rollouts · num_tasks]` less those of the optimizee's other rollouts."""
        later = np.arange(self.unroll)[None, :] - np.arange(self.unroll)[:, None]
        discounts = np.where(later >= 0, self.discount ** np.maximum(later, 0), 0.0)
        returns = tf.linalg.matmul(tf.constant(discounts, rewards.dtype), rewards)
        each = tf.reshape(returns, [self.unroll, self.rollouts, self.num_tasks])
        others = tf.reduce_sum(each, axis=1, keepdims=True) - each
        return tf.reshape(each - others / (self.rollouts - 1), returns.shape)


class _Policy(Wrapper):
    """A rule with noise on its updates; the log-probability of each step is in the shared state.

    Attributes:
        noise: List of `[unroll, rollouts · num_tasks, …]`, of each variable.
        start: Number of the unroll's first step.
        exploration: σ over the root mean square of an update.
    """

    coordinatewise = False
    noise, start, exploration = (), 0, 1.0

    steps: int = integer(1, min=1)

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        state = super().init(variables, state_dtype)
        # A float, as derivatives are mapped over what states hold.
        own = {"number": tf.zeros([]), "log_probability": tf.zeros([self.steps])}
        return state._replace(shared={**merged(rule=state.shared), **own})

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        inner = state._replace(shared=part_of(state.shared, "rule"))
        means, inner = self.inner.update(gradients, inner, variables, context)
        step = tf.cast(context.iteration, tf.int32) - tf.cast(self.start, tf.int32)
        rollout = tf.cast(state.shared["number"], tf.int32)
        actions, log_probability = [], 0.0
        for mean, noise in zip(means, self.noise, strict=True):
            # A slice at a step that depends on `start` XLA would compile anew for every one.
            drawn = tf.gather(tf.gather(noise, step), rollout)
            size = tf.sqrt(tf.reduce_mean(tf.square(mean)))
            scale = tf.stop_gradient(self.exploration * size + LEAST_NOISE)
            action = tf.stop_gradient(mean + scale * drawn)
            actions.append(action)
            log_probability -= 0.5 * tf.reduce_sum(tf.square((action - mean) / scale))
        at_step = tf.one_hot(step, self.steps) * tf.cast(log_probability, tf.float32)
        known = state.shared["log_probability"] + at_step
        shared = {**state.shared, **merged(rule=inner.shared), "log_probability": known}
        return actions, inner._replace(shared=shared)


def _finite(tensor):
    if not tensor.dtype.is_floating:
        return tensor
    return tf.stop_gradient(tf.where(tf.math.is_finite(tensor), tensor, tf.zeros_like(tensor)))

"""Lookahead: a meta-loss of gradients alone, without any loss or label."""

import functools
from typing import Any

import tensorflow as tf

from l2l_tf.core.config import number
from l2l_tf.meta.estimators.base import ESTIMATORS, Estimate, Estimator
from l2l_tf.meta.estimators.tally import estimate_by_tally
from l2l_tf.meta.unroll import begin
from l2l_tf.rules import Context, UpdateRule
from l2l_tf.rules.state import RuleState, Tensors, merged_states, state_of
from l2l_tf.rules.wrapper import Wrapper
from l2l_tf.tasks import Task

TINY = 1e-30


@ESTIMATORS.register("lookahead")
class Lookahead(Estimator):
    """Each update is corrected by the gradient at the point where it arrives.

    After an update u from θ the next step computes the gradient ∇' at θ + u anyway. The target
    of u is `u − s ∇'`, with the step size s that the secant of both gradients gives along u,
    `|u|² / |u·(∇' − ∇)|` (Barzilai & Borwein 1988), cut so that `|s ∇'|` is at most `trust`
    times |u|. The meta-loss is the mean of `|u − target|² / |u|²`: on a quadratic of one curvature
    it is 0 where each update ends in the minimum, as after a line search.

    Losses are not looked at, so how they are weighted has no effect. The last update of an unroll
    has no target.
    """

    trust: float = number(
        1.0,
        above=0,
        help="What a target is at most away from an update, over the update's length (lookahead).",
    )

    def begin(self, rule: UpdateRule, task: Task, seed: tf.Tensor) -> Any:
        return begin(_Hindsight(rule), task, seed, self.num_tasks, first=self.first)

    def estimate(
        self, rule: UpdateRule, task: Task, carried: Any, batches: Any, start: Any, trajectory: Any
    ) -> Estimate:
        around = functools.partial(_Hindsight, trust=self.trust)
        unrolled = task, carried, batches, start, trajectory
        return estimate_by_tally(self, around, rule, *unrolled, tally="apart")


class _Hindsight(Wrapper):
    """A rule that remembers its last update; how far that was from its target adds up."""

    coordinatewise = False

    trust: float = number(1.0, above=0)

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        inner = super().init(variables, state_dtype)
        nothing = [tf.zeros(v.shape, v.dtype) for v in variables]
        return _remembering(inner, nothing, nothing, tf.zeros([]))

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        last = [s["update"] for s in state.variables]
        apart = self.apart(last, [s["gradient"] for s in state.variables], gradients)
        inner = state_of(state, "rule")
        updates, inner = self.inner.update(gradients, inner, variables, context)
        known = state.shared["apart"] + tf.cast(apart, tf.float32)
        return updates, _remembering(inner, updates, gradients, known)

    def apart(self, last, before, now):
        """How far updates are from their targets, over their length; 0 where there were none.

        Args:
            last: List of the updates.
            before: List of the gradients that they were made of.
            now: List of the gradients where they ended.
        """
        fixed = [tf.stop_gradient(u) for u in last]
        length = _product(fixed, fixed)
        bent = tf.abs(_product(fixed, [n - b for n, b in zip(now, before, strict=True)]))
        rate = length / (bent + TINY)
        furthest = self.trust * tf.sqrt(length / (_product(now, now) + TINY))
        rate = tf.stop_gradient(tf.minimum(rate, furthest))
        targets = [tf.stop_gradient(u - rate * n) for u, n in zip(fixed, now, strict=True)]
        missed = [u - t for u, t in zip(last, targets, strict=True)]
        return _product(missed, missed) / (length + TINY)


def _product(a, b):
    return tf.add_n([tf.reduce_sum(x * y) for x, y in zip(a, b, strict=True)])


def _remembering(inner, updates, gradients, apart):
    state = merged_states(rule=inner)
    each = zip(state.variables, updates, gradients, strict=True)
    variables = [{**slots, "update": u, "gradient": g} for slots, u, g in each]
    return RuleState(variables, {**state.shared, "apart": apart})

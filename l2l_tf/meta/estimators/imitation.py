"""Imitation: a rule learns the updates of another one, before it learns to do better."""

import functools
from collections.abc import Mapping
from typing import Any, Self

import tensorflow as tf

from l2l_tf import presets
from l2l_tf.core.config import setting
from l2l_tf.meta.estimators.base import ESTIMATORS, Estimate, Estimator
from l2l_tf.meta.estimators.tally import estimate_by_tally
from l2l_tf.meta.unroll import begin
from l2l_tf.rules import Context, UpdateRule
from l2l_tf.rules.state import RuleState, Tensor, Tensors, merged_states, state_of
from l2l_tf.rules.wrapper import Composite
from l2l_tf.tasks import Task, fold_in

# A teacher's update of squared length 0 is imitated exactly by none.
TINY = 1e-30


@ESTIMATORS.register("imitation")
class Imitation(Estimator):
    """Gradients of the distance between a rule's updates and a teacher's.

    The meta-loss is the mean over steps of `|u − u*|² / |u*|²`, u and u* the student's and the
    teacher's updates for the same gradients. Half of the trajectories follow the teacher,
    the others the student (Ross et al. 2011, "A reduction of imitation learning … to no-regret
    online learning"; as a start of learned optimizers: Chen et al. 2020, "Training stronger
    baselines for learning to optimize"). Within an unroll the gradient goes through the
    student's state, as in truncated BPTT.

    With a learned teacher this is distillation (Hinton et al. 2015). Where losses are measured and
    how they are weighted has no effect.

    Raises:
        ValueError, FileNotFoundError: If `teacher` is neither a rule nor a preset.
    """

    divisible = False

    teacher: str = setting(
        "adam(learning_rate=0.01)",
        help="Rule or preset whose updates are learned (imitation), such as lstm-digits.",
    )

    def __post_init__(self):
        super().__post_init__()
        vars(self)["_teacher"] = presets.resolve(self.teacher, "teacher").rule

    def begin(self, rule: UpdateRule, task: Task, seed: tf.Tensor) -> Any:
        trajectory = begin(_Lesson(rule, self._teacher), task, seed, self.num_tasks)
        led = tf.random.stateless_uniform([], fold_in(seed, 49979687)) < 0.5
        shared = dict(trajectory.rule_state.shared)
        shared["led"] = tf.zeros_like(shared["led"]) + tf.cast(led, tf.float32)
        return trajectory._replace(rule_state=trajectory.rule_state._replace(shared=shared))

    def estimate(
        self, rule: UpdateRule, task: Task, carried: Any, batches: Any, start: Any, trajectory: Any
    ) -> Estimate:
        around = functools.partial(_Lesson, teacher=self._teacher)
        unrolled = task, carried, batches, start, trajectory
        return estimate_by_tally(self, around, rule, *unrolled, tally="difference")


class _Lesson(Composite):
    """Student and teacher side by side; their difference so far is in the shared state."""

    parts = ("student", "teacher")

    def __init__(self, student, teacher):
        self.student, self.teacher = student, teacher
        self.coordinatewise = student.coordinatewise and teacher.coordinatewise
        self.meta_params = student.meta_params

    def bind(self, meta_params: Mapping[str, Tensor]) -> Self:
        student = self.student.bind(meta_params)
        return self.copied(student=student, meta_params=student.meta_params)

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        student, teacher = (r.init(variables, state_dtype) for r in (self.student, self.teacher))
        measured = {"difference": tf.zeros([]), "led": tf.ones([])}
        return _side_by_side(student, teacher, measured)

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        student, teacher = (state_of(state, part) for part in self.parts)
        own, student = self.student.update(gradients, student, variables, context)
        ideal, teacher = self.teacher.update(gradients, teacher, variables, context)
        pairs = list(zip(own, ideal, strict=True))
        apart = tf.add_n([tf.reduce_sum(tf.square(u - best)) for u, best in pairs])
        length = tf.add_n([tf.reduce_sum(tf.square(best)) for _, best in pairs])
        difference = tf.cast(apart / (length + TINY), tf.float32)
        led = state.shared["led"]
        taken = [tf.where(led > 0, best, tf.stop_gradient(u)) for u, best in pairs]
        measured = {"difference": state.shared["difference"] + difference, "led": led}
        return taken, _side_by_side(student, teacher, measured)


def _side_by_side(student, teacher, measured):
    """The states of both rules in one, and what is measured in the shared part."""
    both = merged_states(student=student, teacher=teacher)
    return both._replace(shared={**both.shared, **measured})

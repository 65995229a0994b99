"""Laws that rules and tasks obey, for the tests of whoever writes one.

from l2l_tf.testing import check_rule, check_task

def test_my_rule():
    check_rule(MyRule())
"""

from collections.abc import Collection

from l2l_tf.rules import UpdateRule
from l2l_tf.tasks import Task
from l2l_tf.testing import one_step, rule_laws, task_laws
from l2l_tf.testing.laws import obey

RULE_LAWS = {
    law.__name__: law
    for law in (
        rule_laws.the_configuration_comes_back,
        rule_laws.the_seed_decides_untrained_meta_parameters,
        rule_laws.state_keeps_its_structure,
        rule_laws.state_is_at_least_as_precise_as_its_variable,
        rule_laws.permuting_coordinates_permutes_updates,
        rule_laws.splitting_a_variable_changes_nothing,
        rule_laws.what_never_had_a_gradient_stays,
        rule_laws.finite_gradients_keep_everything_finite,
        one_step.unrolled_applied_and_exported_steps_are_one,
    )
}
TASK_LAWS = {
    law.__name__: law
    for law in (
        task_laws.the_configuration_comes_back,
        task_laws.one_seed_gives_one_task_and_one_batch,
        task_laws.the_loss_is_a_finite_scalar_with_a_gradient,
        task_laws.several_at_once_equal_them_one_by_one,
    )
}


def check_rule(rule: UpdateRule, skip: Collection[str] = ()) -> None:
    """Hold a rule to `RULE_LAWS`, which all rules of this package obey.

    A rule that does runs unchanged under `LearnedOptimizer`, in meta-training and in an export.
    It takes seconds.

    Args:
        rule: Object of a class decorated with `register_rule`.
        skip: Names of laws that the rule is not meant to obey.

    Raises:
        AssertionError: If a law is broken, or the class is not registered; the message begins
            with the law's name.
        ValueError: If it is no rule, or a name in `skip` is not one of a law.
    """
    if not isinstance(rule, UpdateRule):
        raise ValueError(
            "check_rule takes an object of a rule's class, such as MyRule(). "
            f"Received: rule={rule!r}"
        )
    obey(RULE_LAWS, rule, skip)


def check_task(task: Task, skip: Collection[str] = ()) -> None:
    """Hold a task to `TASK_LAWS`, which all tasks of this package obey.

    Args:
        task: `Task`.
        skip: Names of laws that the task is not meant to obey.

    Raises:
        AssertionError: If a law is broken; the message begins with the law's name.
        ValueError: If it is no task, or a name in `skip` is not one of a law.
    """
    if not isinstance(task, Task):
        raise ValueError(
            "check_task takes an object of a task's class, such as MyTask(). "
            f"Received: task={task!r}"
        )
    obey(TASK_LAWS, task, skip)


__all__ = ["RULE_LAWS", "TASK_LAWS", "check_rule", "check_task"]

"""`check_rule` and `check_task` find what is wrong, and pass what is right."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import l2l_tf
from l2l_tf import rules, tasks
from l2l_tf.core.config import integer, number
from l2l_tf.testing import RULE_LAWS, TASK_LAWS, check_rule, check_task

UNROLLED = "unrolled_applied_and_exported_steps_are_one"


class Sign(rules.CoordinatewiseRule):
    """`−η · sign(∇)`, with faults that a test may choose."""

    rate: float = number(0.1, above=0)

    def slot_shapes(self):
        return {}

    def coordinate_update(self, gradient, state, variable, context):
        del variable, context
        return -self.rate * ops.sign(gradient), state


@pytest.fixture(autouse=True)
def registries(monkeypatch):
    """Registries as they were, so that other tests do not meet these classes."""
    for registry in (rules.registry.RULES, tasks.registry.TASKS):
        monkeypatch.setattr(registry, "classes", dict(registry.classes))


def registered(cls):
    return l2l_tf.register_rule(cls.__name__.lower())(cls)


def test_a_rule_of_ones_own_passes_and_is_known_by_name():
    registered(Sign)
    check_rule(Sign(), skip=[UNROLLED])
    assert isinstance(l2l_tf.LearnedOptimizer(rule="sign(rate=0.5)").rule, Sign)


@pytest.mark.slow
def test_a_rule_of_ones_own_is_unrolled_applied_and_exported_alike():
    check_rule(registered(Sign)())


class LooksAtPlaces(Sign):
    def coordinate_update(self, gradient, state, variable, context):
        place = ops.cumsum(ops.ones_like(gradient))
        return -self.rate * place * gradient, state


class Squares(Sign):
    def coordinate_update(self, gradient, state, variable, context):
        return -self.rate * gradient * ops.square(gradient), state


class Narrow(Sign):
    def coordinate_update(self, gradient, state, variable, context):
        return ops.cast(-self.rate * gradient, "float32"), state


class Forgets(Sign):
    def get_config(self):
        return {}


class AlwaysTheSame(Sign):
    seed: int = integer(0)

    def fresh_meta_params(self, generator):
        return {"w": np.ones(2, "float32")}


class Unseeded(Sign):
    def fresh_meta_params(self, generator):
        return {"w": np.ones(2, "float32")}


class Shrinks(Sign):
    def coordinate_update(self, gradient, state, variable, context):
        return -self.rate * ops.tanh(gradient) - 0.1 * variable, state


class Grows(Sign):
    def slot_shapes(self):
        return {"m": ()}

    def coordinate_update(self, gradient, state, variable, context):
        return -self.rate * gradient, {"m": ops.stack([state["m"]] * 2)}


def test_weights_that_no_seed_draws_are_the_same_whatever_the_seed():
    registered(Unseeded)
    check_rule(Unseeded(), skip=[UNROLLED])
    check_rule(rules.Centred(Unseeded()), skip=[UNROLLED])


@pytest.mark.parametrize(
    "rule, broken",
    [
        (LooksAtPlaces(), "permuting_coordinates_permutes_updates"),
        (Squares(), "finite_gradients_keep_everything_finite"),
        (Narrow(), "state_is_at_least_as_precise_as_its_variable"),
        (AlwaysTheSame(), "the_seed_decides_untrained_meta_parameters"),
        (Forgets(rate=0.5), "the_configuration_comes_back"),
        (Grows(), "state_keeps_its_structure"),
        (Shrinks(), "what_never_had_a_gradient_stays"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_broken_law_is_named_with_the_rule(rule, broken):
    registered(type(rule))
    name = type(rule).__name__
    with pytest.raises(AssertionError, match=rf"^{broken}: (.|\n)*Received: {name}\("):
        check_rule(rule, skip=[UNROLLED])


def test_a_rule_that_is_not_registered_is_told_to_be():
    with pytest.raises(AssertionError, match="decorated with `register_rule`"):
        check_rule(Sign())


class Bowl(tasks.Task):
    """`‖x − y‖²`, with faults that a test may choose."""

    dimension: int = integer(3, min=1)

    def init(self, seed):
        target = tf.random.stateless_normal([self.dimension], seed)
        return [tf.zeros([self.dimension])], [target]

    def tasks_loss(self, params, model_state, batch):
        return tf.reduce_sum(tf.square(params[0] - model_state[0]), axis=-1), model_state


class UnseededBowl(Bowl):
    def init(self, seed):
        return super().init(tf.constant([0, 0]))


class Mixed(Bowl):
    def tasks_loss(self, params, model_state, batch):
        losses, state = super().tasks_loss(params, model_state, batch)
        return losses + tf.reduce_max(losses), state


class Flat(Bowl):
    def tasks_loss(self, params, model_state, batch):
        losses, state = super().tasks_loss(params, model_state, batch)
        return tf.stop_gradient(losses) + 0.0 * tf.reduce_sum(params[0], axis=-1), state


class Vector(Bowl):
    def tasks_loss(self, params, model_state, batch):
        return tf.square(params[0] - model_state[0]), model_state


def test_a_task_of_ones_own_passes_and_is_known_by_name():
    l2l_tf.register_task("bowl")(Bowl)
    check_task(tasks.get("bowl(dimension=2)"))


@pytest.mark.parametrize(
    "cls, broken",
    [
        (UnseededBowl, "one_seed_gives_one_task_and_one_batch"),
        (Mixed, "several_at_once_equal_them_one_by_one"),
        (Flat, "the_loss_is_a_finite_scalar_with_a_gradient"),
        (Vector, "the_loss_is_a_finite_scalar_with_a_gradient"),
    ],
)
def test_a_broken_law_is_named_with_the_task(cls, broken):
    with pytest.raises(AssertionError, match=rf"^{broken}: (.|\n)*Received: {cls.__name__}\("):
        check_task(cls())


@pytest.mark.parametrize("given", ["mine", Bowl])
def test_what_is_checked_is_an_object(given):
    for check in (check_rule, check_task):
        with pytest.raises(ValueError, match=r"takes an object of a .*Received: (rule|task)="):
            check(given)


def test_a_law_that_is_unknown_cannot_be_skipped():
    with pytest.raises(ValueError, match="Received: skip='gravity'"):
        check_task(Bowl(), skip=["gravity"])
    assert all(law.__doc__ for law in (*RULE_LAWS.values(), *TASK_LAWS.values()))

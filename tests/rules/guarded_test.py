"""`guarded`: a learned rule has its way until the loss says that it should not."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import LearnedOptimizer, rules


def run(rule, losses, gradient=1.0):
    """Updates of one weight under a constant gradient, one for each loss told."""
    variables = [np.zeros((1,), "float32")]
    state, updates = rule.init(variables), []
    for iteration, loss in enumerate(losses):
        context = rules.Context(iteration, tf.constant(loss, tf.float32))
        given = [np.full((1,), gradient, "float32")]
        (update,), state = rule.update(given, state, variables, context)
        updates.append(float(update[0]))
    return updates, state


def guarded(**arguments):
    return rules.Guarded(rules.SGD(1.0), rules.SGD(0.25), **arguments)


FALLING = list(np.linspace(10.0, 1.0, 40))


@pytest.mark.parametrize(
    "losses",
    [
        FALLING,
        [float("nan")] * 40,
        list(3.0 + np.random.default_rng(0).normal(size=200)),
        [2.0] * 40,
    ],
    ids=["falling", "untold", "noisy", "constant"],
)
def test_a_rule_that_does_no_harm_has_its_way(losses):
    updates, state = run(guarded(), losses)
    assert set(updates) == {-1.0} and float(state.shared["watch_trips"]) == 0


def test_the_fallback_takes_over_where_the_loss_climbs_and_its_turns_double():
    climbing = [*FALLING, *np.linspace(1.0, 100.0, 40), *[100.0] * 200]
    updates, state = run(guarded(patience=10), climbing)
    assert set(updates[:40]) == {-1.0}
    first = updates.index(-0.25)
    assert first < 60 and set(updates[first : first + 10]) == {-0.25}
    # Tried again after 10, 20, 40, …, and found no better each time.
    assert 4 <= float(state.shared["watch_trips"]) <= 6
    assert set(updates[first:]) == {-0.25}


def test_the_learned_rule_is_back_when_the_loss_is():
    recovering = [*FALLING, *np.linspace(1.0, 50.0, 20), *np.linspace(50.0, 0.5, 20), *[0.5] * 60]
    updates, _ = run(guarded(patience=10), recovering)
    assert -0.25 in updates and updates[-1] == -1.0


def test_an_infinite_loss_is_worse_than_any():
    updates, _ = run(guarded(), [float("inf"), 1.0])
    assert updates == [-0.25, -0.25]


def test_both_rules_see_every_gradient():
    rule = rules.Guarded(rules.SGD(1.0), rules.Adam(0.1), patience=5)
    losses = [*FALLING, 1e6, 1e6, 1e6]
    updates, _ = run(rule, losses)
    alone, _ = run(rules.Adam(0.1), losses)
    assert updates[-1] == pytest.approx(alone[-1]) and updates[0] == -1.0


def diverging(rule):
    """Last loss of 300 steps on ½·x² under a rule that is far too long for it."""
    variable = tf.Variable([1.0, 0.01])
    optimizer = LearnedOptimizer(rule=rule)
    optimizer.build([variable])
    for _ in range(300):
        loss = tf.reduce_sum(tf.constant([0.5, 60.0]) * variable**2)
        optimizer.observe_loss(loss)
        optimizer.apply([tf.constant([1.0, 120.0]) * variable], [variable])
    return float(loss)


def test_a_run_that_would_diverge_stays_where_it_can_be_saved():
    assert not diverging(rules.SGD(0.02)) < 1e6
    assert diverging(rules.Guarded(rules.SGD(0.02), rules.Adam(0.05))) < 1.0


def test_configuration_goes_through_text_and_back():
    rule = rules.from_text("guarded(inner='lstm(hidden_size=3)',fallback=momentum,patience=7)")
    again = rules.deserialize(rules.serialize(rule))
    assert again.get_config() == rule.get_config()
    assert type(again.fallback) is rules.Momentum and again.patience == 7
    with pytest.raises(ValueError, match="Received: tolerance=0"):
        rules.Guarded(tolerance=0)
    with pytest.raises(ValueError, match="Received: fallback='nobody'"):
        rules.Guarded(fallback="nobody")

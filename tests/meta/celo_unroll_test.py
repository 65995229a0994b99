"""Rules that see whole variables, mapped over tasks in the meta-trainer's unroll."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import rules, tasks
from l2l_tf.meta.estimators import TruncatedBPTT
from l2l_tf.meta.unroll import unroll
from l2l_tf.tasks import as_seed

RULES = {
    "celo": lambda: rules.Celo(scheduler_size=4, seed=1),
    "celo_adam": lambda: rules.CeloAdam(scheduler_size=4, seed=1),
    "celo2": lambda: rules.Celo2(step_size=0.01, seed=1),
    "celo2_base": lambda: rules.Celo2(orthogonalize=False, step_size=0.01, seed=1),
}
TASKS, UNROLL, TOTAL = 2, 4, 50.0
TASK = tasks.get("digits_mlp(layers=0,batch_size=16)")


def losses_alone(rule, start, batches):
    """Losses after each step, `[steps][tasks]`, by a Python loop over single tasks."""
    losses = [[] for _ in range(UNROLL)]
    for i in range(TASKS):
        params = [p[i] for p in start.params]
        state = rule.init(params)
        for step in range(UNROLL + 1):
            batch = tf.nest.map_structure(lambda t, s=step, i=i: t[s][i], batches)
            with tf.GradientTape() as tape:
                tape.watch(params)
                loss, _, _ = TASK.loss(params, [], batch)
            if step > 0:
                losses[step - 1].append(loss)
            gradients = [tf.stop_gradient(g) for g in tape.gradient(loss, params)]
            context = rules.Context(step, tf.stop_gradient(loss), TOTAL)
            updates, state = rule.update(gradients, state, params, context)
            params = [p + u for p, u in zip(params, updates, strict=True)]
    return losses


def begin(rule):
    estimator = TruncatedBPTT(unroll=UNROLL, num_tasks=TASKS)
    start = estimator.begin(rule, TASK, as_seed(0))
    return estimator, start, estimator.batches(TASK, start, 0)


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.quick("celo2")
def test_every_task_of_an_unroll_goes_as_it_would_alone(name):
    rule = RULES[name]()
    _, start, (batches, _) = begin(rule)
    run = tf.function(unroll, jit_compile=True, autograph=False)
    losses, _ = run(rule, TASK, start, batches, None, 0, TOTAL, UNROLL)
    np.testing.assert_allclose(losses, losses_alone(rule, start, batches), rtol=1e-4)


@pytest.mark.parametrize("own", [False, True])
def test_a_task_alone_goes_as_it_does_beside_others(own):
    rule = RULES["celo_adam"]()
    _, start, (batches, _) = begin(rule)

    def losses(which):
        def part(tensor, axis=0):
            return tf.gather(tensor, which, axis=axis)

        # Shared state has a task axis too; the seed has none.
        alone = start._replace(
            params=[part(p) for p in start.params],
            rule_state=tf.nest.map_structure(part, start.rule_state),
        )
        given = {k: tf.stack([v, 1.5 * v]) for k, v in rule.meta_params.items()}
        given = tf.nest.map_structure(part, given) if own else None
        drawn = tf.nest.map_structure(lambda t: part(t, 1), batches)
        return unroll(rule, TASK, alone, drawn, None, 0, TOTAL, UNROLL, meta_params=given)[0]

    both = losses([0, 1])
    for i in range(TASKS):
        np.testing.assert_allclose(losses([i])[:, 0], both[:, i], rtol=1e-5)


@pytest.mark.slow
def test_the_compiled_meta_gradient_equals_that_of_a_python_loop():
    rule = RULES["celo_adam"]()
    estimator, start, drawn = begin(rule)
    names = list(rule.meta_params)
    values = [tf.constant(rule.meta_params[k]) for k in names]

    @tf.function(jit_compile=True, autograph=False)
    def estimate(values):
        bound = rule.bind(dict(zip(names, values, strict=True)))
        return estimator.estimate(bound, TASK, start, drawn, 0, TOTAL).meta_gradient

    received = estimate(values)
    with tf.GradientTape() as tape:
        tape.watch(values)
        bound = rule.bind(dict(zip(names, values, strict=True)))
        meta_loss = tf.reduce_mean(losses_alone(bound, start, drawn[0]))
    for name, expected in zip(names, tape.gradient(meta_loss, values), strict=True):
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(
            received[name], expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max()
        )


@pytest.mark.slow
def test_the_meta_gradient_reaches_every_layer_of_celos_network():
    rule = RULES["celo"]()
    estimator, start, drawn = begin(rule)
    gradients = estimator.estimate(rule, TASK, start, drawn, 0, TOTAL).meta_gradient
    assert all(np.isfinite(g).all() and np.abs(g).max() > 0 for g in gradients.values())

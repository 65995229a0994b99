"""The meta-gradient against finite differences and against a plain Python loop."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import rules
from l2l_tf.meta.estimators import TruncatedBPTT
from l2l_tf.meta.objective import loss_weights
from l2l_tf.tasks import Task, as_seed, fold_in


class Rosenbrock64(Task):
    """A non-quadratic optimizee in float64, so that second derivatives matter."""

    def init(self, seed):
        return [tf.random.stateless_normal([2], seed, dtype=tf.float64)], []

    def loss(self, params, model_state, batch):
        losses, model_state = self.tasks_loss(params, model_state, batch)
        return losses, model_state, {}

    def tasks_loss(self, params, model_state, batch):
        x, y = params[0][..., 0], params[0][..., 1]
        return 0.1 * (1 - x) ** 2 + (y - x**2) ** 2, model_state


UNROLL, TASKS = 4, 2


def small_rule(kind):
    network = {"hidden_size": 3, "layers": 1, "preprocess": None, "output_scale": 0.3, "seed": 1}
    gac = {**network, "averaging_cells": 1}
    # Small steps: feeding back reads of unbounded gradients, larger ones run away.
    memory = {**gac, "update_from": "sum", "output_scale": 0.03}
    rule = {
        "lstm": lambda: rules.LSTM(**network),
        "rnnprop": lambda: rules.RNNProp(hidden_size=3, layers=1, seed=1),
        "gac_lstm": lambda: rules.GACLSTM(**gac),
        "ntm_bfgs": lambda: rules.NTMBFGS(**memory),
        "ntm_lbfgs": lambda: rules.NTMLBFGS(window=2, read="same_step", read_heads=2, **memory),
    }[kind]()
    return rule.bind({k: v.astype("float64") for k, v in rule.meta_params.items()})


def estimator(second_derivatives, weights="all", unroll=UNROLL):
    return TruncatedBPTT(
        second_derivatives=second_derivatives, unroll=unroll, num_tasks=TASKS, loss_weights=weights
    )


def python_loop(rule, task, trajectory, steps, frozen=None, weights="all", total=None):
    """Meta-loss by a Python loop over single tasks; also the gradients that were met.

    With `frozen` gradients the optimizee's gradients are those, whatever the parameters.
    """
    total = steps if total is None else total
    w = tf.cast(loss_weights(weights, steps, 0, total), tf.float64)
    losses, met = [], []
    for i in range(TASKS):
        params = [p[i] for p in trajectory.params]
        state = rule.init(params)
        for t in range(steps):
            with tf.GradientTape() as tape:
                tape.watch(params)
                loss, _, _ = task.loss(params, [], ())
            gradients = tape.gradient(loss, params)
            if frozen is not None:
                gradients = frozen[i * steps + t]
            met.append([tf.stop_gradient(g) for g in gradients])
            context = rules.Context(t, loss, float(total))
            updates, state = rule.update(gradients, state, params, context)
            params = [p + u for p, u in zip(params, updates, strict=True)]
            losses.append(w[t] * task.loss(params, [], ())[0])
    return tf.add_n(losses) / (TASKS * steps), met


@pytest.mark.parametrize(
    "kind, second_derivatives",
    [
        ("lstm", False),
        ("lstm", True),
        ("rnnprop", False),
        ("rnnprop", True),
        ("gac_lstm", True),
        ("ntm_bfgs", True),
        ("ntm_lbfgs", False),
        ("ntm_lbfgs", True),
    ],
)
@pytest.mark.quick("lstm-True")
def test_meta_gradient_equals_finite_differences(kind, second_derivatives):
    rule, task = small_rule(kind), Rosenbrock64()
    est = estimator(second_derivatives)
    carried = est.begin(rule, task, as_seed(3))
    estimate = est.estimate(rule, task, carried, ((), None), 0, UNROLL)
    _, met = python_loop(rule, task, carried, UNROLL)
    frozen = None if second_derivatives else met
    generator = np.random.default_rng(0)
    for _ in range(4):
        direction = {k: generator.normal(size=v.shape) for k, v in rule.meta_params.items()}

        def value(step, direction=direction):
            moved = {k: v + step * direction[k] for k, v in rule.meta_params.items()}
            return float(python_loop(rule.bind(moved), task, carried, UNROLL, frozen)[0])

        epsilon = 1e-5
        expected = (value(epsilon) - value(-epsilon)) / (2 * epsilon)
        received = sum(
            float(tf.reduce_sum(estimate.meta_gradient[k] * direction[k])) for k in direction
        )
        np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-9)


def test_dropping_second_derivatives_changes_the_meta_gradient():
    rule, task = small_rule("lstm"), Rosenbrock64()
    gradients = []
    for second in (False, True):
        est = estimator(second)
        carried = est.begin(rule, task, as_seed(3))
        gradients.append(est.estimate(rule, task, carried, ((), None), 0, UNROLL).meta_gradient)
    assert any(np.abs(gradients[0][k] - gradients[1][k]).max() > 1e-6 for k in gradients[0])


@pytest.mark.parametrize(
    "kind, weights, jit",
    [
        *[("lstm", w, jit) for w in ("all", "final", "linear") for jit in (False, True)],
        ("gac_lstm", "all", True),
        ("ntm_bfgs", "all", True),
        ("ntm_lbfgs", "all", False),
    ],
)
@pytest.mark.quick("lstm-linear-True")
def test_one_unroll_as_long_as_the_trajectory_equals_bptt_in_a_python_loop(kind, weights, jit):
    rule, task = small_rule(kind), Rosenbrock64()
    est = estimator(True, weights)
    carried = est.begin(rule, task, as_seed(5))
    names = list(rule.meta_params)
    values = [tf.constant(rule.meta_params[k]) for k in names]

    @tf.function(jit_compile=jit, autograph=False)
    def estimate(values):
        bound = rule.bind(dict(zip(names, values, strict=True)))
        return est.estimate(bound, task, carried, ((), None), 0, UNROLL)

    received = estimate(values)
    with tf.GradientTape() as tape:
        tape.watch(values)
        bound = rule.bind(dict(zip(names, values, strict=True)))
        meta_loss, _ = python_loop(bound, task, carried, UNROLL, weights=weights)
    expected = tape.gradient(meta_loss, values)
    np.testing.assert_allclose(received.summaries["meta_loss"], meta_loss, rtol=1e-10)
    for name, gradient in zip(names, expected, strict=True):
        np.testing.assert_allclose(received.meta_gradient[name], gradient, rtol=1e-8, atol=1e-12)


def test_shorter_unrolls_equal_the_loop_with_the_carried_state_stopped():
    rule, task = small_rule("lstm"), Rosenbrock64()
    est = estimator(True)
    carried = est.begin(rule, task, as_seed(7))
    first = est.estimate(rule, task, carried, ((), None), 0, 2 * UNROLL)
    second = est.estimate(rule, task, first.carried, ((), None), UNROLL, 2 * UNROLL)

    names = list(rule.meta_params)
    values = [tf.constant(rule.meta_params[k]) for k in names]
    received = {k: first.meta_gradient[k] + second.meta_gradient[k] for k in names}
    with tf.GradientTape() as tape:
        tape.watch(values)
        bound = rule.bind(dict(zip(names, values, strict=True)))
        total = 0.0
        for i in range(TASKS):
            params = [carried.params[0][i]]
            state = bound.init(params)
            for t in range(2 * UNROLL):
                if t == UNROLL:
                    params, state = tf.nest.map_structure(tf.stop_gradient, (params, state))
                with tf.GradientTape() as inner:
                    inner.watch(params)
                    loss = task.loss(params, [], ())[0]
                gradients = inner.gradient(loss, params)
                updates, state = bound.update(gradients, state, params, rules.Context(t))
                params = [p + u for p, u in zip(params, updates, strict=True)]
                total += task.loss(params, [], ())[0] / (TASKS * UNROLL)
    for name, gradient in zip(names, tape.gradient(total, values), strict=True):
        np.testing.assert_allclose(received[name], gradient, rtol=1e-8, atol=1e-12)


def test_fresh_and_held_out_meta_batches_come_from_their_splits():
    class Echo(Task):
        def init(self, seed):
            return [tf.zeros([1])], []

        def loss(self, params, model_state, batch):
            return batch[0] + 0.0 * params[0][0], model_state, {}

        def batch(self, seed, step, split="train"):
            offset = {"train": 0.0, "validation": 100.0}[split]
            noise = tf.random.stateless_uniform([], fold_in(seed, step))
            return (tf.cast(step, tf.float32) + offset + noise,)

    rule = rules.LSTM(hidden_size=2, layers=1)
    means = {}
    for kind in ("same", "fresh", "held_out"):
        est = TruncatedBPTT(unroll=3, num_tasks=2, meta_loss_split=kind)
        carried = est.begin(rule, Echo(), as_seed(0))
        drawn = est.batches(Echo(), carried, 0)
        means[kind] = float(est.estimate(rule, Echo(), carried, drawn, 0, 3).summaries["meta_loss"])
    assert 2.0 < means["same"] < 3.0  # Steps 1, 2, 3 and noise in 0 … 1.
    assert 1.0 < means["fresh"] < 2.0  # Steps 0, 1, 2.
    assert 101.0 < means["held_out"] < 102.0


@pytest.mark.parametrize("name", ["lstm", "ntm_lbfgs"])
@pytest.mark.quick("lstm")
def test_states_that_are_computed_again_give_the_same_meta_gradient(name):
    rule, task = small_rule(name), Rosenbrock64()
    carried = estimator(True).begin(rule, task, as_seed(3))

    def estimate(gradient_checkpointing):
        est = TruncatedBPTT(
            second_derivatives=True,
            unroll=6,
            num_tasks=TASKS,
            gradient_checkpointing=gradient_checkpointing,
        )
        return tf.function(
            lambda: est.estimate(rule, task, carried, ((), None), 0, 6), autograph=False
        )()

    kept, again = estimate(0), estimate(2)
    for key in rule.meta_params:
        np.testing.assert_allclose(again.meta_gradient[key], kept.meta_gradient[key], rtol=1e-9)
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), again.carried, kept.carried
    )
    with pytest.raises(ValueError, match="Received: gradient_checkpointing=4"):
        estimate(4)


def test_an_unroll_remembers_states_and_no_gates():
    """One more layer adds its hidden and cell state to what the backward loop is handed."""
    remembered = []
    for layers in (1, 2):
        rule, task = rules.LSTM(hidden_size=8, layers=layers), Rosenbrock64()
        est = estimator(False)
        carried = est.begin(rule, task, as_seed(0))

        @tf.function(autograph=False)
        def meta_gradient(rule=rule, task=task, est=est, carried=carried):
            return est.estimate(rule, task, carried, ((), None), 0, UNROLL).meta_gradient

        operations = meta_gradient.get_concrete_function().graph.get_operations()
        forward = next(op for op in operations if op.type.endswith("While"))
        remembered.append(sum(t.dtype == tf.variant for t in forward.outputs))
    assert remembered[1] == remembered[0] + 2

"""Runs: equal terms for every optimizer, one compilation, and what is measured."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from l2l_tf import LearnedOptimizer, rules, tasks
from l2l_tf.evaluation import CosineToZero, Rate, baselines, learned
from l2l_tf.evaluation import problem as problem_module
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.runner import Runner, recorded_steps, state_of

SMALL = tasks.DigitsMLP(hidden=4, batch_size=16)


def runner(name, task=SMALL, steps=5, **settings):
    contender = baselines.get(name) if isinstance(name, str) else name
    return Runner(Problem(task, jit_compile=False, **settings), contender, steps)


def train_losses(measurements):
    return [m.reports["train"]["loss"] for m in measurements]


def test_a_run_equals_a_plain_keras_loop():
    task, made = SMALL, runner("adam", steps=6)
    measurements = made.run("report", 0, 0.05, record_at=[0, 2, 6])
    start, _ = made.problem.start("report", 0)
    variables = [keras.Variable(value) for value in start]
    optimizer = keras.optimizers.Adam(0.05)
    expected, batch_losses = [], []
    for step in range(7):
        values = [tf.convert_to_tensor(v.value) for v in variables]
        expected.append(float(task.loss(values, [], task.full_batch("train"))[0]))
        with tf.GradientTape() as tape:
            values = [tf.convert_to_tensor(v.value) for v in variables]
            batch = task.batch(made.problem.seed_of("report", 0), step)
            loss = task.loss(values, [], batch)[0]
        batch_losses.append(float(loss))
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
    np.testing.assert_allclose(
        train_losses(measurements), [expected[i] for i in (0, 2, 6)], rtol=1e-5
    )
    np.testing.assert_allclose(
        [m.batch_loss for m in measurements[1:]],
        [np.mean(batch_losses[:2]), np.mean(batch_losses[2:6])],
        rtol=1e-5,
    )


@pytest.mark.parametrize("name", baselines.names())
@pytest.mark.quick("adam", "rprop")
def test_every_run_starts_afresh(name):
    made = runner(name, tasks.Quadratic(dimension=3))
    first = train_losses(made.run("report", 0, 0.01, record_at=[0, 3, 5]))
    made.run("report", 1, 0.03)
    assert train_losses(made.run("report", 0, 0.01, record_at=[0, 3, 5])) == first
    assert len(set(first)) == 3


def test_one_trace_serves_all_rates_seeds_and_lengths():
    made = runner("rprop")
    for index, rate in enumerate([0.01, 0.1, 1.0]):
        made.run("tuning", index, rate, record_at=[1, 3, 5])
    assert made._compiled.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_compiled_and_uncompiled_runs_agree():
    class FullBatch(tasks.DigitsMLP):
        def batch(self, seed, step, split="train"):
            # Drawn batches differ: XLA has random numbers of its own.
            return self.full_batch(split)

    losses = []
    for jit_compile in (False, True):
        problem = Problem(FullBatch(hidden=4), jit_compile=jit_compile)
        made = Runner(problem, baselines.get("adam"), 5)
        losses.append(train_losses(made.run("report", 0, 0.05, record_at=[0, 5])))
    np.testing.assert_allclose(*losses, rtol=1e-4)


@pytest.mark.parametrize("name", ["momentum", "rprop", "adam"])
@pytest.mark.quick("adam")
def test_functions_side_by_side_equal_separate_runs(name):
    together = runner(name, tasks.Quadratic(dimension=3), functions=4)
    received = train_losses(together.run("report", 0, 0.02, record_at=[0, 5]))

    class Fixed(tasks.Quadratic):
        def init(self, seed):
            start = together.problem.start("report", 0)
            return tf.nest.map_structure(lambda value: tf.constant(value[self.index]), start)

    separate = []
    for index in range(4):
        task = Fixed(dimension=3).copied(index=index)
        separate.append(train_losses(runner(name, task).run("report", 0, 0.02, record_at=[0, 5])))
    np.testing.assert_allclose(received, np.mean(separate, axis=0), rtol=1e-5)


def test_learned_rules_see_the_loss():
    class LossAsUpdate(rules.SGD):
        def coordinate_update(self, gradient, state, variable, context):
            return ops.zeros_like(gradient) + ops.cast(context.loss, gradient.dtype), state

    made = runner(learned(LossAsUpdate(), name="loss"), tasks.Quadratic(dimension=3), steps=1)
    start = made.run("report", 0, record_at=[0])[0].reports["train"]["loss"]
    made.run("report", 0)
    (before,), _ = made.problem.start("report", 0)
    np.testing.assert_allclose(made._params[0].numpy(), before + start, rtol=1e-6)


def test_presets_are_told_the_length_only_on_request(preset_directory):
    for tell, expected in ((True, 7.0), (False, None)):
        assert learned(preset_directory, known_horizon=tell).make(None, 7).total_steps == expected


@pytest.mark.slow
def test_batches_drawn_in_python_give_the_same_run():
    class FromPython(tasks.DigitsMLP):
        in_graph = False

        def batch(self, seed, step, split="train"):
            assert tf.executing_eagerly()
            return super().batch(seed, step, split)

    from_python = runner("adam", FromPython(hidden=4, batch_size=16))
    np.testing.assert_allclose(
        train_losses(from_python.run("report", 0, 0.05, record_at=[0, 2, 5])),
        train_losses(runner("adam").run("report", 0, 0.05, record_at=[0, 2, 5])),
        rtol=1e-5,
    )


def test_a_run_that_diverged_is_infinite_to_its_end():
    measurements = runner("sgd", tasks.Quadratic(dimension=3), steps=60).run(
        "report", 0, 100.0, record_at=[0, 1, 40, 60]
    )
    losses = train_losses(measurements)
    assert np.isfinite(losses[:2]).all() and losses[2:] == [np.inf, np.inf]
    assert measurements[-1].batch_loss == np.inf


def test_the_cosine_ends_at_zero():
    schedule = CosineToZero(Rate(0.4), total_steps=10)
    values = [float(schedule(tf.constant(step, tf.int64))) for step in (0, 5, 10, 11)]
    np.testing.assert_allclose(values, [0.4, 0.2, 0.0, 0.0], atol=1e-7)


def test_reports_in_pieces_equal_whole_ones(monkeypatch):
    whole = Problem(SMALL, jit_compile=False)
    start = whole.start("report", 0)
    monkeypatch.setattr(problem_module, "_ROWS_AT_ONCE", 100)
    pieces = Problem(SMALL, jit_compile=False).report(*start)
    for split, report in whole.report(*start).items():
        for name, value in report.items():
            assert pieces[split][name] == pytest.approx(value, rel=1e-5)
    few = Problem(SMALL, jit_compile=False, report_rows=50).report(*start)["test"]
    rows, labels = (t[:50] for t in SMALL.full_batch("test"))
    assert few["loss"] == pytest.approx(float(SMALL.loss(*start, (rows, labels))[0]), rel=1e-5)


def test_a_split_without_end_is_reported_on_a_sample_of_batches():
    class Endless(tasks.DigitsMLP):
        def full_batch(self, split="test"):
            return () if self.endless else super().full_batch(split)

        def batch(self, seed, step, split="train"):
            vars(self)["endless"] = False
            batch = super().batch(seed, step, split)
            vars(self)["endless"] = True
            return batch

    endless = Endless(hidden=4, batch_size=16).copied(endless=True)
    problem = Problem(endless, jit_compile=False)
    reports = [problem.report(*problem.start("report", 0))["test"]["loss"] for _ in range(2)]
    assert reports[0] == reports[1] and np.isfinite(reports[0])


def test_tuning_and_reporting_never_share_a_start():
    problem = Problem(SMALL)
    kernels = [problem.start(s, i)[0][0] for s in ("tuning", "report") for i in range(3)]
    assert len({kernel.tobytes() for kernel in kernels}) == 6


def test_recorded_steps_are_spread_evenly():
    assert recorded_steps(100, 4) == [0, 25, 50, 75, 100]
    assert recorded_steps(3, 20) == [0, 1, 2, 3]


def test_functions_are_refused_where_they_cannot_be_separate():
    with pytest.raises(ValueError, match="tasks without data.*Received:"):
        Problem(SMALL, functions=2)
    with pytest.raises(ValueError, match="coordinatewise.*Received: 'muon'"):
        runner("muon", tasks.Quadratic(), functions=2)
    with pytest.raises(ValueError, match="Received: baseline='no-such'"):
        baselines.get("no-such")


def test_runs_are_compiled_where_the_task_gains_by_it_or_where_it_is_said():
    conv = tasks.get("cifar10_conv")
    assert Problem(SMALL).jit_compile and not Problem(conv).jit_compile
    assert not Problem(tasks.RandomScaling(conv, 1.0)).jit_compile
    assert Problem(conv, jit_compile=True).jit_compile
    assert not Problem(SMALL, jit_compile=False).jit_compile


def test_a_fresh_start_brings_the_weights_of_the_rule_that_is_made_for_it():
    rule, other = (rules.LSTM(hidden_size=2, layers=1, seed=seed) for seed in (0, 1))
    optimizer = LearnedOptimizer(rule=rule)
    optimizer.build([keras.Variable(np.zeros(3, "float32"))])
    fresh = LearnedOptimizer(rule=other)
    fresh.build([keras.Variable(np.zeros(3, "float32"))])
    for variable, value in zip(state_of(optimizer), state_of(fresh), strict=True):
        variable.assign(value)
    for name, value in other.meta_params.items():
        np.testing.assert_array_equal(optimizer.rule.meta_params[name], value)

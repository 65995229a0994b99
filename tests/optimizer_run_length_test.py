"""`fit` tells the rule how long the run is, and where in it a step stands."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_models import X, Y, assert_same, weights

from l2l_tf import LearnedOptimizer, rules
from l2l_tf.optimizer import RunLength

BATCHES = 4


class Probe(rules.UpdateRule):
    """Records length, progress and age of every update in its shared state."""

    traces = 0

    def __init__(self):
        self.meta_params = {}

    def init(self, variables, state_dtype=None):
        return rules.RuleState([{} for _ in variables], {"seen": tf.fill([64, 3], -1.0)})

    def update(self, gradients, state, variables, context):
        Probe.traces += 1
        row = tf.stack(
            [
                tf.cast(context.total_steps, tf.float32),
                tf.cast(context.run_iteration, tf.float32),
                tf.cast(context.iteration, tf.float32),
            ]
        )
        here = tf.equal(tf.range(64, dtype=tf.int64), tf.cast(context.iteration, tf.int64))
        seen = tf.where(here[:, None], row, state.shared["seen"])
        return [-0.01 * g for g in gradients], rules.RuleState(state.variables, {"seen": seen})


def make(jit=False, optimizer_arguments=None, **arguments):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(1)])
    optimizer = LearnedOptimizer(rule=Probe(), **(optimizer_arguments or {}))
    model.compile(optimizer, "mse", jit_compile=jit, **arguments)
    return model


def seen(model):
    """Lengths, progress and ages of the updates so far."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    (record,) = [v for v in optimizer.variables if v.name == "seen"]
    return record.numpy()[: int(optimizer.iterations)].T


def fit(model, x=X, y=Y, **arguments):
    return model.fit(x, y, **{"batch_size": 16, "verbose": 0, **arguments})


def pipeline():
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.quick("False")
def test_every_fit_is_a_run_that_begins_at_its_start(jit):
    model = make(jit=jit)
    fit(model, epochs=2)
    Probe.traces = 0
    fit(model, epochs=3, validation_data=(X, Y))
    lengths, progress, ages = seen(model)
    assert list(lengths) == [8] * 8 + [12] * 12
    assert list(progress) == [*range(8), *range(12)]
    assert list(ages) == list(range(20))
    assert Probe.traces == 0, "another length must not trace the step again"


@pytest.mark.parametrize(
    "data, length",
    [
        (lambda: {"x": pipeline(), "y": None, "batch_size": None}, 8),
        (lambda: {"x": pipeline().repeat(), "y": None, "steps_per_epoch": 3}, 6),
        (lambda: {"x": pipeline().filter(lambda x, y: True), "y": None}, None),
        (lambda: {"x": (b for b in pipeline().repeat(2).as_numpy_iterator()), "y": None}, None),
        (lambda: {"validation_split": 0.25}, 6),
        (lambda: {"steps_per_epoch": 2}, 4),
    ],
    ids=["dataset", "repeated", "unknown", "generator", "split", "steps"],
)
@pytest.mark.quick("unknown")
def test_the_length_is_that_of_the_batches_or_unknown(data, length):
    model = make()
    arguments = data()
    if isinstance(arguments.get("x"), tf.data.Dataset) or arguments.get("y", 0) is None:
        arguments["batch_size"] = None
    fit(model, epochs=2, **arguments)
    lengths, progress, ages = seen(model)
    if length is None:
        assert len(lengths) >= 4 and np.isnan(lengths).all()
        np.testing.assert_array_equal(progress, ages)
    else:
        assert list(lengths) == [length] * length and list(progress) == list(range(length))


@pytest.mark.parametrize(
    "arguments",
    [
        {"run_eagerly": True},
        {"steps_per_execution": 2},
        {"optimizer_arguments": {"gradient_accumulation_steps": 2}},
    ],
    ids=lambda a: next(iter(a)),
)
@pytest.mark.quick("steps_per_execution")
def test_updates_are_counted_however_fit_runs(arguments):
    model = make(**arguments)
    fit(model, epochs=3)
    updates = 6 if "optimizer_arguments" in arguments else 12
    lengths, progress, _ = seen(model)
    assert list(lengths) == [updates] * updates and list(progress) == list(range(updates))


def test_the_length_reaches_an_optimizer_inside_a_loss_scale():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = make()
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        fit(model, epochs=3)
    finally:
        keras.config.set_dtype_policy("float32")
    lengths, progress, _ = seen(model)
    # Steps whose scaled gradients overflow are counted, and reach no rule.
    assert len(lengths) == 12
    lengths, progress = lengths[lengths > 0], progress[lengths > 0]
    skipped = int(model.optimizer.inner_optimizer.skipped_steps)
    assert len(lengths) == 12 - skipped >= 6 and set(lengths) == {12}
    assert progress[-1] == 11 and (np.diff(progress) > 0).all()


@pytest.mark.slow
def test_accumulation_that_straddles_two_runs_still_counts_updates():
    model = make(optimizer_arguments={"gradient_accumulation_steps": 3})
    fit(model)
    fit(model, epochs=2)
    lengths, progress, _ = seen(model)
    assert list(lengths) == [1, 3, 3, 3] and list(progress) == [0, 0, 1, 2]


@pytest.mark.slow
def test_an_explicit_length_is_that_of_the_optimizers_whole_life():
    model = make(optimizer_arguments={"total_steps": 100})
    fit(model, epochs=2)
    fit(model, epochs=1)
    lengths, progress, _ = seen(model)
    assert set(lengths) == {100} and list(progress) == list(range(12))


def test_after_fit_the_length_is_unknown_until_it_is_told():
    model = make()
    fit(model)
    model.train_on_batch(X[:16], Y[:16])
    assert np.isnan(seen(model)[0][-1])
    model.optimizer.begin_run(10, steps_done=2)
    model.train_on_batch(X[:16], Y[:16])
    assert [row[-1] for row in seen(model)] == [10, 2, 5]
    for wrong in (0, -3, "ten", True):
        with pytest.raises(ValueError, match="Received: total_steps="):
            model.optimizer.begin_run(wrong)


def test_the_callback_is_added_once_and_to_no_other_optimizer():
    def callbacks(model, **arguments):
        found = []

        class Spy(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                pass

        made = keras.callbacks.CallbackList(
            [Spy(), *arguments.pop("given", [])], add_history=True, model=model, epochs=1, steps=1
        )
        found += [c for c in made.callbacks if isinstance(c, RunLength)]
        return len(found)

    model = make()
    assert callbacks(model) == 1 and callbacks(model, given=[RunLength()]) == 1
    model.compile("sgd", "mse")
    assert callbacks(model) == 0


class Stop(keras.callbacks.Callback):
    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch + 1 >= self.epochs


@pytest.mark.slow
def test_a_run_resumed_at_an_epoch_equals_one_that_did_not_stop(tmp_path):
    def learner():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(1)])
        rule = rules.Celo(scheduler_size=4, seed=3)
        model.compile(LearnedOptimizer(rule=rule), "mse", jit_compile=False)
        return model

    whole, stopped = learner(), learner()
    fit(whole, epochs=4, shuffle=False)
    fit(stopped, epochs=4, shuffle=False, callbacks=[Stop(2)])
    stopped.save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    assert np.abs(weights(whole)[0] - weights(resumed)[0]).max() > 1e-6
    fit(resumed, epochs=4, initial_epoch=2, shuffle=False)
    assert_same(weights(whole), weights(resumed), rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_backup_and_restore_goes_on_where_the_run_was(tmp_path):
    class Broken(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("power cut")

    model = make()
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(RuntimeError, match="power cut"):
        fit(model, epochs=4, callbacks=[backup, Broken()])
    again = make()
    fit(again, epochs=4, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup")])
    lengths, progress, _ = seen(again)
    assert set(lengths) == {16} and list(progress) == list(range(16))

"""`fit` tells the rule how long the run is, and where in it a step stands."""

import contextlib
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import X, Y, assert_same, weights

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
    """`model.fit`, and how an interactive session goes on after Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        model.fit(x, y, **{"batch_size": 16, "verbose": 0, **arguments})


def pipeline():
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.quick("False")
def test_a_second_fit_goes_on_where_each_update_before_counts_as_three(jit):
    model = make(jit=jit)
    fit(model, epochs=2)
    Probe.traces = 0
    fit(model, epochs=3, validation_data=(X, Y))
    lengths, progress, ages = seen(model)
    assert list(lengths) == [8] * 8 + [3 * 8 + 12] * 12
    assert list(progress) == [*range(8), *range(3 * 8, 3 * 8 + 12)]
    assert list(ages) == list(range(20))
    assert Probe.traces == 0, "another length must not trace the step again"


@pytest.mark.parametrize("by_epoch", [False, True], ids=["fits", "initial_epoch"])
def test_many_short_fits_are_a_run_of_unknown_length(by_epoch):
    model = make()
    for index in range(5):
        fit(model, **({"initial_epoch": index, "epochs": index + 1} if by_epoch else {}))
    lengths, progress, ages = seen(model)
    assert list(lengths[:8]) == [4] * 4 + [3 * 4 + 4] * 4 and np.isnan(lengths[8:]).all()
    np.testing.assert_array_equal(progress[8:], ages[8:])


def test_a_fit_longer_than_all_trials_before_it_is_believed():
    model = make()
    for steps in (1, 1, 4):
        fit(model, steps_per_epoch=steps)
    lengths, progress, _ = seen(model)
    assert list(lengths) == [1, 3 * 1 + 1, *[3 * 2 + 4] * 4]
    assert list(progress) == [0, 3, 6, 7, 8, 9]


def test_slots_that_begin_anew_begin_a_run_anew():
    model = make()
    fit(model)
    fit(model)
    model.optimizer._iterations.assign(0)
    fit(model)
    lengths, progress, _ = seen(model)
    assert list(lengths) == [4] * 4 and list(progress) == list(range(4))


class StopsAtTarget(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if logs["loss"] < 1e-9:
            self.model.stop_training = True


STOPPED = types.SimpleNamespace()


class Watches(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.losses = [*getattr(self, "losses", []), logs["loss"]]


class MyEarlyStopping(keras.callbacks.EarlyStopping):
    pass


class StopsByHelper(Watches):
    def on_train_batch_end(self, batch, logs=None):
        def stop():
            self.model.stop_training = batch > 99

        stop()


@pytest.mark.parametrize(
    "callback, promised",
    [
        (lambda: keras.callbacks.EarlyStopping("loss", patience=10), False),
        (lambda: keras.callbacks.ReduceLROnPlateau("loss"), False),
        (lambda: MyEarlyStopping("loss", restore_best_weights=True), False),
        (StopsAtTarget, False),
        (StopsByHelper, False),
        (
            lambda: keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: (
                    setattr(epoch, "stop_training", 1) if epoch is None else None
                )
            ),
            False,
        ),
        (Watches, True),
        (keras.callbacks.TerminateOnNaN, True),
        (lambda: keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate), True),
        (lambda: keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None), True),
    ],
    ids=[
        "early_stopping",
        "plateau",
        "subclass",
        "own",
        "nested",
        "lambda",
        "watching",
        "terminate_on_nan",
        "scheduler",
        "harmless_lambda",
    ],
)
def test_a_length_is_no_promise_where_a_callback_may_end_the_run(callback, promised):
    model = make()
    fit(model, epochs=3, callbacks=[keras.callbacks.History(), callback()])
    lengths, progress, ages = seen(model)
    assert len(lengths) == 12
    assert list(lengths) == [12] * 12 if promised else np.isnan(lengths).all()
    np.testing.assert_array_equal(progress, ages)


def test_the_callback_written_down_hears_of_those_beside_it():
    for beside in ([RunLength(), StopsAtTarget()], [StopsAtTarget(), RunLength()]):
        model = make()
        fit(model, epochs=2, callbacks=beside)
        assert np.isnan(seen(model)[0]).all()


@pytest.mark.parametrize("epochs, promised", [(100, True), (101, False)])
def test_more_than_a_hundred_epochs_are_no_promise(epochs, promised):
    model = make()
    fit(model, batch_size=64, epochs=epochs, callbacks=[Breaks(2)])
    lengths, _, _ = seen(model)
    assert list(lengths) == [epochs] * 2 if promised else np.isnan(lengths).all()


class Breaks(keras.callbacks.Callback):
    """Ends a run as Ctrl-C does, which nothing announces; `fit` goes on after the call."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


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
    lengths, progress, ages = seen(model)
    taken = ages >= 0  # Steps whose scaled gradients overflow are Keras's to skip.
    assert 6 <= taken.sum() and (lengths[taken] <= 12).all()
    assert abs(lengths[taken][-1] - len(lengths)) <= 1
    # Skipped steps are part of the run, but not of the slots' age.
    assert progress[taken][-1] == 11 and (np.diff(progress[taken]) > 0).all()
    np.testing.assert_array_equal(ages[taken], np.arange(taken.sum()))


@pytest.mark.slow
def test_accumulation_that_straddles_two_runs_still_counts_updates():
    model = make(optimizer_arguments={"gradient_accumulation_steps": 3})
    fit(model)
    fit(model, epochs=2)
    lengths, progress, _ = seen(model)
    # Four gradients count as twelve, of which one is left over for the update to come.
    assert list(lengths) == [1, 7, 7, 7] and list(progress) == [0, 4, 5, 6]


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


def passes(model):
    return float(model.optimizer._context().passes)


@pytest.mark.parametrize(
    "arguments, epochs, told",
    [
        ({}, [5], [5.0]),
        ({}, [5, 5], [5.0, 20.0]),
        ({"optimizer_arguments": {"gradient_accumulation_steps": 2}}, [6], [6.0]),
        ({"optimizer_arguments": {"total_steps": 7 * BATCHES}}, [2], [7.0]),
        (
            {"optimizer_arguments": {"total_steps": BATCHES, "gradient_accumulation_steps": 3}},
            [2],
            [3.0],
        ),
    ],
    ids=["one fit", "two fits", "accumulation", "explicit length", "both"],
)
def test_fit_tells_how_often_rows_come_again(arguments, epochs, told):
    model, seen_passes = make(**arguments), []

    class Spy(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen_passes.append(passes(self.model))

    for number in epochs:
        seen_passes.append(None)
        fit(model, epochs=number, callbacks=[Spy()])
    found = [seen_passes[i + 1] for i, p in enumerate(seen_passes) if p is None]
    np.testing.assert_allclose(found, told)
    assert sum(p is not None for p in seen_passes) == BATCHES * sum(epochs)


def test_of_a_run_of_unknown_length_the_passes_are_those_that_are_likely():
    model, told = make(), []
    assert np.isnan(passes(model))
    stopping = keras.callbacks.EarlyStopping("loss", patience=0, mode="max")

    def note(batch, logs):
        told.append(passes(model))

    spy = keras.callbacks.LambdaCallback(on_train_batch_end=note)
    for epochs, likely in ((1000, 30.0), (5, 5.0)):
        told.clear()
        before = int(model.optimizer.iterations) / BATCHES
        fit(model, epochs=epochs, callbacks=[stopping, spy])
        assert set(told) == {min(likely + before, 30.0)}
        assert np.isnan(passes(model))
    for _ in range(3):
        told.clear()
        done = int(model.optimizer.iterations) / BATCHES
        fit(model, epochs=1, callbacks=[spy])
        assert set(told) == {1.0 + done}


def test_a_loop_of_ones_own_tells_the_passes():
    model = make()
    model.optimizer.begin_run(10, passes=4)
    assert passes(model) == 4.0
    model.optimizer.begin_run(10)
    assert np.isnan(passes(model))
    for wrong in (0, -3, "ten", True):
        with pytest.raises(ValueError, match="Received: passes="):
            model.optimizer.begin_run(10, passes=wrong)


def epochs_told(model, data=None, **arguments):
    """`(start, steps)` of the epoch that the rule knows of at each batch's end."""
    told = []

    def note(batch, logs):
        context = model.optimizer._context()
        told.append((int(context.epoch_start), float(context.epoch_steps)))

    spy = keras.callbacks.LambdaCallback(on_train_batch_end=note)
    never = keras.callbacks.EarlyStopping("loss", patience=1000)
    if data is None:
        fit(model, callbacks=[never, spy], **arguments)
    else:
        model.fit(data, verbose=0, callbacks=[never, spy], **arguments)
    return told


def test_of_a_run_of_unknown_length_the_ends_of_its_epochs_are_told():
    model = make()
    starts = np.repeat(BATCHES * np.arange(3), BATCHES)
    assert epochs_told(model, epochs=3) == [(start, BATCHES) for start in starts]
    assert np.isnan(float(model.optimizer._context().epoch_steps))
    (*_, (start, steps)) = epochs_told(model, epochs=1)
    assert (start, steps) == (3 * BATCHES, BATCHES)


def test_under_accumulation_an_epoch_is_as_many_updates():
    model = make(optimizer_arguments={"gradient_accumulation_steps": 2})
    assert {steps for _, steps in epochs_told(model, epochs=2)} == {BATCHES / 2}


def test_epochs_of_unknown_length_are_measured():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(len(X) // BATCHES)
    endless = tf.data.Dataset.from_generator(lambda: iter(data), output_signature=data.element_spec)
    steps = [steps for _, steps in epochs_told(make(), endless, epochs=3)]
    assert np.isnan(steps[:BATCHES]).all()
    assert steps[BATCHES:] == [float(BATCHES)] * (2 * BATCHES)


def test_a_loop_of_ones_own_tells_its_epochs():
    optimizer = make().optimizer
    optimizer.begin_epoch(10)
    assert float(optimizer._context().epoch_steps) == 10.0
    optimizer.begin_epoch()
    assert np.isnan(float(optimizer._context().epoch_steps))
    for wrong in (0, -3, "ten", True):
        with pytest.raises(ValueError, match="Received: steps="):
            optimizer.begin_epoch(wrong)


def test_the_callback_is_added_once_and_to_no_other_optimizer():
    def callbacks(model, **arguments):
        found = []

        class Spy(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                pass

        made = keras.callbacks.CallbackList(
            [Spy(), *arguments.pop("given", [])], add_history=True, model=model, epochs=1, steps=1
        )
        made.on_train_begin()
        found += [c for c in made.callbacks if isinstance(c, RunLength)]
        return len(found)

    model = make()
    assert callbacks(model) == 1 and callbacks(model, given=[RunLength()]) == 1
    model.compile("sgd", "mse")
    assert callbacks(model) == 0


class Beginnings(keras.callbacks.Callback):
    """Counts what a list of callbacks calls."""

    def __init__(self):
        super().__init__()
        self.runs = self.epochs = self.batches = 0

    def on_train_begin(self, logs=None):
        self.runs += 1

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs += 1

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1


@pytest.mark.parametrize("told", [{}, {"epochs": 2}, {"epochs": 2, "steps": BATCHES}])
def test_a_list_of_callbacks_that_a_user_made_counts_too(told, capsys):
    model, counted = make(), Beginnings()
    own = keras.callbacks.CallbackList([counted], model=model, add_history=True, **told)
    history = model.fit(X, Y, batch_size=16, epochs=2, callbacks=own)
    assert set(seen(model)[0]) == {2 * BATCHES}
    assert (counted.runs, counted.epochs, counted.batches) == (1, 2, 2 * BATCHES)
    # Nothing comes to the user's list, which keeps the history and shows no progress.
    assert [type(c).__name__ for c in own.callbacks] == ["Beginnings", "History"]
    assert own.params == told and capsys.readouterr().out == ""
    assert history is own.callbacks[1] and len(history.history["loss"]) == 2
    fit(model, epochs=3, callbacks=own)  # Told anew, and counted as one more.
    assert seen(model)[0][-1] == 3 * 2 * BATCHES + 3 * BATCHES and model.optimizer.fits == 2


def test_with_a_list_of_callbacks_weights_are_those_without():
    plain = make()
    fit(plain, epochs=2, validation_split=0.25)
    listed = make()
    callbacks = keras.callbacks.CallbackList([], model=listed, add_history=True)
    fit(listed, epochs=2, validation_split=0.25, callbacks=callbacks)
    assert_same(weights(plain), weights(listed), rtol=0)
    assert "val_loss" in listed.history.history


def test_a_list_of_callbacks_within_a_list_is_looked_into():
    def length(*callbacks):
        model = make()
        fit(model, epochs=2, callbacks=list(callbacks))
        assert model.optimizer.fits == 1
        return seen(model)[0]

    listed = keras.callbacks.CallbackList
    stopping = keras.callbacks.EarlyStopping("loss")
    assert set(length(listed([Beginnings()]))) == {2 * BATCHES}
    assert set(length(listed([RunLength()]))) == {2 * BATCHES}
    assert np.isnan(length(listed([stopping]))).all()
    assert np.isnan(length(listed([RunLength()]), stopping)).all()
    model = make()
    fit(model, epochs=2, callbacks=listed([RunLength(), listed([])], model=model))
    assert set(seen(model)[0]) == {2 * BATCHES}


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
    fit(stopped, epochs=4, shuffle=False, callbacks=[Breaks(2)])
    stopped.save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    assert np.abs(weights(whole)[0] - weights(resumed)[0]).max() > 1e-6
    fit(resumed, epochs=4, initial_epoch=2, shuffle=False)
    assert_same(weights(whole), weights(resumed), rtol=1e-5, atol=1e-7)


class Often(keras.Model):
    """Applies its gradients as often as `times(batch)` says, counted in a variable."""

    def __init__(self, times):
        super().__init__()
        self.head = keras.layers.Dense(1)
        self.batch = self.add_weight(shape=(), dtype="int32", trainable=False, name="batch")
        self.times = times

    def call(self, inputs):
        return self.head(inputs)

    def train_step(self, data):
        x, y = data

        def again(i):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x) - y) ** 2)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return i + 1

        tf.while_loop(lambda i: i < self.times(self.batch.value), again, [tf.constant(0)])
        self.batch.assign_add(1)
        return {"batches": tf.convert_to_tensor(self.batch.value)}


def often(times, **optimizer_arguments):
    keras.utils.set_random_seed(1)
    model = Often(times)
    model(X[:2])
    model.compile(LearnedOptimizer(rule=Probe(), **optimizer_arguments), jit_compile=False)
    return model


@pytest.mark.parametrize(
    "times, accumulation, updates, known_after",
    [
        (lambda batch: 3, None, 48, 3),  # Several gradients a batch.
        (lambda batch: 3, 2, 24, 2),
        (lambda batch: tf.where(batch % 4 == 3, 1, 0), None, 4, 4),  # Accumulates by itself.
        (lambda batch: tf.where(batch < 4, 1, 3), None, 40, 16),  # Others from an epoch on.
        (lambda batch: tf.where(batch < 2, 0, 1), None, 14, 6),
    ],
    ids=["several", "accumulated", "rarely", "changing", "late"],
)
def test_updates_that_are_no_batches_correct_the_length(times, accumulation, updates, known_after):
    model = often(times, gradient_accumulation_steps=accumulation)
    fit(model, epochs=4)
    lengths, progress, _ = seen(model)
    assert len(lengths) == updates and list(progress) == list(range(updates))
    assert set(lengths[known_after:]) == ({updates} if updates > known_after else set())
    assert (progress < lengths).all(), "no step is taken after the end that was told"


def test_steps_beyond_an_epoch_that_keras_takes_correct_the_length():
    model = make(steps_per_execution=2)
    dataset = pipeline().repeat()
    fit(model, x=dataset, y=None, batch_size=None, steps_per_epoch=3, epochs=4)
    lengths, progress, _ = seen(model)
    assert list(progress) == list(range(16)) and lengths[-1] == 16


@pytest.mark.parametrize("times", [1, 3])
def test_a_run_resumed_counts_the_epochs_before_it_in_updates(times):
    whole, stopped = (often(lambda batch: times) for _ in range(2))
    fit(whole, epochs=4)
    fit(stopped, epochs=4, callbacks=[Breaks(2)])
    fit(stopped, epochs=4, initial_epoch=2)
    for model in (whole, stopped):
        lengths, progress, _ = seen(model)
        assert list(progress)[-7:] == list(range(16 * times))[-7:]
        assert set(lengths[-7:]) == {16 * times}


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

"""`Trainer.fit`: the loop, Keras's callbacks and those of the package."""

import csv
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import l2l_tf
from l2l_tf import meta, presets
from l2l_tf.meta import callbacks, checkpoint

SETTINGS = meta.Settings(
    trajectories=(4,),
    validate_every=5,
    num_validation_tasks=2,
    jit_compile=False,
    checkpoint_every=4,
)


def make(**changes):
    return meta.Trainer(
        "rnnprop(hidden_size=2,layers=1)",
        ["quadratic(dimension=2)"],
        "bptt(unroll=2,num_tasks=2)",
        settings=SETTINGS,
        **changes,
    )


def weights(trainer):
    return {name: v.numpy() for name, v in trainer.variables.items()}


def assert_same(a, b):
    for name, value in weights(a).items():
        np.testing.assert_array_equal(value, weights(b)[name])


class Events(keras.callbacks.Callback):
    """Writes down what it is told."""

    NAMES = [f"on_{e}_{w}" for e in ("train", "epoch", "train_batch", "test") for w in "begin end"
             .split()]  # fmt: skip

    def __init__(self):
        super().__init__()
        self.seen = []
        for name in self.NAMES:
            setattr(self, name, self._noting(name))

    def _noting(self, name):
        def note(*arguments, logs=None):
            logs = arguments[-1] if arguments and isinstance(arguments[-1], dict) else logs
            self.seen.append((name, self.model.meta_step, sorted(logs or {})))

        return note


def test_it_is_the_loop_of_steps_and_validations():
    trainer, by_hand = make(), make(meta_steps=12)
    history = trainer.fit(12, verbose=0)
    by_hand.validate()
    losses = []
    while not by_hand.finished:
        losses.append(by_hand.step()["meta_loss"])
        if by_hand.meta_step in (5, 10, 12):
            by_hand.validate()
    assert_same(trainer, by_hand)
    assert trainer.validations == by_hand.validations
    assert history.epoch == [0, 1, 2] and history.history["meta_step"] == [5, 10, 12]
    means = [np.mean(losses[:5]), np.mean(losses[5:10]), np.mean(losses[10:])]
    np.testing.assert_allclose(history.history["loss"], means)
    assert history.history["val_loss"] == [h["score"] for h in by_hand.validations[1:]]
    assert history.history["val_final_loss_0"] == [
        h["final_loss_0"] for h in by_hand.validations[1:]
    ]


def test_callbacks_are_told_as_keras_tells_them():
    events = Events()
    make().fit(6, callbacks=[events], verbose=0)
    names = [name for name, _, _ in events.seen]
    step = ["on_train_batch_begin", "on_train_batch_end"]
    validation = ["on_test_begin", "on_test_end"]
    assert names == [
        "on_train_begin",
        *validation,
        "on_epoch_begin",
        *step * 5,
        *validation,
        "on_epoch_end",
        "on_epoch_begin",
        *step,
        *validation,
        "on_epoch_end",
        "on_train_end",
    ]
    told = {name: logs for name, _, logs in events.seen}
    assert {"loss", "meta_gradient_norm", "skipped"} <= set(told["on_train_batch_end"])
    assert told["on_test_end"] == ["final_loss_0", "loss"]
    assert {"loss", "val_loss", "val_final_loss_0", "meta_step"} <= set(told["on_epoch_end"])


def test_kerass_early_stopping_and_csv_logger_work_as_they_are(tmp_path):
    # No score improves by so much.
    stopping = keras.callbacks.EarlyStopping(patience=1, min_delta=1e6)
    logger = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    trainer = make()
    history = trainer.fit(100, callbacks=[stopping, logger], verbose=0)
    assert trainer.meta_step == 10 and trainer.stop_training
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(r["val_loss"]) for r in rows] == history.history["val_loss"]


def of_a_model(tmp_path):
    """Callbacks that work on a Keras model → what the error names in their place."""
    kept = keras.callbacks
    return {
        kept.ModelCheckpoint(str(tmp_path / "m.keras")): "meta.callbacks.Checkpoint",
        kept.BackupAndRestore(str(tmp_path / "backup")): "meta.callbacks.Checkpoint",
        kept.TensorBoard(str(tmp_path / "logs")): "meta.callbacks.TensorBoard",
        kept.ReduceLROnPlateau(): "meta_learning_rate",
        kept.LearningRateScheduler(lambda epoch: 0.1): "meta_learning_rate",
        kept.ProgbarLogger(): "verbose=1",
        kept.SwapEMAWeights(): "ema_decay",
        l2l_tf.RunLength(): "known_horizon",
        l2l_tf.OptimizerSummaries(tmp_path / "summaries"): "meta.callbacks.TensorBoard",
    }


def test_callbacks_of_a_model_are_refused_before_anything_runs(tmp_path):
    trainer = make()
    for callback, instead in of_a_model(tmp_path).items():
        name = type(callback).__name__
        with pytest.raises(ValueError, match=rf"^{name} works on .*Received: .*{name}") as error:
            trainer.fit(3, callbacks=[keras.callbacks.CSVLogger("log.csv"), callback])
        assert instead in str(error.value)
    assert trainer.meta_step == 0 and trainer.validations == []
    assert trainer.settings.meta_steps != 3


def test_every_callback_of_keras_works_or_is_refused_by_name():
    works = {"Callback", "CSVLogger", "EarlyStopping", "History", "LambdaCallback"}
    works |= {"RemoteMonitor", "TerminateOnNaN"}
    known = {n for n, c in vars(keras.callbacks).items() if isinstance(c, type)}
    assert known <= works | set(callbacks.INSTEAD)


def test_what_is_no_callback_or_has_no_direction_is_refused():
    with pytest.raises(ValueError, match="Received: 'csv'"):
        make().fit(3, callbacks=["csv"])
    stopping = keras.callbacks.EarlyStopping(monitor="val_final_loss_0")
    with pytest.raises(ValueError, match="mode='min'.*Received: monitor='val_final_loss_0'"):
        make().fit(3, callbacks=[stopping])


def test_one_callback_alone_or_none_is_taken_too():
    events = Events()
    make().fit(1, callbacks=events, verbose=0)
    assert events.seen
    assert make().fit(1, callbacks=None, verbose=0).epoch == [0]


def test_without_tqdm_there_are_the_lines_alone(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    trainer = make()
    trainer.fit(5, verbose=1)
    shown = capsys.readouterr()
    assert [line.split(":")[0] for line in shown.out.splitlines()] == ["meta-step 0", "meta-step 5"]
    assert trainer.finished and shown.err == ""


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_progress_bar_among_the_callbacks_is_the_only_one(verbose, capsys):
    make().fit(5, callbacks=[callbacks.ProgressBar()], verbose=verbose)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["meta-step 0", "meta-step 5"]


def test_the_best_weights_of_early_stopping_come_back():
    class Worse(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = float(epoch)

    stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    seen = []
    noting = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(trainer.get_weights())
    )
    trainer = make()
    trainer.fit(100, callbacks=[Worse(), noting, stopping], verbose=0)
    assert len(seen) == 3
    for kept, first in zip(trainer.get_weights(), seen[0], strict=True):
        np.testing.assert_array_equal(kept, first)


def test_checkpoints_go_on_exactly_where_the_run_was(tmp_path):
    whole = make()
    whole.fit(12, verbose=0)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = self.model.meta_step == 7

    first = make()
    first.fit(12, [Stop(), callbacks.Checkpoint(tmp_path)], verbose=0)
    second = make(meta_steps=12)
    assert second.restore(tmp_path) and second.meta_step == 7
    assert second.fit(verbose=0).epoch == [1, 2]
    assert_same(second, whole)
    assert second.validations == whole.validations


def test_a_checkpoint_at_a_validation_holds_it(tmp_path):
    class Killed(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("killed")

    trainer = make()
    with pytest.raises(RuntimeError, match="killed"):
        trainer.fit(20, [callbacks.Checkpoint(tmp_path, every=5), Killed()], verbose=0)
    step, _, info = checkpoint.newest_checkpoint(tmp_path)
    assert step == 5 and [h["meta_step"] for h in info["history"]] == [0, 5]


def summaries(directory):
    """Dicts tag → steps, tag → kind, tag → tensors of what was written for TensorBoard."""
    (events,) = directory.iterdir()
    steps, kinds, tensors = {}, {}, {}
    for record in tf.data.TFRecordDataset(str(events)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            steps.setdefault(value.tag, []).append(event.step)
            tensors.setdefault(value.tag, []).append(value.tensor)
            if value.metadata.plugin_data.plugin_name:
                kinds[value.tag] = value.metadata.plugin_data.plugin_name
    return steps, kinds, tensors


def test_tensorboard_gets_scalars_histograms_and_images_of_curves(tmp_path):
    make().fit(6, [callbacks.TensorBoard(tmp_path, update_freq=2)], verbose=0)
    steps, kinds, tensors = summaries(tmp_path)
    assert steps["train/meta_loss"] == steps["train/learning_rate"] == [1, 2, 4, 6]
    assert steps["validation/score"] == steps["validation/final_loss_0"] == [0, 5, 6]
    assert steps["meta_params/output_kernel"] == [0, 5, 6]
    assert steps["changes/output_kernel"] == [5, 6]
    assert kinds["changes/output_kernel"] == "histograms"
    assert steps["curves/0"] == [0, 5, 6] and kinds["curves/0"] == "images"
    width, height, *pictures = tf.make_ndarray(tensors["curves/0"][-1]).tolist()
    picture = tf.io.decode_png(pictures[0])
    assert picture.shape == (int(height), int(width), 3)
    assert len(np.unique(picture)) > 10  # Lines of several colours.


def test_tensorboard_without_images(tmp_path):
    make().fit(1, [callbacks.TensorBoard(tmp_path, curves=False)], verbose=0)
    assert not any(tag.startswith("curves") for tag in summaries(tmp_path)[0])


def test_curves_of_a_validation_end_where_its_final_losses_are():
    trainer = make()
    values = trainer.validate()
    (curve,) = trainer.validation_curves
    assert curve.shape == (4,)
    assert values["final_loss_0"] == pytest.approx(float(curve[-1]))


def test_it_says_its_validations_unless_it_is_to_be_silent(capsys):
    make().fit(5, verbose=1)
    shown = capsys.readouterr()
    assert [line.split(":")[0] for line in shown.out.splitlines()] == ["meta-step 0", "meta-step 5"]
    assert shown.err == ""  # No bar, as this is no terminal.
    make().fit(5, verbose=0)
    assert capsys.readouterr().out == ""


def test_a_run_keeps_to_its_number_of_meta_steps():
    trainer = make()
    trainer.fit(3, verbose=0)
    assert trainer.fit(3, verbose=0).epoch == [] and trainer.finished
    with pytest.raises(ValueError, match="new run, .* is one of 3, .*Received: meta_steps=4"):
        trainer.fit(4)
    with pytest.raises(ValueError, match="Received: meta_steps=0"):
        make().fit(0)


def test_the_learning_rate_decays_along_the_run_that_fit_is_told():
    trainer = make(meta_learning_rate=1.0)
    trainer.fit(2, verbose=0)
    assert float(trainer.optimizer.learning_rate) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "arguments, received",
    [
        ({"rule": "unheard_of"}, "rule='unheard_of'"),
        ({"tasks": ["unheard_of"]}, "task='unheard_of'"),
        ({"tasks": []}, r"tasks=\[\]"),
        ({"estimator": "unheard_of"}, "estimator='unheard_of'"),
        ({"rate": 1.0}, "rate=1.0"),
        ({"meta_steps": 0}, "meta_steps=0"),
    ],
)
def test_what_cannot_be_trained_is_refused(arguments, received):
    given = {"rule": "rnnprop", "tasks": ["quadratic"], **arguments}
    with pytest.raises(ValueError, match=f"Received: {received}"):
        meta.Trainer(**given)


def test_a_preset_made_in_python_says_how_it_was_made(tmp_path):
    trainer = make(meta_learning_rate=0.02, seed=3)
    trainer.fit(10, verbose=0)
    trainer.save_preset(tmp_path / "p")
    kept = presets.load_preset(tmp_path / "p")
    for name, value in trainer.best.items():
        np.testing.assert_array_equal(kept.meta_params[name], value)
    said = presets.load_card(tmp_path / "p")
    for text in (repr(trainer.rule), repr(trainer.tasks[0]), repr(trainer.estimator)):
        assert f"`{text}`" in said
    assert "Seed: 3\n" in said and "Meta-steps: 10 of 10, the best at " in said
    assert "meta_learning_rate=0.02" in said and said.count("\n| ") == 4
    summary = presets.summarize(tmp_path / "p")
    assert summary.tasks == {"Quadratic": 1} and summary.horizon == 4
    assert summary.best_score == pytest.approx(trainer.best_score, abs=1e-4)


def test_what_was_never_validated_is_not_kept(tmp_path):
    with pytest.raises(ValueError, match="Received: best_score=inf after 0 of them"):
        make().save_preset(tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_rooms_of_the_package_need_no_import_of_their_own():
    assert l2l_tf.meta is meta and "evaluation" in dir(l2l_tf)
    with pytest.raises(AttributeError, match="no attribute 'kitchen'"):
        l2l_tf.kitchen  # noqa: B018

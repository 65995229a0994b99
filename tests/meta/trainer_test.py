"""Meta-training: progress, skipping, early stopping, resume."""

import logging

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import rules, tasks
from l2l_tf.core import renamed
from l2l_tf.meta import checkpoint
from l2l_tf.meta.curriculum import curriculum_at
from l2l_tf.meta.estimators import TruncatedBPTT
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.trainer import Trainer


def make(task=None, **settings):
    task = task or tasks.Quadratic(dimension=3)
    # Compiling takes longer than these meta-steps do without.
    defaults = dict(
        meta_steps=40,
        trajectories=(10, 20),
        validate_every=10,
        num_validation_tasks=4,
        jit_compile=False,
    )
    return Trainer(
        rules.RNNProp(hidden_size=4, layers=1),
        [tasks.RandomScaling(task, 1.0), task],
        TruncatedBPTT(unroll=5, num_tasks=2),
        [task],
        Settings(**{**defaults, **settings}),
    )


def weights(trainer):
    return {k: v.numpy() for k, v in trainer.variables.items()}


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.slow
def test_meta_training_lowers_the_validation_score(jit):
    trainer = make(meta_steps=150, meta_learning_rate=1e-2, jit_compile=jit)
    before = trainer.validate()["score"]
    while not trainer.finished:
        trainer.step()
    assert trainer.validate()["score"] < before - 0.5
    assert trainer.best_step == 150


class LevelOfTheSplit(tasks.Task):
    """A parabola on top of 1 on the training split, and of 100 on the validation split."""

    def init(self, seed):
        return [tf.ones([1])], []

    def batch(self, seed, step, split="train"):
        return tf.constant({"train": 1.0, "validation": 100.0}[split])

    def loss(self, params, model_state, batch):
        return tf.reduce_sum(params[0] ** 2) + batch, model_state, {}


@pytest.mark.parametrize(
    "meta_loss_split, level", [("same", 1.0), ("fresh", 1.0), ("held_out", 100.0)]
)
def test_validation_measures_where_the_meta_loss_is_measured(meta_loss_split, level):
    task = LevelOfTheSplit()
    trainer = Trainer(
        rules.RNNProp(hidden_size=2, layers=1),
        [task],
        TruncatedBPTT(unroll=5, num_tasks=2, meta_loss_split=meta_loss_split),
        [task],
        Settings(meta_steps=1, trajectories=(10,), num_validation_tasks=2, jit_compile=False),
    )
    assert level < trainer.validate()["final_loss_0"] < level + 1.5


class SumOfSquares(tasks.Task):
    """A task with `loss` alone, which sums over all there is."""

    def init(self, seed):
        return [tf.random.stateless_normal([3], seed)], []

    def loss(self, params, model_state, batch):
        return tf.reduce_sum(tf.square(params[0])), model_state, {}


@pytest.mark.parametrize("second_derivatives", [False, True])
def test_a_task_with_a_loss_alone_trains_under_xla(second_derivatives):
    trainer = Trainer(
        rules.RNNProp(hidden_size=2, layers=1),
        [SumOfSquares()],
        TruncatedBPTT(unroll=2, num_tasks=2, second_derivatives=second_derivatives),
        settings=Settings(meta_steps=1, trajectories=(2,), num_validation_tasks=2),
    )
    values = trainer.step()
    assert values["skipped"] == 0.0 and values["meta_gradient_norm"] > 0.0


def test_split_and_resumed_equals_one_run(tmp_path):
    whole = make(ema_decay=0.9)
    for _ in range(13):
        whole.step()
    first = make(ema_decay=0.9)
    for _ in range(7):
        first.step()
    first.validate()
    first.save(tmp_path)
    second = make(ema_decay=0.9)
    assert second.restore(tmp_path)
    assert second.meta_step == 7 and second.best_score == first.best_score
    for _ in range(6):
        second.step()
    for name, value in weights(whole).items():
        np.testing.assert_array_equal(value, weights(second)[name])
        np.testing.assert_array_equal(whole.averages[name], second.averages[name])


def test_what_is_validated_and_kept_is_the_average_of_the_meta_parameters():
    trainer = make(ema_decay=0.5)
    expected = weights(trainer)
    for _ in range(10):
        decay = min(0.5, (1 + trainer.meta_step) / (10 + trainer.meta_step))
        trainer.step()
        for name, value in weights(trainer).items():
            expected[name] = decay * expected[name] + (1 - decay) * value
    averaged = trainer.validate()["score"]
    for name, value in expected.items():
        np.testing.assert_allclose(trainer.best[name], value, rtol=1e-5, atol=1e-7)
        trainer.averages[name].assign(trainer.variables[name])
    assert trainer.validate()["score"] != averaged


def test_a_corrupt_checkpoint_is_passed_over_for_the_one_before(tmp_path):
    trainer = make()
    trainer.save(tmp_path)
    trainer.step()
    trainer.save(tmp_path)
    newest = tmp_path / "checkpoint-000000001.npz"
    newest.write_bytes(newest.read_bytes()[:-10])
    with pytest.warns(UserWarning, match="checkpoint-000000001.npz is damaged"):
        assert checkpoint.newest_checkpoint(tmp_path)[0] == 0
    assert checkpoint.newest_checkpoint(tmp_path / "missing") is None


def test_where_all_checkpoints_are_damaged_no_run_takes_their_place(tmp_path):
    trainer = make()
    assert not trainer.restore(tmp_path)
    trainer.save(tmp_path)
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(path.read_bytes()[:-10])
    with (
        pytest.warns(UserWarning, match="is damaged"),
        pytest.raises(ValueError, match="All checkpoints are damaged.* Received: "),
    ):
        trainer.restore(tmp_path)


def no_room(path, content):
    raise OSError("no room")


def test_what_stands_already_is_not_written_again(tmp_path, monkeypatch):
    """After the checkpoint of a run's last step the run ends: a kill then would damage it."""
    arrays = {"a": np.ones(2)}
    checkpoint.save_checkpoint(tmp_path, 1, arrays, {"b": 1})
    monkeypatch.setattr(checkpoint, "write_whole", lambda *_: pytest.fail("written"))
    checkpoint.save_checkpoint(tmp_path, 1, arrays, {"b": 1})
    monkeypatch.undo()
    checkpoint.save_checkpoint(tmp_path, 1, arrays, {"b": 2})
    assert checkpoint.newest_checkpoint(tmp_path)[2] == {"b": 2}
    (path,) = tmp_path.glob("*.npz")
    whole = path.read_bytes()
    monkeypatch.setattr(checkpoint, "write_whole", no_room)
    with pytest.raises(OSError, match="no room"):
        checkpoint.save_checkpoint(tmp_path, 1, arrays, {"b": 3})
    assert checkpoint.newest_checkpoint(tmp_path)[2] == {"b": 2}
    monkeypatch.undo()
    path.write_bytes(whole[:-10])
    checkpoint.save_checkpoint(tmp_path, 1, arrays, {"b": 2})
    assert path.read_bytes() == whole


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    for step in range(5):
        checkpoint.save_checkpoint(tmp_path, step, {"a": np.ones(2)}, {}, keep=2)
    assert sorted(p.name for p in tmp_path.glob("*.npz")) == [
        "checkpoint-000000003.npz",
        "checkpoint-000000004.npz",
    ]


def test_a_checkpoint_with_the_names_of_an_earlier_time_is_taken_up(tmp_path):
    trainer = make(ema_decay=0.5)
    trainer.step()
    trainer.save(tmp_path)
    step, arrays, info = checkpoint.newest_checkpoint(tmp_path)
    before = {new: old for old, new in renamed.FIELDS.items()}
    described = info["describe"]
    for config in (described["estimator"]["config"], described["settings"]):
        for name in set(config) & set(before):
            config[before[name]] = config.pop(name)
    assert "told" in described["estimator"]["config"]
    checkpoint.save_checkpoint(tmp_path, step, arrays, info)
    assert make(ema_decay=0.5).restore(tmp_path)
    with pytest.raises(ValueError, match="settings.ema_decay=0.5. Received: settings.ema_decay=0"):
        make().restore(tmp_path)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    make().save(tmp_path)
    with pytest.raises(
        ValueError, match="other settings: settings.seed=0. Received: settings.seed=1"
    ):
        make(seed=1).restore(tmp_path)


def changed(name, change):
    """What changes one array of a checkpoint."""
    return lambda arrays, info: arrays.update({name: change(arrays[name])})


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays, info: arrays.pop("optimizer/0"),
        lambda arrays, info: arrays.pop("run/0/0"),
        changed("meta_params/output_bias", lambda a: a[..., None]),
        changed("meta_params/output_bias", lambda a: a.astype("<U4")),
        changed("run/0/0", lambda a: a.ravel()[:-1]),
        lambda arrays, info: info.pop("describe"),
        lambda arrays, info: info.update(runs=5),
        lambda arrays, info: info.update(runs=[{"start": 0}]),
        lambda arrays, info: info.update(runs=[{"start": 0, "trajectory": 9}] * 9),
        lambda arrays, info: info.update(describe="lstm"),
        lambda arrays, info: info.update(history=None),
    ],
)
def test_a_checkpoint_that_is_whole_and_of_something_else_is_refused(change, tmp_path):
    trainer = make()
    trainer.step()
    trainer.save(tmp_path)
    step, arrays, info = checkpoint.newest_checkpoint(tmp_path)
    change(arrays, info)
    checkpoint.save_checkpoint(tmp_path, step, arrays, info)
    with pytest.raises(ValueError, match="The checkpoint .* Received: "):
        make().restore(tmp_path)


def test_a_meta_gradient_that_is_not_finite_is_skipped_and_counted():
    class Broken(tasks.Quadratic):
        def tasks_loss(self, params, model_state, batch):
            losses, model_state = super().tasks_loss(params, model_state, batch)
            return losses * float("nan"), model_state

    trainer = make(task=Broken(dimension=3))
    before = weights(trainer)
    assert trainer.step()["skipped"] == 1.0
    assert trainer.skipped == 1 and trainer.meta_step == 1
    for name, value in weights(trainer).items():
        np.testing.assert_array_equal(value, before[name])


def test_patience_stops_early_and_keeps_the_best():
    trainer = make(patience=2, meta_learning_rate=0.0)
    trainer.validate()
    for _ in range(2):
        trainer.step()
        trainer.validate()
    assert trainer.finished and trainer.best_step == 0


def test_the_curriculum_takes_equal_shares():
    lengths = [curriculum_at((10, 20, 40), step, 30) for step in range(30)]
    assert lengths == [10] * 10 + [20] * 10 + [40] * 10


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match="Received: ema_decay=1"):
        Settings(ema_decay=1.0)
    with pytest.raises(ValueError, match="Received: trajectory=7"):
        make(trajectories=(7,))
    with pytest.raises(ValueError, match="Received: Adam"):
        Trainer(rules.Adam(), [tasks.Quadratic()])


@pytest.mark.parametrize(
    "arguments, received",
    [
        ({"settings": {}}, "settings={}"),
        ({"settings": {"meta_steps": 3}}, "settings={'meta_steps': 3}"),
        ({"estimator": 3}, "estimator=3"),
        ({"estimator": TruncatedBPTT}, "estimator=<class"),
        ({"tasks": "quadratic"}, "tasks='quadratic'"),
        ({"tasks": tasks.Quadratic()}, "tasks=Quadratic"),
        ({"tasks": [3]}, "tasks=3"),
        ({"validation_tasks": "quadratic"}, "validation_tasks='quadratic'"),
        ({"validation_tasks": [None]}, "validation_tasks=None"),
        ({"spread": "mirrored"}, "spread='mirrored'"),
        ({"rule": "r"}, "rule='r'"),
        ({"rule": 3}, "rule=3"),
    ],
)
def test_arguments_of_other_classes_are_refused(arguments, received):
    arguments = {"rule": rules.LSTM(hidden_size=2), "tasks": ["quadratic"], **arguments}
    with pytest.raises(ValueError, match=f"Received: {received}"):
        Trainer(**arguments)


@pytest.mark.parametrize("name", ["nonsense", "no/such/place", "adam(beta_1=2)", 3])
def test_a_meta_optimizer_that_is_not_there_is_refused_when_settings_are_made(name):
    with pytest.raises(ValueError, match="Received: "):
        Settings(meta_optimizer=f"preset:{name}" if isinstance(name, str) else name)


def test_a_task_with_batches_from_python_trains_like_any_other():
    class FromPython(tasks.DigitsMLP):
        in_graph = False

        def batch(self, seed, step, split="train"):
            return tf.nest.map_structure(tf.identity, super().batch(seed, step, split))

    trainer = Trainer(
        rules.RNNProp(hidden_size=4, layers=1),
        [FromPython(hidden=4, batch_size=8)],
        TruncatedBPTT(unroll=2, num_tasks=2),
        [FromPython(hidden=4, batch_size=8)],
        Settings(meta_steps=3, trajectories=(2,), num_validation_tasks=2, jit_compile=False),
    )
    assert np.isfinite(trainer.step()["meta_loss"])


def test_meta_steps_on_convolutions_are_not_compiled_and_others_are(monkeypatch):
    class Convolutions(tasks.Quadratic):
        jit_compile = False

    def asked_for(task, **settings):
        seen, function = [], tf.function

        def recorded(*arguments, **options):
            seen.append(options.get("jit_compile"))
            return function(*arguments, **options)

        with monkeypatch.context() as patched:
            patched.setattr(tf, "function", recorded)
            make(task, **settings)
        return {jit for jit in seen if jit is not None}

    assert asked_for(tasks.Quadratic(dimension=3), jit_compile=True) == {True}
    assert asked_for(Convolutions(dimension=3), jit_compile=True) == {False}
    assert asked_for(tasks.Quadratic(dimension=3), jit_compile=False) == {False}


def test_many_tasks_bring_no_warning_of_tracings():
    told = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    many = [tasks.Quadratic(dimension=2) for _ in range(6)]
    settings = Settings(jit_compile=False, trajectories=(2,), num_validation_tasks=1)
    estimator = TruncatedBPTT(unroll=2, num_tasks=1)
    trainer = Trainer(rules.LSTM(hidden_size=2), many, estimator, many[:1], settings)
    tf.get_logger().addHandler(handler)
    try:
        for _ in range(6):
            trainer.step()
    finally:
        tf.get_logger().removeHandler(handler)
    assert not [text for text in told if "retracing" in text]

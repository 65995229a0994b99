"""Keras models as tasks: fresh models by seed, batches of a pipeline, the model's own training."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import LearnedOptimizer, rules, tasks
from l2l_tf.meta import unroll
from l2l_tf.meta.batches import batches
from l2l_tf.meta.estimators import EvolutionStrategies, TruncatedBPTT
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.trainer import Trainer
from l2l_tf.tasks.digest import digest_of
from l2l_tf.testing import task_laws

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(44, 6)).astype("float32")
Y = (X @ GENERATOR.normal(size=(6, 1)) > 0).astype("float32")


def pipeline(rows=44, batch=8):
    return tf.data.Dataset.from_tensor_slices((X[:rows], Y[:rows])).batch(batch)


def plain():
    return keras.Sequential(
        [keras.layers.Input((6,)), keras.layers.Dense(5, "tanh"), keras.layers.Dense(1)]
    )


def with_everything():
    """Moving statistics, dropout, a penalty and a frozen layer."""
    inputs = keras.Input((6,))
    x = keras.layers.Dense(5, trainable=False)(inputs)
    x = keras.layers.Dense(5, kernel_regularizer=keras.regularizers.L2(0.1))(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.3)(keras.layers.Activation("relu")(x))
    return keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(x))


def recurrent():
    return keras.Sequential(
        [
            keras.layers.Input((6,)),
            keras.layers.Reshape((6, 1)),
            keras.layers.GRU(3),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )


def same(a, b, **tolerance):
    tf.nest.map_structure(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


@pytest.mark.parametrize("model", [plain, with_everything, plain()], ids=["f", "all", "model"])
def test_one_seed_gives_one_model_whatever_was_drawn_before(model):
    task = tasks.KerasModel(model, "mse", pipeline())
    first = task.init(tasks.as_seed(3))
    before = np.random.get_state()[1].copy()
    again = task.init(tasks.as_seed(3))
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    same(first, again)
    other = task.init(tasks.as_seed(4))
    assert any(np.abs(a - b).max() > 0.01 for a, b in zip(first[0], other[0], strict=True))
    both = task.init_tasks(tasks.as_seed(5), 2)
    same(tf.nest.map_structure(lambda t: t[1], both), task.init(tasks.fold_in(tasks.as_seed(5), 1)))


def test_variables_have_the_paths_that_the_model_gives_them():
    task = tasks.KerasModel(recurrent, "mse", pipeline())
    ends = ["kernel", "recurrent_kernel", "bias", "kernel", "bias"]
    assert [path.split("/")[-1] for path in task.variable_paths] == ends
    assert "gru" in task.variable_paths[1] and "dense" in task.variable_paths[3]
    assert tasks.get("quadratic").variable_paths is None


def test_an_epoch_visits_every_batch_once_in_an_order_of_the_seed():
    task = tasks.KerasModel(plain, "mse", {"train": pipeline(), "test": pipeline(16)})
    whole = {tuple(X[8 * i]) for i in range(5)}

    def order(seed, epoch):
        drawn = [task.batch(tasks.as_seed(seed), 5 * epoch + i) for i in range(5)]
        assert all(x.shape == (8, 6) and y.shape == (8, 1) for x, y in drawn)
        return [tuple(x[0].numpy()) for x, _ in drawn]

    orders = [order(0, 0), order(0, 1), order(1, 0)]
    assert all(set(o) == whole for o in orders)
    assert orders[0] != orders[1] and orders[0] != orders[2] and orders[0] == order(0, 0)
    x, y = task.full_batch("test")
    np.testing.assert_array_equal(x, X[:16])
    assert task.full_batch("validation") == ()


@pytest.mark.parametrize("model", [plain, with_everything, recurrent])
@pytest.mark.quick("with_everything")
def test_several_optimizees_at_once_equal_them_one_by_one(model, monkeypatch):
    task = tasks.KerasModel(model, "binary_crossentropy", pipeline())
    for side_by_side in (16, 2):
        monkeypatch.setattr(tasks.keras_model, "_SIDE_BY_SIDE", side_by_side)
        task_laws.several_at_once_equal_them_one_by_one(task, rtol=1e-5)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("model", [plain, with_everything])
@pytest.mark.quick("plain-False")
def test_the_unroll_is_what_keras_trains(model, jit):
    task = tasks.KerasModel(model, "binary_crossentropy", pipeline())
    rule, steps = rules.RNNProp(hidden_size=3, layers=1, seed=2), 12
    trajectory = unroll.begin(rule, task, tasks.as_seed(1), 1)
    drawn = batches(task, trajectory.seed, 1, 0, steps + 1)

    @tf.function(jit_compile=jit, autograph=False)
    def run(trajectory, drawn):
        return unroll.unroll(rule, task, trajectory, drawn, None, 0, float(steps), steps)

    losses, after = run(trajectory, drawn)
    net = model()
    # With XLA and without, dropout draws other numbers.
    net.compile(LearnedOptimizer(rule=rule), "binary_crossentropy", jit_compile=jit)
    for variable, value in zip(net.trainable_variables, trajectory.params, strict=True):
        variable.assign(value[0])
    for variable, value in zip(net.non_trainable_variables, trajectory.model_state, strict=True):
        variable.assign(value[0])
    met = []
    for step in range(steps + 1):
        net.reset_metrics()
        met.append(float(net.train_on_batch(drawn[0][step, 0], drawn[1][step, 0])))
    # The n-th loss of the unroll is the one that step n + 1 meets.
    np.testing.assert_allclose(losses[:, 0], met[1:], rtol=2e-4, atol=1e-5)
    assert len(after.params) == len(net.trainable_variables)
    assert float(losses[-1, 0]) != float(losses[0, 0])


@pytest.mark.parametrize("estimator", [TruncatedBPTT, EvolutionStrategies])
@pytest.mark.slow
def test_a_rule_is_meta_trained_on_it_and_resumed(estimator, tmp_path):
    def make():
        task = tasks.KerasModel(
            with_everything, "mse", {"train": pipeline(), "validation": pipeline(16)}
        )
        return Trainer(
            rules.RNNProp(hidden_size=3, layers=1),
            [tasks.RandomScaling(task, 1.0)],
            estimator(unroll=3, num_tasks=2, meta_loss_split="held_out"),
            [task],
            Settings(
                meta_steps=6,
                trajectories=(6,),
                num_validation_tasks=2,
                meta_learning_rate=0.02,
                jit_compile=False,
            ),
        )

    whole, first = make(), make()
    start = whole.validate()["score"]
    for _ in range(6):
        assert whole.step()["skipped"] == 0.0
    moved = [
        np.abs(v.numpy() - whole.rule.meta_params[k]).max() for k, v in whole.variables.items()
    ]
    assert max(moved) > 0.01 and whole.validate()["score"] != start
    for _ in range(3):
        first.step()
    first.save(tmp_path)
    second = make()
    assert second.restore(tmp_path)
    for _ in range(3):
        second.step()
    for name, variable in whole.variables.items():
        np.testing.assert_allclose(variable.numpy(), second.variables[name].numpy(), rtol=1e-6)


@pytest.mark.slow
def test_meta_training_on_a_keras_model_makes_the_rule_better():
    task = tasks.KerasModel(plain, "mse", pipeline())
    trainer = Trainer(
        rules.RNNProp(hidden_size=4, layers=1),
        [task],
        TruncatedBPTT(unroll=5, num_tasks=2, log_loss=True),
        [task],
        Settings(
            meta_steps=40, trajectories=(20,), num_validation_tasks=2, meta_learning_rate=0.02
        ),
    )
    before = trainer.validate()["score"]
    while not trainer.finished:
        trainer.step()
    assert trainer.validate()["score"] < before - 0.3


def test_nested_inputs_sample_weights_and_metrics():
    def two_inputs():
        a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
        joined = keras.layers.Concatenate()([a, b])
        return keras.Model({"a": a, "b": b}, keras.layers.Dense(1)(joined))

    weight = np.linspace(0, 1, 16).astype("float32")
    rows = {"a": X[:16], "b": -X[:16]}
    data = tf.data.Dataset.from_tensor_slices((rows, Y[:16], weight)).batch(16)
    square = lambda y, outputs: tf.square(y - outputs)[:, 0]  # noqa: E731
    results = []
    for loss in ("mse", square, keras.losses.MeanSquaredError()):
        task = tasks.KerasModel(
            two_inputs, loss, {"train": data}, {"mae": keras.losses.mean_absolute_error}
        )
        params, state = task.init(tasks.as_seed(0))
        batch = task.batch(tasks.as_seed(0), 0)
        value, _, measured = task.loss(params, state, batch)
        outputs = np.concatenate([rows["a"], rows["b"]], 1) @ params[0].numpy() + params[1].numpy()
        np.testing.assert_allclose(
            value, np.mean(weight * (Y[:16] - outputs)[:, 0] ** 2), rtol=1e-4
        )
        np.testing.assert_allclose(measured["mae"], np.abs(Y[:16] - outputs).mean(), rtol=1e-4)
        results.append(float(value))
    np.testing.assert_allclose(results, results[0], rtol=1e-5)


def test_records_tell_tasks_apart_without_naming_a_place_in_memory():
    task = tasks.KerasModel(plain, "mse", pipeline())
    assert repr(task) == repr(tasks.KerasModel(plain, "mse", pipeline()))
    assert "plain" in repr(task) and "mean_squared_error" in repr(task) and "0x" not in repr(task)
    assert repr(task) != repr(tasks.KerasModel(plain, "mse", pipeline(16)))


def other_activation():
    return keras.Sequential(
        [keras.layers.Input((6,)), keras.layers.Dense(5, "relu"), keras.layers.Dense(1)]
    )


def own_activation(scale):
    layer = keras.layers.Dense(5, lambda x: scale * tf.tanh(x))
    return keras.Sequential([keras.layers.Input((6,)), layer, keras.layers.Dense(1)])


def weighted(weight):
    def loss(y, outputs):
        return weight * tf.square(y - outputs)

    return loss


FACTOR, WEIGHTS, SMOOTHED = 2.0, [1.0, 2.0], keras.losses.Huber(0.5)
SEEN = tf.Variable(0)


def helper(x):
    return FACTOR * WEIGHTS[0] * x


class Own(keras.losses.Loss):
    """A loss that Keras names, and numbers from the second one on."""

    def call(self, y, outputs):
        SEEN.assign_add(1)
        return helper(tf.square(y - outputs)) + SMOOTHED(y, outputs)


def with_helper(y, outputs):
    return helper(tf.square(y - outputs))


class Subclassed(keras.Model):
    """A model whose configuration nobody wrote."""

    def __init__(self, width):
        super().__init__()
        self.dense, self.width = keras.layers.Dense(width), width

    def call(self, inputs):
        return tf.reduce_sum(self.dense(inputs), -1, keepdims=True)

    def get_config(self):
        raise NotImplementedError


def subclassed(width):
    def build():
        model = Subclassed(width)
        model(X[:1])
        return model

    return build


def test_tasks_that_differ_in_values_layers_or_code_have_other_records():
    moved = tf.data.Dataset.from_tensor_slices((X + 1.0, Y)).batch(8)
    held_out = {"train": pipeline(), "validation": moved}
    as_metric = {"own": keras.losses.mean_absolute_error}

    def drawn(model, loss="mse", data=None, metrics=None):
        task = tasks.KerasModel(model, loss, data or pipeline(), metrics, name="one")
        return repr(task)

    makers = [
        lambda: drawn(plain),
        lambda: drawn(plain, data=moved),
        lambda: drawn(plain, data=held_out),
        lambda: drawn(plain, metrics=as_metric),
        lambda: drawn(plain, weighted(1.0)),
        lambda: drawn(plain, weighted(2.0)),
        lambda: drawn(plain, lambda y, outputs: tf.square(y - outputs)),
        lambda: drawn(plain, lambda y, outputs: tf.square(y + outputs)),
        lambda: drawn(plain, lambda y, outputs: 2 * tf.square(y + outputs)),
        lambda: drawn(plain, functools.partial(keras.losses.huber, delta=1.0)),
        lambda: drawn(plain, functools.partial(keras.losses.huber, delta=2.0)),
        lambda: drawn(plain, keras.losses.Huber(0.5)),
        lambda: drawn(plain, keras.losses.Huber(0.7)),
        lambda: drawn(plain, with_helper),
        lambda: drawn(other_activation),
        lambda: drawn(plain()),
        lambda: drawn(other_activation()),
        lambda: drawn(functools.partial(own_activation, 1.0)),
        lambda: drawn(functools.partial(own_activation, 2.0)),
        lambda: drawn(subclassed(2)),
        lambda: drawn(subclassed(3)),
    ]
    first = [make() for make in makers]
    assert [n for n, text in enumerate(first) if first.index(text) != n] == []
    assert [make() for make in makers] == first  # Whatever was built in between.


def test_records_know_what_a_loss_refers_to(monkeypatch):
    def digest():
        return tasks.KerasModel(plain, with_helper, pipeline()).digest

    before = digest()
    assert digest() == before
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert digest() != before
    monkeypatch.setitem(globals(), "FACTOR", 2.0)
    monkeypatch.setitem(globals(), "helper", lambda x: x)
    assert digest() != before


@pytest.mark.parametrize(
    "name, other", [("WEIGHTS", [3.0]), ("SMOOTHED", keras.losses.Huber(0.7)), ("FACTOR", 3.0)]
)
def test_a_loss_of_ones_own_is_told_apart_by_what_it_refers_to_alone(monkeypatch, name, other):
    before = digest_of(Own())
    SEEN.assign_add(1)
    assert digest_of(Own()) == before
    monkeypatch.setitem(globals(), name, other)
    assert digest_of(Own()) != before


def test_constants_of_all_kinds_count():
    whole = {digest_of(f) for f in (lambda y, p: p[1:3], lambda y, p: p[1:4], lambda y, p: p[...])}
    assert len(whole) == 3
    assert len({digest_of(slice(1, 3)), digest_of(slice(1, 4)), digest_of(range(3))}) == 3


def test_a_checkpoint_of_a_model_is_refused_by_one_with_other_data(tmp_path):
    def trainer(data):
        task = tasks.KerasModel(plain, "mse", data, name="one")
        estimator = TruncatedBPTT(num_tasks=1, unroll=1)
        return Trainer(rules.LSTM(hidden_size=2), [task], estimator, trajectories=1)

    trainer(pipeline()).save(tmp_path)
    assert trainer(pipeline()).restore(tmp_path)
    moved = tf.data.Dataset.from_tensor_slices((X + 1.0, Y)).batch(8)
    with pytest.raises(ValueError, match="digest.*Received:"):
        trainer(moved).restore(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        {"model": 3},
        {"model": lambda: 3},
        {"model": lambda: keras.Sequential([keras.layers.Dense(1)])},
        {"model": lambda: keras.Sequential([keras.layers.Input((6,)), keras.layers.Flatten()])},
        {"data": [1, 2]},
        {"data": {"validation": pipeline()}},
        {"data": {"train": pipeline(), "other": pipeline()}},
        {"data": pipeline().repeat()},
        {"data": pipeline().take(0)},
        {"data": tf.data.Dataset.from_tensor_slices(X).batch(4)},
        {"data": pipeline(4, 3).concatenate(pipeline(8, 4))},
        {"batches": 0},
    ],
)
def test_what_is_no_model_or_no_pipeline_is_refused(arguments):
    arguments = {"model": plain, "loss": "mse", "data": pipeline(), **arguments}
    with pytest.raises((TypeError, ValueError), match="Received:"):
        tasks.KerasModel(**arguments)
    task = tasks.KerasModel(plain, "mse", pipeline().repeat(), batches=3)
    assert task.full_batch("train")[0].shape == (24, 6)
    with pytest.raises(ValueError, match="Received: split='validation'"):
        task.batch(tasks.as_seed(0), 0, "validation")

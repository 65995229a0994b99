"""A model exported with its training goes on as the model itself does."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import GENERATOR, RULES, X, Y, fit, make_model

from l2l_tf import LearnedOptimizer
from l2l_tf.export import export_training

ROWS = GENERATOR.normal(size=(8, 8, 8, 1)).astype("float32")
LABELS = (np.arange(8) % 3).astype("int64")


def learned(rule="lstm", **arguments):
    return LearnedOptimizer(rule=RULES[rule](), **arguments)


def convolutional(optimizer):
    """Batch norm, dropout, a regulariser and a sparse loss."""
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(3, 3, 2, kernel_regularizer=keras.regularizers.L2(0.1)),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model, ROWS, LABELS


def two_inputs(optimizer):
    """Inputs and outputs by name, one sparse loss among two, an embedding."""
    keras.utils.set_random_seed(3)
    words = keras.Input((4,), dtype="int32", name="words")
    numbers = keras.Input((2,), name="numbers")
    joined = keras.layers.Concatenate()(
        [keras.layers.Flatten()(keras.layers.Embedding(9, 2)(words)), numbers]
    )
    outputs = {
        "kind": keras.layers.Dense(3, "softmax", name="kind")(joined),
        "size": keras.layers.Dense(1, name="size")(joined),
    }
    model = keras.Model({"words": words, "numbers": numbers}, outputs)
    model.compile(
        optimizer,
        {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        metrics={"size": [keras.metrics.MeanAbsoluteError()]},
    )
    x = {"words": np.arange(32).reshape(8, 4) % 9, "numbers": ROWS[:, 0, :2, 0]}
    x["words"] = x["words"].astype("int32")
    return model, x, {"kind": LABELS, "size": ROWS[:, 1, :1, 0]}


def dense(optimizer):
    return make_model(optimizer=optimizer, metrics=["mae"]), X[:8], Y[:8]


def half_precision(optimizer):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return dense(optimizer)
    finally:
        keras.config.set_dtype_policy("float32")


class Loaded:
    """An exported model, as `tf.saved_model.load` gives it."""

    def __init__(self, model, directory, **arguments):
        export_training(model, directory, **arguments)
        self.module = tf.saved_model.load(directory)

    def train(self, x, y, steps):
        logs = [self.module.train_step(x, y) for _ in range(steps)]
        return [{k: float(v) for k, v in log.items()} for log in logs]


@pytest.mark.parametrize(
    ("build", "optimizer"),
    [
        (dense, learned),
        (convolutional, learned),
        (two_inputs, learned),
        (half_precision, learned),
        (dense, lambda: learned(clipnorm=0.01, weight_decay=0.1)),
        (dense, lambda: learned(use_ema=True, ema_overwrite_frequency=2)),
        (dense, lambda: learned(gradient_accumulation_steps=2)),
        (dense, lambda: learned("ntm_lbfgs")),
        (dense, lambda: keras.optimizers.Adam(0.01)),
    ],
    ids=[
        "plain",
        "convolutional",
        "inputs",
        "float16",
        "clip",
        "ema",
        "accumulation",
        "joint",
        "adam",
    ],
)
@pytest.mark.quick("clip")
def test_the_exported_model_trains_as_the_model_does(build, optimizer, tmp_path):
    model, x, y = build(optimizer())
    loaded = Loaded(model, tmp_path / "exported")
    logs = loaded.train(x, y, 4)
    expected = [model.train_on_batch(x, y, return_dict=True) for _ in range(4)]
    # Keras's metrics run on; ours are those of the batch: the first step tells.
    assert logs[0].keys() == expected[0].keys()
    for name, value in expected[0].items():
        np.testing.assert_allclose(logs[0][name], value, rtol=2e-3)
    theirs, ours = model(x, training=False), loaded.module.predict(x)
    for a, b in zip(keras.tree.flatten(theirs), keras.tree.flatten(ours), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    assert int(loaded.module.iterations()) == int(model.optimizer.iterations)


@pytest.mark.slow
def test_metrics_are_those_of_one_batch(tmp_path):
    model, x, y = dense(learned())
    loaded = Loaded(model, tmp_path / "exported")
    for rows in (x, 10.0 * x):
        expected = float(np.mean((loaded.module.predict(rows).numpy() - y) ** 2))
        np.testing.assert_allclose(loaded.train(rows, y, 1)[0]["loss"], expected, rtol=1e-4)


def test_a_fitted_model_is_exported_with_its_slots(tmp_path):
    model = make_model(optimizer=learned())
    fit(model, 1)
    loaded = Loaded(model, tmp_path / "exported")
    slots = loaded.module.optimizer_variables
    for name, slot in model.optimizer.slots_of(model.trainable_variables[0]).items():
        assert np.abs(slot.numpy()).max() > 0, name
        np.testing.assert_array_equal(slots[slot.path].numpy(), slot.numpy())


@pytest.mark.slow
def test_any_batch_size_and_the_serving_signature(tmp_path):
    model, *_ = dense(learned())
    module = Loaded(model, tmp_path / "exported").module
    for size in (1, 3, 64):
        assert np.isfinite(float(module.train_step(X[:size], Y[:size])["loss"]))
    served = module.signatures["serving_default"](tf.constant(X))
    np.testing.assert_allclose(list(served.values())[0], module.predict(X))


@pytest.mark.parametrize("build", [dense, two_inputs, half_precision])
@pytest.mark.quick("dense", "two_inputs")
def test_training_and_predictions_are_signatures_too(build, tmp_path):
    model, x, y = build(learned(use_ema=True, ema_momentum=0.5))
    module = Loaded(model, tmp_path / "exported").module
    other = tf.saved_model.load(tmp_path / "exported")
    named = {"x": x, "y": y}
    if isinstance(x, dict):
        named = {f"x_{k}": v for k, v in x.items()} | {f"y_{k}": v for k, v in y.items()}
    named = {name: tf.constant(value) for name, value in named.items()}
    for _ in range(3):
        logs = other.signatures["train_step"](**named)
        for name, value in module.train_step(x, y).items():
            np.testing.assert_allclose(logs[name], value, rtol=1e-4)
    assert int(other.signatures["iterations"]()["iterations"]) == 3
    module.finalize()
    other.signatures["finalize"]()
    serve = other.signatures["serving_default"]
    inputs = list(serve.structured_input_signature[1])
    given = {name: named[name] for name in inputs} if "x" not in named else {inputs[0]: named["x"]}
    served, expected = serve(**given), module.predict(x)
    if isinstance(expected, dict):
        expected = {f"output_{name}": value for name, value in expected.items()}
        assert expected.keys() == served.keys()
        pairs = [(served[name], expected[name]) for name in expected]
    else:
        pairs = [(list(served.values())[0], expected)]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_the_training_can_be_converted(tmp_path):
    model, *_ = dense(learned("rnnprop"))
    export_training(model, tmp_path / "exported")
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(tmp_path / "exported"), signature_keys=["train_step", "serving_default"]
    )
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    converter.experimental_enable_resource_variables = True
    converted = tf.lite.Interpreter(model_content=converter.convert())
    signature = converted.get_signature_list()["train_step"]
    assert sorted(signature["inputs"]) == ["x", "y"] and "loss" in signature["outputs"]


@pytest.mark.slow
def test_ema_is_written_over_the_weights_by_finalize(tmp_path):
    model, x, y = dense(learned(use_ema=True, ema_momentum=0.5))
    loaded = Loaded(model, tmp_path / "exported")
    loaded.train(x, y, 3)
    for _ in range(3):
        model.train_on_batch(x, y)
    model.optimizer.finalize_variable_values(model.trainable_variables)
    loaded.module.finalize()
    np.testing.assert_allclose(loaded.module.predict(x), model(x), rtol=1e-4, atol=1e-6)


ELSEWHERE = """
import json, sys
import numpy as np
import tensorflow as tf

first, second = sys.argv[1:]
x = np.linspace(-1, 1, 35).reshape(7, 5).astype("float32")
y = np.ones((7, 1), "float32")
loaded = tf.saved_model.load(first)
losses = [float(loaded.train_step(x, y)["loss"]) for _ in range(3)]
tf.saved_model.save(loaded, second, signatures=loaded.signatures)
again = tf.saved_model.load(second)
outputs = [m.predict(x).numpy().tolist() for m in (loaded, again)]
more = [float(m.train_step(x, y)["loss"]) for m in (loaded, again)]
ours = [m for m in sys.modules if m.startswith("l2l_tf")]
print(json.dumps([losses, outputs, more, int(again.iterations()), ours]))
"""


@pytest.mark.slow
def test_a_process_with_tensorflow_alone_trains_on_saves_and_loads_again(tmp_path):
    model = make_model(optimizer=learned())
    export_training(model, tmp_path / "first")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path / "first"), str(tmp_path / "second")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    losses, outputs, more, iterations, ours = json.loads(done.stdout.splitlines()[-1])
    x = np.linspace(-1, 1, 35).reshape(7, 5).astype("float32")
    y = np.ones((7, 1), "float32")
    expected = []
    for _ in range(4):
        model.reset_metrics()
        expected.append(float(model.train_on_batch(x, y)))
    np.testing.assert_allclose([*losses, more[0]], expected, rtol=1e-4)
    assert outputs[0] == outputs[1] and more[0] == more[1]
    assert iterations == 4 and not ours
    served = _run_by_the_command_line_tool(tmp_path / "second", x)
    np.testing.assert_allclose(served, np.ravel(outputs[1]), rtol=1e-4)


def _run_by_the_command_line_tool(directory, x):
    """What `saved_model_cli run` prints of `serving_default`, flat."""
    tool = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", "run"]
    serve = tf.saved_model.load(directory).signatures["serving_default"]
    (name,) = serve.structured_input_signature[1]
    given = f"{name}={x.tolist()}"
    command = [*tool, "--dir", str(directory), "--tag_set", "serve"]
    command += ["--signature_def", "serving_default", "--input_exprs", given]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    printed = done.stdout.partition("Result for output key output_0:")[2]
    return np.array(printed.replace("[", " ").replace("]", " ").split(), "float32")


@pytest.mark.slow
def test_y_spec_overrides_the_targets(tmp_path):
    model = make_model(optimizer=learned())
    spec = tf.TensorSpec((None, 1), tf.int32)
    module = Loaded(model, tmp_path / "exported", y_spec=spec).module
    assert np.isfinite(float(module.train_step(X, Y.astype("int32"))["loss"]))


def test_what_cannot_be_exported_is_refused(tmp_path):
    untouched = keras.Sequential([keras.layers.Dense(1)])
    untouched.compile(learned(), "mse")
    uncompiled = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    without = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    without.compile(None, "mse")
    for model in (untouched, uncompiled, without):
        with pytest.raises(ValueError, match="Received:"):
            export_training(model, tmp_path / "exported")
    with pytest.raises(TypeError, match="Received:"):
        export_training("model", tmp_path / "exported")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("kept")
    with pytest.raises(FileExistsError, match="Received:"):
        export_training(make_model(optimizer=learned()), tmp_path / "full")
    assert [p.name for p in tmp_path.iterdir()] == ["full"]

"""A file that trains under LiteRT goes on as the model itself does, in builtin operations alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import RULES, make_model

from l2l_tf import LearnedOptimizer, presets, tasks
from l2l_tf.export import builtin_forms, export_litert, rewriting

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:
    Interpreter, OpResolverType = tf.lite.Interpreter, tf.lite.experimental.OpResolverType

ROWS, LABELS = (np.asarray(t) for t in tasks.digits("train"))
LABELS = LABELS.astype("int64")
STEPS = 12


def batch(step, size=32):
    rows = (np.arange(size) + size * step) % len(ROWS)
    return ROWS[rows], LABELS[rows]


def classifier(optimizer, *layers, from_logits=True):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((64,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def perceptron(optimizer):
    return classifier(optimizer, keras.layers.Dense(16, "relu"), keras.layers.Dense(10))


def convolutional(optimizer):
    layers = keras.layers
    return classifier(
        optimizer,
        layers.Reshape((8, 8, 1)),
        layers.Conv2D(4, 3, activation="gelu", padding="same"),
        layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("elu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.LayerNormalization(),
        layers.Dense(10, "softmax"),
        from_logits=False,
    )


class Device:
    """A `.tflite` file as a device has it; without the delegate that brings other operations."""

    def __init__(self, model, path, **arguments):
        export_litert(model, path, **arguments)
        kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=kind)

    def __getattr__(self, signature):
        return self._interpreter.get_signature_runner(signature)

    def losses(self, steps):
        train = self.train
        return [float(train(x=x, y=y)["loss"]) for x, y in map(batch, steps)]


def losses_of(model, steps):
    losses = []
    for x, y in map(batch, steps):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(x, y, return_dict=True)["loss"]))
    return losses


@pytest.mark.parametrize(
    "build, optimizer",
    [
        (perceptron, lambda: LearnedOptimizer(rule=RULES["rnnprop"]())),
        (convolutional, lambda: keras.optimizers.Adam(0.01)),
    ],
    ids=["perceptron", "convolutional"],
)
def test_it_trains_to_kerass_numbers(build, optimizer, tmp_path):
    model = build(optimizer())
    device = Device(model, tmp_path / "training.tflite")
    expected = losses_of(model, range(STEPS))
    np.testing.assert_allclose(device.losses(range(STEPS)), expected, rtol=1e-4)
    for rows in (1, 7, 32):
        outputs = device.infer(x=ROWS[:rows])["output"]
        np.testing.assert_allclose(outputs, model(ROWS[:rows], training=False), atol=1e-3)


@pytest.mark.parametrize("name", presets.list_presets())
@pytest.mark.quick("spectral-general")
def test_every_shipped_preset_trains_to_kerass_numbers(name, tmp_path):
    model = perceptron(LearnedOptimizer(preset=name))
    device = Device(model, tmp_path / "training.tflite")
    steps = range(5 if name.startswith("ntm") else STEPS)  # Made for losses without noise.
    np.testing.assert_allclose(device.losses(steps), losses_of(model, steps), rtol=1e-3)


def test_what_is_saved_is_restored_and_goes_on(tmp_path):
    model = perceptron(LearnedOptimizer(rule=RULES["rnnprop"]()))
    device = Device(model, tmp_path / "training.tflite")
    fresh = device.save()
    device.losses(range(4))
    saved = device.save()
    assert any(np.abs(saved[n] - fresh[n]).max() > 0 for n in saved if n.endswith("cell"))
    on = device.losses(range(4, 8))
    assert int(device.restore(**saved)["iterations"]) == 4
    assert device.losses(range(4, 8)) == on
    device.restore(**fresh)
    np.testing.assert_allclose(device.losses(range(3)), losses_of(model, range(3)), rtol=1e-4)
    np.savez(tmp_path / "state.npz", **saved)
    with np.load(tmp_path / "state.npz") as kept:
        assert int(device.restore(**kept)["iterations"]) == 4


def test_a_model_that_was_trained_goes_on_where_it_was(tmp_path):
    model = perceptron(LearnedOptimizer(rule="adam"))
    losses_of(model, range(5))
    device = Device(model, tmp_path / "training.tflite")
    np.testing.assert_allclose(device.losses(range(5, 9)), losses_of(model, range(5, 9)), rtol=1e-4)


def test_dropout_draws_anew_on_the_device(tmp_path):
    layers = keras.layers
    model = classifier("sgd", layers.Dense(32, "selu"), layers.Dropout(0.5), layers.Dense(10))
    device = Device(model, tmp_path / "training.tflite")
    x, y = batch(0)
    before = device.save()
    losses = []
    for _ in range(4):
        losses.append(float(device.train(x=x, y=y)["loss"]))
        device.restore(**before)
    assert len(set(losses)) == 4
    np.testing.assert_allclose(device.infer(x=x)["output"], model(x, training=False), atol=1e-5)


@pytest.mark.slow
def test_an_unrolled_recurrent_layer_trains_and_a_loop_is_named(tmp_path):
    layers = keras.layers

    def model(unroll):
        lstm = layers.LSTM(4, unroll=unroll, name="over_time")
        return classifier("adam", layers.Reshape((8, 8)), lstm, layers.Dense(10))

    unrolled = model(True)
    device = Device(unrolled, tmp_path / "training.tflite")
    np.testing.assert_allclose(device.losses(range(4)), losses_of(unrolled, range(4)), rtol=1e-4)
    with pytest.raises(ValueError, match="unroll=True. Received: TensorList.*over_time"):
        export_litert(model(False), tmp_path / "loop.tflite")
    assert not (tmp_path / "loop.tflite").exists()


def test_what_stands_in_the_way_is_named(tmp_path):
    layers = keras.layers
    model = classifier(
        "sgd",
        layers.Reshape((8, 8, 1)),
        layers.MaxPooling2D(3, strides=2, name="overlapping"),
        layers.Flatten(),
        layers.Dense(10),
    )
    model.layers[0].trainable = False
    with pytest.raises(ValueError, match="Received: MaxPoolGrad .over windows that overlap"):
        export_litert(_with_something_to_train_before(model), tmp_path / "training.tflite")


def _with_something_to_train_before(model):
    layers = keras.layers
    longer = keras.Sequential([layers.Input((64,)), layers.Dense(64), *model.layers])
    longer.compile("sgd", model.loss)
    return longer


def test_bad_arguments_are_refused(tmp_path):
    model = make_model(optimizer="sgd")
    with pytest.raises(ValueError, match="Received: batch_size=0"):
        export_litert(model, tmp_path / "training.tflite", batch_size=0)
    (tmp_path / "there").touch()
    with pytest.raises(FileExistsError, match="Received: path="):
        export_litert(model, tmp_path / "there")
    with pytest.raises(TypeError, match="Received:"):
        export_litert("model", tmp_path / "training.tflite")


def node(shapes, constants=None, **attributes):
    """A `Node` with these attributes, each an `AttrValue`."""
    values = {name: tf.compat.v1.AttrValue(**value) for name, value in attributes.items()}
    return builtin_forms.Node(values.__getitem__, shapes, constants or {})


def integers(*values):
    return {"list": tf.compat.v1.AttrValue.ListValue(i=values)}


GENERATOR = np.random.default_rng(0)


def numbers(*shape):
    return tf.constant(GENERATOR.normal(size=shape).astype("float32"))


@pytest.mark.parametrize(
    "name, forward",
    [
        ("ReluGrad", tf.nn.relu),
        ("Relu6Grad", lambda x: tf.nn.relu6(4.0 * x)),
        ("EluGrad", tf.nn.elu),
        ("SeluGrad", tf.nn.selu),
        ("LeakyReluGrad", lambda x: tf.nn.leaky_relu(x, 0.25)),
    ],
)
def test_gradients_of_activations_are_tensorflows(name, forward):
    x, upstream = numbers(50), numbers(50)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = forward(x)
    expected = tape.gradient(y, x, output_gradients=upstream)
    seen = {"EluGrad": y, "SeluGrad": y, "Relu6Grad": 4.0 * x}.get(name, x)
    form = builtin_forms.FORMS[name](node([x.shape], alpha={"f": 0.25}))
    scale = 4.0 if name == "Relu6Grad" else 1.0
    np.testing.assert_allclose(scale * form(upstream, seen), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (1, 3)])
def test_the_gradient_of_a_convolution_by_its_kernel_is_tensorflows(padding, strides):
    x, kernel = numbers(3, 9, 8, 2), numbers(3, 2, 2, 4)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        y = tf.nn.conv2d(x, kernel, strides, padding)
    upstream = numbers(*y.shape)
    expected = tape.gradient(y, kernel, output_gradients=upstream)
    about = node(
        [kernel.shape],
        strides=integers(1, *strides, 1),
        dilations=integers(1, 1, 1, 1),
        padding={"s": padding.encode()},
        data_format={"s": b"NHWC"},
    )
    found = builtin_forms.conv2d_backprop_filter(about)(x, None, upstream)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size, window", [((8, 8), (2, 2)), ((7, 9), (2, 3))])
def test_the_gradient_of_max_pooling_is_tensorflows_for_equal_entries_too(size, window):
    x = tf.round(numbers(2, *size, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.max_pool2d(x, window, window, "VALID")
    upstream = numbers(*y.shape)
    expected = tape.gradient(y, x, output_gradients=upstream)
    about = node(
        [x.shape],
        ksize=integers(1, *window, 1),
        strides=integers(1, *window, 1),
        padding={"s": b"VALID"},
        data_format={"s": b"NHWC"},
    )
    np.testing.assert_array_equal(builtin_forms.max_pool_grad(about)(x, y, upstream), expected)


def test_losses_diagonals_and_the_error_function_are_tensorflows():
    logits, labels = 30.0 * numbers(6, 5), tf.constant([0, 1, 2, 3, 4, 0])
    found = builtin_forms.sparse_softmax_cross_entropy(node([(6,), (6, 5)]))(logits, labels)
    expected = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=logits, labels=labels)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    matrices = numbers(2, 4, 4)
    part = builtin_forms.matrix_diag_part(node([tf.TensorShape((2, 4))]))(matrices, 0, 0.0)
    np.testing.assert_array_equal(part, tf.linalg.diag_part(matrices))
    whole = builtin_forms.matrix_diag(node([tf.TensorShape((2, 4, 4))]))(part, 0, -1, -1, 0.0)
    np.testing.assert_array_equal(whole, tf.linalg.diag(part))
    x = tf.linspace(-6.0, 6.0, 10_001)
    np.testing.assert_allclose(builtin_forms.erf(None)(x), tf.math.erf(x), atol=1e-6)
    np.testing.assert_allclose(builtin_forms.erfc(None)(x), tf.math.erfc(x), atol=1e-6)


def test_a_form_that_does_not_fit_leaves_the_operation(tmp_path):
    class Square(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((3,))])
        def __call__(self, x):
            return tf.nn.relu(x) + tf.nn.elu(x)

    def double(node):
        return lambda x: 2.0 * x

    def unfit(node):
        raise builtin_forms.NoFormError("of Thursdays")

    tf.saved_model.save(Square(), tmp_path / "model")
    left = rewriting.replace_operations(tmp_path / "model", {"Relu": double, "Elu": unfit})
    assert list(left) == ["Elu"] and left["Elu"].startswith("of Thursdays (")
    assert rewriting.nodes_of(tmp_path / "model", "Relu") == []
    changed = tf.saved_model.load(tmp_path / "model")
    x = tf.constant([-1.0, 0.5, 2.0])
    np.testing.assert_allclose(changed(x), 2.0 * x + tf.nn.elu(x))


def test_a_cast_that_changes_nothing_is_an_identity(tmp_path):
    class Casts(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((3,))])
        def __call__(self, x):
            same = tf.raw_ops.Cast(x=2.0 * x, DstT=tf.float32, name="same")
            return same + 1.0, tf.cast(same, tf.int32)

    tf.saved_model.save(Casts(), tmp_path / "model")
    assert "same" in rewriting.nodes_of(tmp_path / "model", "Cast")
    assert rewriting.replace_operations(tmp_path / "model", {}) == {}
    assert "same" in rewriting.nodes_of(tmp_path / "model", "Identity")
    assert rewriting.nodes_of(tmp_path / "model", "Cast") == ["Cast"]
    floats, integers = tf.saved_model.load(tmp_path / "model")(tf.constant([0.0, 1.0, 2.0]))
    assert floats.numpy().tolist() == [1.0, 3.0, 5.0]
    assert integers.numpy().tolist() == [0, 2, 4]

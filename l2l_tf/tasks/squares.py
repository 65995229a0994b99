"""Photographs and paintings as squares, and random crops of them inside a graph."""

import functools

import numpy as np
import tensorflow as tf

from l2l_tf import data
from l2l_tf.core.checks import check_choice, check_instance
from l2l_tf.tasks.base import fold_in
from l2l_tf.tasks.images import area_average

# Height and width of the squares that photographs are kept as.
SIDE = 192
# The smallest crop, as a share of the square.
MIN_CROP = 0.6


def photographs(split):
    """Squares `[n, 192, 192, 3]` uint8 of a split's photographs, a tensor outside any graph.

    The middle of each photograph; for training, both ends of its longer side too.

    Raises:
        DataNotPreparedError: If the photographs are not in TFDS's directory.
        ValueError: If there is no such split.
    """
    return _photographs(split, data.default_directory())


@functools.lru_cache(maxsize=3)
def _photographs(split, directory):
    places = (0.0, 0.5, 1.0) if split == "train" else (0.5,)
    pictures = data.load_pictures("photographs", split, directory).values()
    squares = [shrink(square(image, place), SIDE) for image in pictures for place in places]
    with tf.init_scope():
        return tf.constant(np.stack(squares).round().astype("uint8"))


def painting(name, size):
    """The middle of a painting as `[size, size, 3]` float32, from 0 to 255.

    Raises:
        DataNotPreparedError: If the paintings are not in TFDS's directory.
        ValueError: If there is no painting of that name.
    """
    known = data.load_pictures("paintings")
    check_choice("style", name, known)
    return shrink(square(known[name], 0.5), size)


def check_painting(argument, name):
    """Raise a `ValueError` unless there is a painting of that name.

    Where no paintings are prepared, nothing is known of their names: any text will do.
    """
    try:
        known = data.load_pictures("paintings")
    except (data.DataNotPreparedError, ImportError):
        check_instance(argument, name, str)
    else:
        check_choice(argument, name, known)


def square(image, place):
    """The largest square in an image, `place` (0 … 1) of the way along its longer side."""
    side = min(image.shape[:2])
    top, left = (round(place * (extent - side)) for extent in image.shape[:2])
    return image[top : top + side, left : left + side]


def shrink(image, size):
    """`[height, width, 3]` averaged over areas to `[size, size, 3]` float32."""
    rows, columns = (area_average(extent, size) for extent in image.shape[:2])
    reduced = np.tensordot(rows, image.astype("float32"), axes=1)
    return columns @ reduced  # [size, width] @ [size, width, 3], row by row.


def drawn(squares, seed, size, crop):
    """One of the squares as `[size, size, 3]` float32, from 0 to 255.

    Args:
        squares: `[n, side, side, 3]`.
        seed: int32 `[2]`.
        size: Height and width of the result.
        crop: Whether it is a random part of the square, perhaps mirrored, or all of it.
    """
    number = tf.random.stateless_uniform([], fold_in(seed, 0), 0, squares.shape[0], tf.int32)
    image = tf.cast(squares[number], tf.float32)
    side = squares.shape[1]
    extent, places = tf.constant(float(side)), tf.zeros([2])
    if crop:
        share, *places = tf.unstack(tf.random.stateless_uniform([3], fold_in(seed, 1)))
        extent = side * (MIN_CROP + (1 - MIN_CROP) * share)
    rows, columns = (_averages(place * (side - extent), extent, side, size) for place in places)
    image = tf.einsum("ih,hwc,jw->ijc", rows, image, columns)
    if crop:
        mirrored = tf.random.stateless_uniform([], fold_in(seed, 2)) < 0.5
        image = tf.where(mirrored, image[:, ::-1], image)
    return image


def _averages(start, extent, inputs, outputs):
    """`area_average` of a part of the inputs, whose place is a tensor."""
    edges = start + tf.range(outputs + 1, dtype=tf.float32) * (extent / outputs)
    pixel = tf.range(inputs, dtype=tf.float32)
    overlap = tf.minimum(edges[1:, None], pixel + 1) - tf.maximum(edges[:-1, None], pixel)
    return tf.maximum(overlap, 0.0) * (outputs / extent)

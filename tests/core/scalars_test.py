"""Numbers that TensorFlow does not keep."""

import numpy as np
import tensorflow as tf
from helpers.memory import kept_of_each

from l2l_tf.core.scalars import unkept

MANY = 1000
BYTES = 100


def test_python_numbers_become_arrays_and_the_rest_stays():
    for value, dtype in ((0.1, "float64"), (3, "int64"), (np.float64(0.1), "float64")):
        array = unkept(value)
        assert isinstance(array, np.ndarray)
        assert (array.shape, array.dtype, array.item()) == ((), dtype, value)
    assert unkept(0.1, "float32") == np.float32(0.1)
    for value in (tf.constant(1.0), np.ones(2), None, np.float32(1)):
        assert unkept(value, "float32") is value


def test_tensorflow_keeps_python_numbers_and_not_these():
    # Where the first fails, TensorFlow has a bound for them: `unkept` has had its day.
    assert kept_of_each(lambda number: tf.constant(number + 0.5), MANY) > 3 * BYTES
    assert kept_of_each(lambda number: tf.constant(unkept(number + 0.25)), MANY) < BYTES

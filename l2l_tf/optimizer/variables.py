"""Variables as Keras and a rule see them: their paths, values and shapes."""

import keras
from keras import ops
from keras.backend import standardize_dtype

from l2l_tf.optimizer.backends import BACKEND


def path_of(variable):
    """The path of a Keras variable, such as "dense/kernel", or the name of TensorFlow's."""
    return str(getattr(variable, "path", None) or variable.name)


def holds_no_weights(variable):
    """Whether steps put its gradient in its place: Keras keeps scales of float8 that way."""
    return getattr(variable, "overwrite_with_gradient", False)


class Spec:
    """Shape and dtype of a variable: all that `rule.init` looks at."""

    def __init__(self, variable):
        self.shape = tuple(variable.shape)
        self.dtype = standardize_dtype(variable.dtype)


def scalar(value, dtype, name, aggregation="only_first_replica"):
    """A Keras variable of one number, which no gradient changes."""
    return keras.Variable(value, dtype=dtype, trainable=False, aggregation=aggregation, name=name)


def tensors(variables):
    """Dict name → tensor of a dict name → Keras variable."""
    return {name: BACKEND.tensor(v.value) for name, v in variables.items()}


def constant(value):
    """An initializer that gives a value of any shape with as many entries."""
    return lambda shape, dtype=None: ops.cast(ops.reshape(value, shape), dtype)

"""Variables as Keras, TensorFlow and a rule see them: their paths, values and shapes."""

import keras
import tensorflow as tf


def path_of(variable):
    """The path of a Keras variable, such as "dense/kernel", or the name of TensorFlow's."""
    return str(getattr(variable, "path", None) or variable.name)


class Spec:
    """Shape and dtype of a variable: all that `rule.init` looks at."""

    def __init__(self, variable):
        self.shape = tuple(variable.shape)
        self.dtype = keras.backend.standardize_dtype(variable.dtype)


def tf_variable(variable):
    """TensorFlow's variable behind a Keras variable; any other as it is."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def tensors(variables):
    """Dict name → tensor of a dict name → Keras variable."""
    return {name: tf.convert_to_tensor(v.value) for name, v in variables.items()}


def constant(value):
    """An initializer that gives a value of any shape with as many entries."""
    return lambda shape, dtype=None: tf.cast(tf.reshape(value, shape), dtype)


def assign_all(distribution, targets, values):
    """Assign values to variables, on every replica that holds them."""
    for target, value in zip(targets, values, strict=True):
        distribution.extended.update(
            target, lambda variable, new: variable.assign(new), args=(value,), group=False
        )

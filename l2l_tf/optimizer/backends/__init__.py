"""What an optimizer needs of the backend that Keras runs on: one module each, one chosen."""

import keras

from l2l_tf.optimizer.backends.base import Backend


class Unsupported(Backend):
    """A backend on which no optimizer runs."""

    supported = False


def _chosen():
    name = keras.config.backend()
    if name == "tensorflow":
        from l2l_tf.optimizer.backends.tensorflow import TensorFlow

        return TensorFlow()
    if name == "jax":
        from l2l_tf.optimizer.backends.jax import Jax

        return Jax()
    if name == "torch":
        from l2l_tf.optimizer.backends.torch import Torch

        return Torch()
    return Unsupported()


BACKEND = _chosen()

"""Functions that many objects trace, each of them once."""

import functools

import tensorflow as tf


def traced_apart(function, jit_compile=None):
    """A `tf.function` that shares no count of tracings with others of the same code.

    TensorFlow counts tracings by code, and warns of functions that are traced over and over; the
    tasks of a trainer, or several optimizers, share their code, and each is traced once.

    Args:
        function: Function to trace.
        jit_compile: See `tf.function`.
    """
    return tf.function(functools.partial(function), jit_compile=jit_compile, autograph=False)

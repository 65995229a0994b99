"""What an optimizer refuses, in the user's words."""

import keras
import numpy as np

from l2l_tf.optimizer.backends import BACKEND
from l2l_tf.optimizer.variables import path_of


def check_backend():
    """Raise a `ValueError` on a backend without gradients."""
    if not BACKEND.supported:
        raise ValueError(
            "This optimizer needs Keras's TensorFlow, JAX or PyTorch backend: set KERAS_BACKEND "
            f"before Keras is imported. Received: KERAS_BACKEND={keras.config.backend()}"
        )


def check_hooks(optimizer):
    """Raise a `ValueError` if a class or an object overrides a hook that is never called."""
    cls = type(optimizer)
    for name in ("update_step", "_distributed_tf_update_step"):
        original = getattr(keras.optimizers.Optimizer, name, None)
        if getattr(cls, name, None) is not original or name in vars(optimizer):
            raise ValueError(
                f"`{name}` is never called here, as a rule updates all variables at once. "
                "Give variables learning rates of their own by `learning_rate_multipliers`, as in "
                'LearnedOptimizer(learning_rate_multipliers={"embedding": 0.1}), and other '
                f"updates by a rule (rules.UpdateRule). Received: {cls.__name__}.{name}"
            )


def check_real(variables):
    """Raise a `ValueError` if a variable is complex."""
    for variable in variables:
        dtype = keras.backend.standardize_dtype(variable.dtype)
        if dtype.startswith("complex"):
            raise ValueError(
                "Update rules are made for real variables: keep the real and the imaginary part "
                "of a complex one as two variables, and put them together by tf.complex(real, "
                f"imaginary) where it is used. Received: {path_of(variable)!r} of dtype {dtype}"
            )


def check_total_steps(total_steps):
    """Raise a `ValueError` unless it is a positive number or None."""
    _check_positive("total_steps", total_steps)


def check_passes(passes):
    """Raise a `ValueError` unless it is a positive number or None."""
    _check_positive("passes", passes)


def check_batch_rows(rows):
    """Raise a `ValueError` unless it is a positive number or None."""
    _check_positive("rows", rows)


def check_epoch_steps(steps):
    """Raise a `ValueError` unless it is a positive number or None."""
    _check_positive("steps", steps)


def check_jit_compile(jit_compile):
    """Raise a `ValueError` unless it is True, False or None."""
    if jit_compile is not None and not isinstance(jit_compile, bool):
        raise ValueError(
            f"`jit_compile` is True, False or None. Received: jit_compile={jit_compile!r}"
        )


def _check_positive(name, value):
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if value is not None and not (number and value > 0):
        raise ValueError(f"`{name}` is a positive number or None. Received: {name}={value!r}")

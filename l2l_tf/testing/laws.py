"""What laws are made of: requirements that say what they found."""

import inspect

import numpy as np
import tensorflow as tf

from l2l_tf.core.checks import check_choice


def require(condition, message):
    """Raise an `AssertionError` with the message unless the condition holds; also under -O."""
    if not condition:
        raise AssertionError(message)


def require_close(actual, expected, **tolerance):
    """Require two structures of numbers to be alike; tolerances as in `np.testing`."""
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(np.asarray(a), np.asarray(b), **tolerance),
        actual,
        expected,
    )


def require_same_arguments(again, subject):
    """Require an object made again from a configuration to have the same arguments."""
    for name in inspect.signature(type(subject)).parameters:
        found, expected = getattr(again, name), getattr(subject, name)
        require(
            repr(found) == repr(expected),
            f"From its configuration, {name}={expected!r} comes back as {found!r}.",
        )


def obey(laws, subject, skip=()):
    """Call each law with the subject.

    Args:
        laws: Dict name → function of the subject, which raises `AssertionError`.
        subject: Rule or task.
        skip: Names of laws that are left out.

    Raises:
        ValueError: If a name in `skip` is not one of a law.
        AssertionError: If a law is broken, or cannot be tried because of another error; the
            message begins with the law's name.
    """
    for name in skip:
        check_choice("skip", name, laws)
    for name, law in laws.items():
        if name in skip:
            continue
        try:
            law(subject)
        except Exception as error:
            what = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            raise AssertionError(f"{name}: {what}{error} Received: {subject!r}") from error

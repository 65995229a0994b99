"""Extending a class that is not ours, once, and only as it is known here."""

import functools
import inspect
import warnings
from typing import NamedTuple

import keras

_MARK = "_extended_by_l2l_tf"


class Extension(NamedTuple):
    """How methods of one of Keras's classes are extended.

    Attributes:
        owner: The class.
        methods: Dict name → (the parameters it is known with, function of the object, the
            original method and the arguments of a call).
        instead: What a user writes where the methods have changed.
    """

    owner: type
    methods: dict
    instead: str


def install(extensions):
    """Extend every class whose methods are as they are known; warn of the others.

    Args:
        extensions: List of `Extension`.
    """
    for owner, methods, instead in extensions:
        done = vars(owner).get(_MARK, frozenset())
        if done.issuperset(methods):
            continue
        known = {name: parameters for name, (parameters, _) in methods.items()}
        changed = [name for name in known if _parameters(owner, name) != known[name]]
        if changed:
            warnings.warn(
                f"keras.{owner.__name__} has changed in Keras {keras.__version__}: {instead}. "
                f"Received: {', '.join(changed)}",
                stacklevel=2,
            )
            continue
        setattr(owner, _MARK, done | set(methods))
        for name, (_, extended) in methods.items():
            _extend(owner, name, extended)


def _parameters(owner, name):
    method = getattr(owner, name, None)
    return None if method is None else tuple(inspect.signature(method).parameters)


def _extend(owner, name, extended):
    original = getattr(owner, name)

    @functools.wraps(original)
    def method(self, *args, **kwargs):
        return extended(self, original, *args, **kwargs)

    setattr(owner, name, method)

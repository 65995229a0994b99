"""What tells one model, loss and data set from another: a digest of their contents."""

import functools
import hashlib
import json
import pathlib
import re
import sys
import types
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# What a configuration may raise that was never written for being read.
_NO_CONFIG = (NotImplementedError, TypeError, ValueError, AttributeError)
_INSTALLED = {"site-packages", "dist-packages"}
_PLAIN = (bool, int, float, complex, str, bytes, slice, range)
_VARIABLES = (tf.Variable, keras.Variable)


def digest_of(*things: Any) -> str:
    """Sixteen hexadecimal digits that are the same, in every process, for the same contents.

    Args:
        *things: Numbers, texts, arrays and tensors, which count with their values; Keras models,
            with their layers and the shapes of their variables, not with their weights; objects
            with a `get_config`; functions and classes, with their code and with what it refers
            to, those of installed packages with their names; and lists, tuples, sets and dicts of
            all these. Of another object counts its class.
    """
    digest = hashlib.sha256()
    for part in _parts(things, {}):
        digest.update(part + b"\0")
    return digest.hexdigest()[:16]


def _parts(value: Any, seen: dict[int, tuple[int, Any]]) -> Iterator[bytes]:
    """The contents of a value as bytes; of an object that was `seen` before, its number alone.

    Args:
        value: Whatever counts.
        seen: Dict id → number and the object itself, so that no other one gets its id.
    """
    if value is None or isinstance(value, _PLAIN):
        yield repr(value).encode()
    elif isinstance(value, (tf.Tensor, *_VARIABLES, np.ndarray, np.generic)):
        yield from _array(value)
    elif isinstance(value, tf.__internal__.CompositeTensor):
        parts = tf.nest.flatten(value, expand_composites=True)
        yield from _parts([t for t in parts if t.dtype not in (tf.variant, tf.resource)], seen)
    elif isinstance(value, dict):
        yield from _parts(sorted(value.items(), key=lambda item: repr(item[0])), seen)
    elif isinstance(value, list | tuple):
        yield f"{type(value).__name__} {len(value)}".encode()
        for part in value:
            yield from _parts(part, seen)
    elif isinstance(value, set | frozenset):
        # Each by itself: the order in which a set has them differs between processes.
        yield from sorted(b"\0".join(_parts(part, dict(seen))) for part in value)
    elif isinstance(value, types.CodeType):
        yield value.co_code
        yield from _parts([value.co_names, value.co_consts], seen)
    elif isinstance(value, types.ModuleType):
        yield value.__name__.encode()
    elif id(value) in seen:
        yield f"seen {seen[id(value)][0]}".encode()
    else:
        seen[id(value)] = len(seen), value
        yield from _object(value, seen)


def _object(value, seen):
    if isinstance(value, functools.partial):
        yield from _parts([value.func, value.args, value.keywords], seen)
    elif isinstance(value, types.MethodType):
        yield from _parts([value.__func__, value.__self__], seen)
    elif isinstance(value, types.FunctionType):
        yield from _function(value, seen)
    elif isinstance(value, type):
        yield f"{value.__module__}.{value.__qualname__}".encode()
        for base in filter(_is_own, value.__mro__):
            yield from _parts(_attributes(base), seen)
    elif hasattr(value, "python_function"):  # Made by `tf.function`.
        yield from _parts(value.python_function, seen)
    elif isinstance(value, keras.Model):
        yield from _model(value, seen)
    else:
        yield from _parts(getattr(value, "__name__", None) or type(value), seen)
        yield _configuration(value).encode()
        # Not every loss of Keras's describes all its arguments.
        if _is_own(type(value)) or isinstance(value, keras.losses.Loss):
            yield from _parts(_own_attributes(value), seen)


def _own_attributes(value):
    """An object's own attributes; of a name that Keras numbers what is left without its number."""
    attributes = dict(getattr(value, "__dict__", {}))
    if isinstance(attributes.get("name"), str):
        attributes["name"] = _without_number(attributes["name"])
    return attributes


def _without_number(name):
    return re.sub(r"_\d+$", "", name)


def _array(value):
    array = np.ascontiguousarray(keras.ops.convert_to_numpy(value))
    yield f"{array.dtype} {array.shape}".encode()
    # Texts are objects, whose bytes would be places in memory.
    yield repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()


def _function(function, seen):
    if not _is_own(function) and _root(function) != "l2l_tf":
        yield f"{function.__module__}.{function.__qualname__}".encode()
        return
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # It is still empty.
            cells.append(None)
    defaults = [function.__defaults__, function.__kwdefaults__]
    yield from _parts([function.__code__, defaults, cells], seen)
    if _is_own(function):
        yield from _parts(list(_referred(function.__code__, function.__globals__)), seen)


def _referred(code, known):
    """What the names in a function's code stand for, such as helpers and constants.

    Not variables, which change along a run.
    """
    found = []
    for name in code.co_names:
        value = known.get(name)
        if not isinstance(value, types.ModuleType):
            found.append(value)
        elif _is_own_module(value.__name__):
            found += [vars(value)[n] for n in code.co_names if n in vars(value)]
    yield from (v for v in found if v is not None and not isinstance(v, _VARIABLES))
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _referred(inner, known)


def _attributes(cls):
    """Methods and constants of a class, without what Python adds."""
    made = {}
    for name, value in vars(cls).items():
        value = getattr(value, "fget", None) or getattr(value, "__func__", value)
        simple = isinstance(value, bool | int | float | str | tuple)
        if isinstance(value, types.FunctionType) or (simple and not name.startswith("__")):
            made[name] = value
    return made


def _model(model, seen):
    yield _configuration(model).encode()
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    yield repr([(tuple(v.shape), str(v.dtype), v.trainable) for v in variables]).encode()
    for layer in model._flatten_layers():
        yield from _parts(type(layer), seen)
        # Activations and the like, of which a configuration has the names alone.
        functions = {k: v for k, v in vars(layer).items() if isinstance(v, types.FunctionType)}
        yield from _parts(functions, seen)


def _configuration(value):
    """An object's configuration as text, without numbers that count what was built before."""
    try:
        with warnings.catch_warnings():  # Of lambdas.
            warnings.simplefilter("ignore")
            config = value.get_config()
        text = json.dumps(_without_lambdas(config), sort_keys=True, default=digest_of)
    except _NO_CONFIG:
        return ""
    names = dict.fromkeys(re.findall(r'"name": "([^"]+)"', text))
    for index, name in enumerate(names):
        text = text.replace(f'"{name}"', f'"{_without_number(name)}#{index}"')
    return text


def _without_lambdas(config):
    """The same without the bytes of lambdas, which hold the paths of their files."""
    if isinstance(config, dict):
        is_lambda = config.get("class_name") == "__lambda__"
        return None if is_lambda else {k: _without_lambdas(v) for k, v in config.items()}
    return [*map(_without_lambdas, config)] if isinstance(config, list | tuple) else config


def _root(thing):
    return (getattr(thing, "__module__", None) or "builtins").partition(".")[0]


def _is_own(thing):
    """Whether a function or class is a user's own, and no installed package's."""
    return _is_own_module(getattr(thing, "__module__", None) or "builtins")


@functools.cache
def _is_own_module(name):
    if name.partition(".")[0] in {"l2l_tf", "builtins", *sys.stdlib_module_names}:
        return False
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is None or not _INSTALLED & set(pathlib.Path(file).parts)

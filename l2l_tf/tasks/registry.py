"""Names of tasks, and their arguments as text: `digits_mlp(hidden=20,activation=relu)`."""

import ast
import re

_TASKS = {}


def register_task(name):
    """Class decorator: makes a task known under `name` to flags.

    Raises:
        ValueError: If another class has that name.
    """

    def decorate(cls):
        known = _TASKS.get(name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise ValueError(f"A task named {name!r} is registered already. Received: {cls}")
        _TASKS[name] = cls
        return cls

    return decorate


def names():
    """Sorted names of all registered tasks."""
    return sorted(_TASKS)


def get(text):
    """The task that a text names.

    Args:
        text: `name` or `name(argument=value,…)`; a value is a Python literal or a bare word.

    Returns:
        A `Task`.

    Raises:
        ValueError: If the text cannot be read, or the name or an argument is unknown.
    """
    match = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
    if not match:
        raise ValueError(
            f"A task is written 'name' or 'name(argument=value,…)'. Received: task={text!r}"
        )
    name, arguments = match.group(1), match.group(2) or ""
    if name not in _TASKS:
        raise ValueError(f"Unknown task; known ones are {names()}. Received: task={text!r}")
    try:
        return _TASKS[name](**_arguments(arguments))
    except (TypeError, SyntaxError) as error:
        raise ValueError(
            f"Task {name!r} does not take these arguments ({error}). Received: task={text!r}"
        ) from error


def _arguments(text):
    call = ast.parse(f"f({text})", mode="eval").body
    if call.args or any(k.arg is None for k in call.keywords):
        raise TypeError("every argument needs its name")
    return {k.arg: _value(k.value) for k in call.keywords}


def _value(node):
    if isinstance(node, ast.Name):
        return node.id
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise TypeError(f"{ast.unparse(node)} is no literal") from error

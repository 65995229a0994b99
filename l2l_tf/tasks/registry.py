"""Names of tasks, and their arguments as text: `digits_mlp(hidden=20,activation=relu)`."""

from l2l_tf.call_text import parse_call

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
    name, arguments = parse_call(text, "task")
    if name not in _TASKS:
        raise ValueError(f"Unknown task; known ones are {names()}. Received: task={text!r}")
    try:
        return _TASKS[name](**arguments)
    except TypeError as error:
        raise ValueError(
            f"Task {name!r} does not take these arguments ({error}). Received: task={text!r}"
        ) from error

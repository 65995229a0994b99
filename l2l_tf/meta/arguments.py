"""What a trainer is given: objects, or texts that describe them."""

from collections.abc import Callable, Iterable
from typing import Any

from l2l_tf import tasks
from l2l_tf.core.checks import check_instance


def object_of(
    name: str, given: Any, kind: type, from_text: Callable[[str], Any] | None = None
) -> Any:
    """An argument that is an object of a class, or a text of one.

    Args:
        name: The argument's name, for the error.
        given: What was received.
        kind: The class.
        from_text: Function of a text that makes the object; None: texts are not taken.

    Raises:
        ValueError: If it is neither.
    """
    if from_text is not None and isinstance(given, str):
        return from_text(given)
    check_instance(name, given, kind)
    return given


def tasks_of(name: str, given: Any) -> list[tasks.Task]:
    """An argument that is a list of tasks, or of texts of them.

    Args:
        name: The argument's name, for the error.
        given: What was received.

    Raises:
        ValueError: If it is no list of such.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ValueError(
            f"`{name}` is a list of tasks or of their texts. Received: {name}={given!r}"
        )
    return [object_of(name, task, tasks.Task, tasks.get) for task in given]

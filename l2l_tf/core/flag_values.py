"""The value of a flag: what its text stands for, and whether that is allowed, as from Python."""

import functools
import math
from collections.abc import Callable
from typing import Any

from l2l_tf.core.checks import check_boolean, check_choice, check_integer, check_number

# Checks by name, with the type of what they let through.
CHECKS = {
    "boolean": (check_boolean, bool),
    "choice": (check_choice, str),
    "integer": (check_integer, int),
    "number": (check_number, float),
}
_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


def value_of(text: str, kind: type) -> Any:
    """What a text stands for where a value of some type is wanted; else the text itself.

    Args:
        text: Of a flag.
        kind: `bool`, `int`, `float` or `str`.
    """
    if kind is bool:
        return _BOOLEANS.get(text.lower(), text)
    for number in (int, float) if kind in (int, float) else ():
        try:
            return number(text)
        except ValueError:
            continue
    return text


def described(check: Callable | None) -> tuple[str, dict] | None:
    """A check as plain data, for `refuse`: its name in `CHECKS` and its arguments.

    Args:
        check: Function of `core.checks`, or a partial of one; None for another one or for none.
    """
    function = check.func if isinstance(check, functools.partial) else check
    given = check.keywords if isinstance(check, functools.partial) else {}
    arguments = {name: bound for name, bound in given.items() if bound not in (math.inf, -math.inf)}
    if "known" in arguments:
        arguments["known"] = sorted(arguments["known"])
    names = [name for name, (known, _) in CHECKS.items() if known is function]
    return (names[0], arguments) if names else None


def refuse(name: str, text: str, description: tuple[str, dict]) -> None:
    """Raise a ValueError if the text of a flag is not allowed.

    Args:
        name: The flag's name.
        text: Its text.
        description: What `described` gives.
    """
    check, arguments = description
    function, kind = CHECKS[check]
    function(name, value_of(text, kind), **arguments)

"""Checks of constructor arguments, with errors in the user's words."""

import math
import numbers
from collections.abc import Collection
from typing import Any

from l2l_tf.core.unknown import nearest


def check_integer(name: str, value: Any, min: int, max: float = math.inf) -> None:
    """Raise unless `value` is an integer in [`min`, `max`].

    Args:
        name: The argument's name, for the error.
        value: What was received.
        min: Smallest allowed integer.
        max: Largest allowed integer.

    Raises:
        ValueError: If it is not.
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not min <= value <= max:
        kind = "a positive integer" if min == 1 else f"an integer ≥ {min}"
        kind += f", at most {max}" if max < math.inf else ""
        raise ValueError(f"`{name}` is {kind}. Received: {name}={value!r}")


def check_number(
    name: str,
    value: Any,
    min: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    max: float = math.inf,
) -> None:
    """Raise unless `value` is a finite number in [`min`, `max`] and in (`above`, `below`).

    Args:
        name: The argument's name, for the error.
        value: What was received.
        min: Smallest allowed number.
        above: Bound that is itself not allowed.
        below: Bound that is itself not allowed.
        max: Largest allowed number.

    Raises:
        ValueError: If it is not.
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if number and math.isfinite(value) and min <= value <= max and above < value < below:
        return
    bounds = [f"≥ {min:g}"] if min > -math.inf else []
    bounds += [f"> {above:g}"] if above > -math.inf else []
    bounds += [f"< {below:g}"] if below < math.inf else []
    bounds += [f"≤ {max:g}"] if max < math.inf else []
    wanted = " ".join(["a finite number", " and ".join(bounds)]).strip()
    raise ValueError(f"`{name}` is {wanted}. Received: {name}={value!r}")


def check_choice(name: str, value: Any, known: Collection[str]) -> None:
    """Raise unless `value` is one of the names that are known.

    Args:
        name: The argument's name, for the error.
        value: What was received.
        known: Collection of strings.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(value, str) or value not in known:
        near = nearest(value, known)
        advice = f"; did you mean {near!r}?" if near else "."
        raise ValueError(f"`{name}` is one of {sorted(known)}{advice} Received: {name}={value!r}")


def check_boolean(name: str, value: Any) -> None:
    """Raise unless `value` is True or False.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` is True or False. Received: {name}={value!r}")


def check_instance(name: str, value: Any, kind: type) -> None:
    """Raise unless `value` is an object of a class.

    Args:
        name: The argument's name, for the error.
        value: What was received.
        kind: The class.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(value, kind):
        raise ValueError(f"`{name}` is a `{kind.__name__}`. Received: {name}={value!r}")

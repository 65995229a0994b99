"""Checks of constructor arguments, with errors in the user's words."""

import math
import numbers
from collections.abc import Collection
from typing import Any


def check_integer(name: str, value: Any, least: int, most: float = math.inf) -> None:
    """Raise unless `value` is an integer in [`least`, `most`].

    Args:
        name: The argument's name, for the error.
        value: What was received.
        least: Smallest allowed integer.
        most: Largest allowed integer.

    Raises:
        ValueError: If it is not.
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        kind = "a positive integer" if least == 1 else f"an integer ≥ {least}"
        kind += f", at most {most}" if most < math.inf else ""
        raise ValueError(f"`{name}` is {kind}. Received: {name}={value!r}")


def check_number(
    name: str,
    value: Any,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    most: float = math.inf,
) -> None:
    """Raise unless `value` is a finite number in [`least`, `most`] and in (`above`, `below`).

    Args:
        name: The argument's name, for the error.
        value: What was received.
        least: Smallest allowed number.
        above: Bound that is itself not allowed.
        below: Bound that is itself not allowed.
        most: Largest allowed number.

    Raises:
        ValueError: If it is not.
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if number and math.isfinite(value) and least <= value <= most and above < value < below:
        return
    bounds = [f"≥ {least:g}"] if least > -math.inf else []
    bounds += [f"> {above:g}"] if above > -math.inf else []
    bounds += [f"< {below:g}"] if below < math.inf else []
    bounds += [f"≤ {most:g}"] if most < math.inf else []
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
        raise ValueError(f"`{name}` is one of {sorted(known)}. Received: {name}={value!r}")


def check_boolean(name: str, value: Any) -> None:
    """Raise unless `value` is True or False.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` is True or False. Received: {name}={value!r}")

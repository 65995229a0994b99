"""Checks of constructor arguments, with errors in the user's words."""

import math
import numbers


def check_integer(name, value, least):
    """Raise unless `value` is an integer of at least `least`.

    Args:
        name: The argument's name, for the error.
        value: What was received.
        least: Smallest allowed integer.

    Raises:
        ValueError: If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        kind = "a positive integer" if least == 1 else f"an integer ≥ {least}"
        raise ValueError(f"`{name}` is {kind}. Received: {name}={value!r}")


def check_number(name, value, least=-math.inf, above=-math.inf, below=math.inf):
    """Raise unless `value` is a finite number, at least `least`, in (`above`, `below`).

    Args:
        name: The argument's name, for the error.
        value: What was received.
        least: Smallest allowed number.
        above: Bound that is itself not allowed.
        below: Bound that is itself not allowed.

    Raises:
        ValueError: If it is not.
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if number and math.isfinite(value) and value >= least and above < value < below:
        return
    bounds = [f"≥ {least:g}"] if least > -math.inf else []
    bounds += [f"> {above:g}"] if above > -math.inf else []
    bounds += [f"< {below:g}"] if below < math.inf else []
    wanted = " ".join(["a finite number", " and ".join(bounds)]).strip()
    raise ValueError(f"`{name}` is {wanted}. Received: {name}={value!r}")

"""Errors for unknown names: the same text from Python and from the command line."""

import difflib
from collections.abc import Collection, Mapping
from typing import Any


class UnknownArgument(TypeError, ValueError):
    """An argument that a class does not have; a `ValueError` too, as other wrong arguments are."""


def nearest(name: Any, known: Collection[str]) -> str | None:
    """The known name that was probably meant, or None."""
    text = name if isinstance(name, str) else ""
    return next(iter(difflib.get_close_matches(text, known, 1, 0.7)), None)


def unknown(
    kind: str,
    name: Any,
    known: Collection[str],
    *,
    argument: str | None = None,
    given: Any = None,
    earlier: Mapping[str, str] | None = None,
    more: str = "",
) -> str:
    """Text of the error for an unknown name.

    Args:
        kind: What is named, such as "rule".
        name: The name that was received.
        known: The known names.
        argument: Name of the argument that it was received as; default: the kind.
        given: The whole value that was received, if the name is a part of it.
        earlier: Dict earlier name → today's.
        more: What else is allowed, for the end of the list of known names.
    """
    received = f"Received: {argument or kind}={(name if given is None else given)!r}"
    now = (earlier or {}).get(name) if isinstance(name, str) else None
    if now in known:
        return f"The {kind} is {now!r} now. {received}"
    near = nearest(name, known)
    if near:
        return f"Unknown {kind}; did you mean {near!r}? {received}"
    return f"Unknown {kind}; known ones are {sorted(known)}{more}. {received}"


def unknown_argument(
    owner: str, name: str, value: Any, known: Collection[str], earlier: Mapping[str, str]
) -> UnknownArgument:
    """The error for an unknown argument.

    Args:
        owner: What was given the argument, as errors call it.
        name: The argument's name.
        value: Its value.
        known: Names of the arguments that there are.
        earlier: Dict earlier name → today's.
    """
    received = f"Received: {name}={value!r}"
    if earlier.get(name) in known:
        return UnknownArgument(f"`{name}` of {owner} is `{earlier[name]}` now. {received}")
    near = nearest(name, known)
    advice = f"did you mean `{near}`?" if near else f"known ones are {list(known)}."
    return UnknownArgument(f"Unknown argument of {owner}; {advice} {received}")

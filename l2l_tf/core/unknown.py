"""What is said of a name that is none: one text for it, from Python and from the command line."""

import difflib
from collections.abc import Collection, Mapping
from typing import Any


class UnknownArgument(TypeError, ValueError):
    """An argument that a class has not: as of any function, and as all that is wrong with one."""


def nearest(name: Any, known: Collection[str]) -> str | None:
    """The known name that may have been meant, or None."""
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
    """What is said of a name that is none of a kind.

    Args:
        kind: What it would name, such as "rule".
        name: What was received.
        known: The names that there are.
        argument: What was received as, if that is not the kind.
        given: What stood there, if that is more than the name.
        earlier: Dict earlier name → name.
        more: What else is allowed, said where no known name is near.
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
    """The error of an argument that something has not.

    Args:
        owner: What has the arguments, as errors call it.
        name: The argument's name.
        value: What it was set to.
        known: The names that there are.
        earlier: Dict earlier name → name.
    """
    received = f"Received: {name}={value!r}"
    if earlier.get(name) in known:
        return UnknownArgument(f"`{name}` of {owner} is `{earlier[name]}` now. {received}")
    near = nearest(name, known)
    advice = f"did you mean `{near}`?" if near else f"known ones are {list(known)}."
    return UnknownArgument(f"Unknown argument of {owner}; {advice} {received}")

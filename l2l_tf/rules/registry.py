"""Names of update rules, and their configuration as plain data."""

from l2l_tf.call_text import parse_call
from l2l_tf.rules.base import UpdateRule

_RULES = {}


def register_rule(name):
    """Class decorator: makes a rule known under `name` to presets and flags.

    Args:
        name: Lower-case identifier.

    Raises:
        ValueError: If another class has that name.
    """

    def decorate(cls):
        known = _RULES.get(name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise ValueError(
                f"A rule named {name!r} is registered already: {known.__qualname__}. "
                f"Received: {cls.__qualname__}"
            )
        _RULES[name] = cls
        cls.registered_name = name
        return cls

    return decorate


def names():
    """Sorted names of all registered rules."""
    return sorted(_RULES)


def get(name, **config):
    """The rule registered under `name`, with untrained meta-parameters.

    Args:
        name: A registered name.
        **config: Constructor arguments of the rule.

    Raises:
        ValueError: If the name or an argument is unknown.
    """
    if name not in _RULES:
        raise ValueError(f"Unknown rule; known ones are {names()}. Received: rule={name!r}")
    cls = _RULES[name]
    try:
        return cls.from_config(config)
    except TypeError as error:
        raise ValueError(
            f"Rule {name!r} does not take these arguments ({error}). Received: {config}"
        ) from error


def from_text(text):
    """The rule that a text such as `lstm(hidden_size=20)` describes, untrained.

    Raises:
        ValueError: If the text cannot be read, or the name or an argument is unknown.
    """
    name, arguments = parse_call(text, "rule")
    return get(name, **arguments)


def serialize(rule):
    """A rule's name and configuration, without its meta-parameters.

    Returns:
        `{"name": …, "config": {…}}`, JSON-serialisable.

    Raises:
        ValueError: If the rule's class was never registered.
    """
    name = getattr(type(rule), "registered_name", None)
    if not isinstance(rule, UpdateRule) or _RULES.get(name) is not type(rule):
        raise ValueError(
            "Only rules of a class decorated with `register_rule` can be "
            f"serialised. Received: {rule!r}"
        )
    return {"name": name, "config": rule.get_config()}


def deserialize(config):
    """The rule that `serialize` described, with untrained meta-parameters."""
    if not isinstance(config, dict) or set(config) != {"name", "config"}:
        raise ValueError(
            f"A rule's description has the keys 'name' and 'config'. Received: {config!r}"
        )
    return get(config["name"], **config["config"])


def as_rule(argument, given):
    """A rule that is an argument of another one.

    Args:
        argument: Name of the argument, for errors.
        given: An `UpdateRule`, its description (as `serialize` gives it), or its text.

    Raises:
        ValueError: If it is none of these.
    """
    if isinstance(given, UpdateRule):
        return given
    try:
        return from_text(given) if isinstance(given, str) else deserialize(given)
    except ValueError as error:
        raise ValueError(
            f"`{argument}` is a rule, its description or its text ({error}). "
            f"Received: {argument}={given!r}"
        ) from error

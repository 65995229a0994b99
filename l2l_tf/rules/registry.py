"""Names of update rules, and their configuration as plain data."""

from typing import Any

from l2l_tf.core import renamed
from l2l_tf.core.config import setting
from l2l_tf.core.registry import Registry
from l2l_tf.rules.base import UpdateRule

RULES = Registry("rule", renamed.RULES, renamed.ARGUMENTS)
register_rule, names, get, from_text = RULES.register, RULES.names, RULES.get, RULES.from_spec


def serialize(rule: UpdateRule) -> dict:
    """A rule's name and configuration, without its meta-parameters.

    Returns:
        `{"name": …, "config": {…}}`, JSON-serialisable.

    Raises:
        ValueError: If the rule's class was never registered.
    """
    name = getattr(type(rule), "registered_name", None)
    if not isinstance(rule, UpdateRule) or RULES.classes.get(name) is not type(rule):
        raise ValueError(
            "Only rules of a class decorated with `register_rule` can be "
            f"serialised. Received: {rule!r}"
        )
    return {"name": name, "config": rule.get_config()}


def deserialize(config: dict) -> UpdateRule:
    """The rule that `serialize` described, today or earlier, with untrained meta-parameters."""
    if not renamed.is_rule(config):
        raise ValueError(
            f"A rule's description is {{'name': a text, 'config': a dict}}. Received: {config!r}"
        )
    config = renamed.upgraded_rule(config)
    return get(config["name"], **config["config"])


def as_rule(argument: str, given: UpdateRule | dict | str) -> UpdateRule:
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


def a_rule(default: str) -> Any:
    """A field that is a rule, given as `as_rule` takes it; `default`: its text."""
    return setting(default, convert=as_rule)

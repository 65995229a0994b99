"""One grammar for "a rule or a preset", wherever one is named: arguments, flags, texts.

| text | the rule |
|---|---|
| `lstm-digits`, `runs/first/preset` | of a preset: its name, or its directory with a slash in it |
| `lstm-digits(…)` | a preset's weights under other settings, `name(argument=value,…)` |
| `adam(beta_1=0.8)`, `lstm` | a rule; one that is learned has the weights that are shipped for it |
| `rule:lstm(hidden_size=8)` | a rule with untrained weights |
"""

import os
import pathlib
from typing import NamedTuple

from l2l_tf import rules
from l2l_tf.core import renamed
from l2l_tf.core.spec import parse_spec
from l2l_tf.core.unknown import unknown
from l2l_tf.presets import registry, storage

UNTRAINED = "rule:"


class Resolved(NamedTuple):
    """What a text means.

    Attributes:
        rule: `UpdateRule` with its weights.
        preset: Name or directory of the preset that these come from; None without one.
    """

    rule: rules.UpdateRule
    preset: str | None = None


def resolve(
    source: str | os.PathLike | rules.UpdateRule, argument: str = "rule", untrained: bool = False
) -> Resolved:
    """The rule that a text of the grammar above means.

    Args:
        source: The text, the path of a preset directory, or an `UpdateRule`.
        argument: What the text is called, for errors.
        untrained: Whether the name of a learned rule means untrained weights even without
            `rule:`, as where rules are trained.

    Returns:
        A `Resolved`.

    Raises:
        ValueError: If a name is unknown, an argument not allowed, or there are no weights.
        FileNotFoundError: If a preset's directory or one of its files is missing.
    """
    if isinstance(source, rules.UpdateRule):
        return Resolved(source)
    if isinstance(source, os.PathLike):
        return _preset(os.fspath(source))
    if not isinstance(source, str):
        raise ValueError(
            f"`{argument}` is a text, a path or an UpdateRule. Received: {argument}={source!r}"
        )
    if source.startswith(UNTRAINED):
        return Resolved(rules.from_text(source.removeprefix(UNTRAINED)))
    name, bracket, rest = source.partition("(")
    name = name.strip()
    if name in (*rules.names(), *renamed.RULES) and name not in registry.list_presets():
        return _named_rule(name, source, untrained)
    if source in registry.list_presets() or registry.is_preset(source) or _is_path(source):
        return _preset(source)
    if name in registry.list_presets() or "/" in name or registry.is_preset(name):
        arguments = parse_spec(f"preset{bracket}{rest}", argument)[1] if bracket else None
        return _preset(name, arguments)
    known = [*rules.names(), *registry.list_presets()]
    more = ", and a preset's directory has a slash in it"
    raise ValueError(
        unknown("rule or preset", name, known, argument=argument, given=source, more=more)
    )


def _is_path(source):
    return "/" in source and pathlib.Path(source).expanduser().is_dir()


def _preset(name_or_directory, arguments=None):
    rule = storage.read_preset(registry.preset_directory(name_or_directory))
    if arguments:
        described = rules.serialize(rule)
        config = {**described["config"], **arguments}
        rule = rules.get(described["name"], **config).bind(rule.meta_params)
    return Resolved(rule, name_or_directory)


def _named_rule(name, text, untrained):
    """A registered rule; one that is learned, with the weights that are shipped for it."""
    rule = rules.from_text(text)
    if untrained or not rule.meta_params:
        return Resolved(rule)
    try:
        shipped = registry.preset_for_rule(name)
    except ValueError as error:
        raise ValueError(
            f"No weights are shipped for the rule {name!r}: {UNTRAINED}{text} has untrained ones, "
            f"l2l-train makes a preset with trained ones, and the presets that there are are "
            f"{registry.list_presets()}. Received: rule={text!r}"
        ) from error
    found = _preset(shipped)
    config, (_, arguments) = found.rule.get_config(), parse_spec(text, "rule")
    if any(config[key] != value for key, value in arguments.items()):
        raise ValueError(
            f"The weights that are shipped for {name!r} are those of {found.rule!r}; l2l-train "
            f"makes weights for other arguments, and {UNTRAINED}{text} has untrained ones. "
            f"Received: rule={name!r} with {arguments}"
        )
    return found

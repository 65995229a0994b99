"""Which rule an optimizer's arguments, or its saved configuration, mean."""

import pathlib

from l2l_tf import presets, rules
from l2l_tf.core.spec import parse_spec


def resolve(preset, rule):
    """Name of the preset (or None) and the rule that two constructor arguments mean.

    Args:
        preset: Name or directory of a preset, or None.
        rule: Name of a rule, a text such as "adam(beta_1=0.8)", an `UpdateRule`, or None.

    Returns:
        `(preset, rule)`: a string or None, and an `UpdateRule` with its weights.

    Raises:
        ValueError: If both are given, a name is unknown, or there are no weights.
    """
    if preset is not None and rule is not None:
        raise ValueError(
            f"Give `preset` or `rule`, not both. Received: preset={preset!r}, rule={rule!r}"
        )
    if isinstance(rule, rules.UpdateRule):
        return None, rule
    if rule is not None:
        if not isinstance(rule, str):
            raise ValueError(f"`rule` is a name or an UpdateRule. Received: rule={rule!r}")
        untrained = rules.from_text(rule)
        if not untrained.meta_params:
            return None, untrained
        return _shipped(*parse_spec(rule, "rule"))
    elif preset is None:
        preset = presets.default_preset()
    if not isinstance(preset, str | pathlib.Path):
        raise ValueError(f"`preset` is a name or a directory. Received: preset={preset!r}")
    return str(preset), presets.load_preset(preset)


def _shipped(name, arguments):
    """The preset that stands for a learned rule's name, and its rule, which has these arguments."""
    preset = presets.preset_for_rule(name)
    rule = presets.load_preset(preset)
    config = rule.get_config()
    if any(config[key] != value for key, value in arguments.items()):
        raise ValueError(
            f"The weights that are shipped for {name!r} are those of {rule!r}; l2l-train makes "
            f"weights for other arguments. Received: rule={name!r} with {arguments}"
        )
    return preset, rule


def restore(preset, description):
    """The rule of a saved configuration, with the preset's weights if they are still there.

    Args:
        preset: Name or directory of the preset that the rule came from, or None.
        description: The rule as `rules.serialize` describes it.

    Returns:
        `(rule, pending)`: whether the weights have yet to come from a file.
    """
    rule = rules.deserialize(description)
    if "learning_rate" in description["config"] and rule.takes_learning_rate:
        rule = rule.copied(takes_learning_rate=False)
    if preset is None or not rule.meta_params:
        return rule, bool(rule.meta_params)
    try:
        shipped = presets.load_preset(preset)
    except (ValueError, OSError):
        return rule, True
    same = rules.serialize(shipped) == rules.serialize(rule)
    return (shipped, False) if same else (rule, True)

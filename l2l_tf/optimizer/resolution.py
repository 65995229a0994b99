"""Which rule an optimizer's arguments, or its saved configuration, mean."""

import pathlib

from l2l_tf import presets, rules


def resolve(preset, rule):
    """Name of the preset (or None) and the rule that two constructor arguments mean.

    Args:
        preset: Name or directory of a preset, or None.
        rule: Name of a rule, an `UpdateRule`, or None.

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
        untrained = rules.get(rule)
        if not untrained.meta_params:
            return None, untrained
        preset = presets.preset_for_rule(rule)
    elif preset is None:
        preset = presets.default_preset()
    if not isinstance(preset, str | pathlib.Path):
        raise ValueError(f"`preset` is a name or a directory. Received: preset={preset!r}")
    return str(preset), presets.load_preset(preset)


def restore(preset, description):
    """The rule of a saved configuration, with the preset's weights if they are still there.

    Args:
        preset: Name or directory of the preset that the rule came from, or None.
        description: The rule as `rules.serialize` describes it.

    Returns:
        `(rule, pending)`: whether the weights have yet to come from a file.
    """
    rule = rules.deserialize(description)
    if preset is None:
        return rule, bool(rule.meta_params)
    try:
        shipped = presets.load_preset(preset)
    except (ValueError, OSError):
        return rule, True
    same = rules.serialize(shipped) == rules.serialize(rule)
    return (shipped, False) if same else (rule, True)

"""Which rule an optimizer's arguments, or its saved configuration, mean."""

import os

from l2l_tf import presets, rules


def resolve(
    preset: str | os.PathLike | None, rule: str | rules.UpdateRule | None
) -> tuple[str | None, rules.UpdateRule]:
    """Name of the preset (or None) and the rule that two constructor arguments mean.

    Args:
        preset: Name or directory of a preset, or None.
        rule: A rule or a preset as `presets.resolve` takes it, or None.

    Returns:
        `(preset, rule)`: a string or None, and an `UpdateRule` with its weights.

    Raises:
        ValueError: If both are given, a name is unknown, or there are no weights.
    """
    if preset is not None and rule is not None:
        raise ValueError(
            f"Give `preset` or `rule`, not both. Received: preset={preset!r}, rule={rule!r}"
        )
    if rule is not None:
        found = presets.resolve(rule)
        return found.preset, found.rule
    preset = presets.default_preset() if preset is None else preset
    if not isinstance(preset, str | os.PathLike):
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

"""What `l2l-evaluate` compares with baselines."""


def contenders_of(flag_values):
    """The learned optimizers that `--preset` and `--contender` name.

    Args:
        flag_values: Parsed flags.

    Raises:
        ValueError: If a name is unknown, or `--preset` names no preset: rules are contenders.
    """
    from l2l_tf import evaluation, presets, rules

    for text in flag_values.preset:
        if text.partition("(")[0] in rules.names():
            raise ValueError(
                f"--preset names a preset; a rule is a --contender. Received: --preset={text}"
            )
        presets.preset_directory(text)
    named = [evaluation.learned(p, None, flag_values.known_horizon) for p in flag_values.preset]
    return named + [evaluation.contender_from_text(text) for text in flag_values.contender]

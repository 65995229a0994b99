"""Rules as users name them: by a text, or by a preset."""

from l2l_tf import presets, rules


def given_preset(name_or_directory):
    """The rule of a preset.

    Raises:
        ValueError: If there is none, or a file of it is missing or damaged.
    """
    try:
        return presets.load_preset(name_or_directory)
    except FileNotFoundError as error:
        raise ValueError(str(error)) from error


def given_rule(text):
    """The rule that a text describes, or that of a preset: its name, or a path with a slash.

    Raises:
        ValueError: If it is neither.
    """
    if text in presets.list_presets() or "/" in text.partition("(")[0]:
        return given_preset(text)
    return rules.from_text(text)

"""Presets: learned rules with their weights, shipped or saved."""

import os

from l2l_tf.presets import storage
from l2l_tf.presets.registry import (
    default_preset,
    list_presets,
    preset_directory,
    preset_for_rule,
    register_preset,
)
from l2l_tf.presets.resolution import Resolved, resolve
from l2l_tf.presets.storage import write_preset as save_preset
from l2l_tf.presets.summary import Summary, summarize
from l2l_tf.rules import UpdateRule


def load_preset(name_or_directory: str | os.PathLike) -> UpdateRule:
    """The rule of a preset, with its meta-parameters.

    Args:
        name_or_directory: A name from `list_presets()` or a path.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the name is unknown, or a file is damaged or too new.
    """
    return storage.read_preset(preset_directory(name_or_directory))


def load_card(name_or_directory: str | os.PathLike) -> str:
    """The model card of a preset, Markdown."""
    return storage.read_card(preset_directory(name_or_directory))


__all__ = [
    "Resolved",
    "Summary",
    "default_preset",
    "list_presets",
    "load_card",
    "load_preset",
    "preset_directory",
    "preset_for_rule",
    "register_preset",
    "resolve",
    "save_preset",
    "summarize",
]

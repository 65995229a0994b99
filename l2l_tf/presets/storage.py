"""A preset as a directory: configuration, weights, card, and checksums of all three."""

import datetime
import hashlib
import io
import json
import os
import pathlib

import numpy as np

from l2l_tf import rules
from l2l_tf.core.files import whole_directory

# 1: names of rules and arguments of an earlier time (`core.renamed`), still read.
FORMAT_VERSION = 2
CONFIG, WEIGHTS, CARD, METADATA = "config.json", "weights.npz", "card.md", "metadata.json"


def write_preset(
    directory: str | os.PathLike, rule: rules.UpdateRule, card: str, extra: dict | None = None
) -> None:
    """Write a rule with its meta-parameters as a preset directory.

    The directory appears whole or not at all; a preset that was there is replaced.

    Args:
        directory: Path; its parent is created if needed.
        rule: Registered `UpdateRule`; its meta-parameters are arrays, tensors or variables.
        card: Text of the model card (Markdown).
        extra: JSON-serialisable dict, kept in `config.json` under its own keys.

    Raises:
        ValueError: If the rule is not registered.
        FileExistsError: If `directory` exists and is no preset.
    """
    directory = pathlib.Path(directory).expanduser()
    if directory.exists() and not (directory / METADATA).is_file():
        if not directory.is_dir() or any(directory.iterdir()):
            raise FileExistsError(
                "A preset replaces only a preset or an empty directory. "
                f"Received: directory={str(directory)!r}"
            )
    config = {"format_version": FORMAT_VERSION, "rule": rules.serialize(rule), **(extra or {})}
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.asarray(value) for name, value in rule.meta_params.items()})
    files = {
        CONFIG: (json.dumps(config, indent=2, sort_keys=True) + "\n").encode(),
        WEIGHTS: buffer.getvalue(),
        CARD: card.encode(),
    }
    metadata = {
        "created": datetime.date.today().isoformat(),
        "meta_parameters": int(sum(np.size(v) for v in rule.meta_params.values())),
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    files[METADATA] = (json.dumps(metadata, indent=2, sort_keys=True) + "\n").encode()
    with whole_directory(directory) as fresh:
        for name, data in files.items():
            (fresh / name).write_bytes(data)


def read_preset(directory):
    """The rule of a preset directory, with its meta-parameters.

    Every checksum is verified before anything is parsed.

    Args:
        directory: Path.

    Returns:
        `UpdateRule` whose meta-parameters are float32 arrays.

    Raises:
        FileNotFoundError: If the directory or one of its files is missing.
        ValueError: If a file was changed or truncated, or a newer version wrote it.
    """
    files = _verified(directory)
    config = json.loads(files[CONFIG])
    version = config.get("format_version")
    path = pathlib.Path(directory) / CONFIG
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise ValueError(
            f"{path} was written by a newer version of l2l_tf: this one reads formats up to "
            f"{FORMAT_VERSION}. Received: format_version={version!r}"
        )
    rule = rules.deserialize(config.get("rule"))
    with np.load(io.BytesIO(files[WEIGHTS]), allow_pickle=False) as arrays:
        meta_params = {name: arrays[name] for name in arrays.files}
    try:
        return rule.bind(meta_params)
    except ValueError as error:
        raise ValueError(f"{pathlib.Path(directory) / WEIGHTS}: {error}") from error


def read_card(directory):
    """Text of a preset's card."""
    return _verified(directory)[CARD].decode()


def _verified(directory):
    directory = pathlib.Path(directory).expanduser()
    if not directory.is_dir():
        raise FileNotFoundError(f"There is no preset directory. Received: {str(directory)!r}")
    contents = {}
    for name in (METADATA, CONFIG, WEIGHTS, CARD):
        path = directory / name
        if not path.is_file():
            raise FileNotFoundError(f"The preset has no file {name}. Received: {str(path)!r}")
        contents[name] = path.read_bytes()
    try:
        checksums = json.loads(contents[METADATA])["sha256"]
        listed = {name: checksums[name] for name in (CONFIG, WEIGHTS, CARD)}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{METADATA} is no list of checksums ({error!r}). "
            f"Received: {str(directory / METADATA)!r}"
        ) from error
    for name, expected in listed.items():
        actual = hashlib.sha256(contents[name]).hexdigest()
        if actual != expected:
            raise ValueError(
                f"{directory / name} is not the file that was saved: its SHA-256 should be "
                f"{expected}. Received: {actual}"
            )
    return contents

"""A preset as a directory: configuration, weights, card, and checksums of all three."""

import datetime
import hashlib
import io
import json
import os
import pathlib
import zipfile

import numpy as np

from l2l_tf import rules
from l2l_tf.core import draws
from l2l_tf.core.files import UNREADABLE, whole_directory

# 1: names of rules and arguments of an earlier time (`core.renamed`), still read.
FORMAT_VERSION = 2
CONFIG, WEIGHTS, CARD, METADATA = "config.json", "weights.npz", "card.md", "metadata.json"
# Of one file, and of all arrays in it: learned rules have some thousand weights.
MAX_BYTES = 2**30
# Random weights that a rule may draw for itself: a float has four bytes, and some draw in vain.
DRAWS_PER_BYTE, SPARE_DRAWS = 4, 2**20


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
    path = pathlib.Path(directory) / CONFIG
    config = _described(files[CONFIG], path)
    version = config.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise ValueError(
            f"{path} was written by a newer version of l2l_tf: this one reads formats up to "
            f"{FORMAT_VERSION}. Received: format_version={version!r}"
        )
    # What it is bound to is compared with weights of its own.
    with draws.at_most(DRAWS_PER_BYTE * len(files[WEIGHTS]) + SPARE_DRAWS):
        return _bound(config, path, files[WEIGHTS], pathlib.Path(directory) / WEIGHTS)


def _bound(config, path, content, weights):
    try:
        rule = rules.deserialize(config.get("rule"))
    except RecursionError as error:
        raise ValueError(
            f"{path} describes a rule within too many others. Received: {path.stat().st_size} bytes"
        ) from error
    except (TypeError, MemoryError) as error:
        raise ValueError(f"{path} describes no rule ({error!r}). Received: {config!r}") from error
    try:
        return rule.bind(_arrays(content))
    except (ValueError, MemoryError) as error:
        raise ValueError(f"{weights}: {error}") from error


def _described(content, path):
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON ({error}). Received: {content[:80]!r}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path} is a JSON object. Received: {config!r}")
    return config


def _arrays(content):
    """Dict name → finite float32 array out of an `.npz`; nothing in it is run or unpickled."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            size = sum(member.file_size for member in members.infolist())
        if size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES:,} bytes. Received: {size:,} bytes")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except UNREADABLE as error:
        raise ValueError(
            f"it holds no arrays ({error!r}). Received: {len(content)} bytes"
        ) from error
    for name, value in arrays.items():
        if not isinstance(value, np.ndarray) or value.dtype != np.float32:
            raise ValueError(f"weights are float32 arrays. Received: {name}={value!r}")
        if not np.isfinite(value).all():
            raise ValueError(f"weights are finite. Received: {name}={value!r}")
    return arrays


def read_card(directory):
    """Text of a preset's card."""
    return _verified(directory)[CARD].decode()


def read_meta_training(directory):
    """What `config.json` of a preset says of its meta-training, a dict; empty without it."""
    path = pathlib.Path(directory) / CONFIG
    found = _described(_verified(directory)[CONFIG], path).get("meta_training")
    return found if isinstance(found, dict) else {}


def _verified(directory):
    directory = pathlib.Path(directory).expanduser()
    if not directory.is_dir():
        raise FileNotFoundError(f"There is no preset directory. Received: {str(directory)!r}")
    contents = {}
    for name in (METADATA, CONFIG, WEIGHTS, CARD):
        path = directory / name
        if not path.is_file():
            raise FileNotFoundError(f"The preset has no file {name}. Received: {str(path)!r}")
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(
                f"A file of a preset has at most {MAX_BYTES:,} bytes. Received: {str(path)!r}"
            )
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

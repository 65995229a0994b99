"""Checkpoints of meta-training: atomic, verified, without pickle."""

import hashlib
import io
import json
import os
import pathlib
import re
import warnings
import zipfile

import numpy as np

from l2l_tf.core.files import UNREADABLE, to_json, write_whole

_NAME = re.compile(r"checkpoint-(\d{9})\.npz")


def save_checkpoint(directory, meta_step, arrays, info, keep=3, best=None):
    """Write one checkpoint; a killed process leaves either all of it or nothing.

    Args:
        directory: Where; created if needed.
        meta_step: Meta-steps done.
        arrays: Dict name → array.
        info: JSON-serialisable dict.
        keep: Number of newest checkpoints to keep.
        best: Meta-steps of the best validation so far; a checkpoint of that step is kept, too.

    Raises:
        OSError: If there is no room, or the directory cannot be written; the checkpoints before
            stay as they are.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    text = np.frombuffer(to_json(info).encode(), np.uint8)
    np.savez(buffer, __info__=text, **{k: np.asarray(v) for k, v in arrays.items()})
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    path = directory / f"checkpoint-{meta_step:09d}.npz"
    checksum = path.with_suffix(".sha256")
    if _holds(path, content) and _holds(checksum, digest.encode()):
        return  # Written anew it would for a moment be a file and another's checksum.
    staged = path.with_name(f".{path.name}.whole.partial")
    try:
        write_whole(staged, content)  # Where there is no room for it, the checksum is as it was.
        write_whole(checksum, digest)
        os.replace(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        if not path.exists():  # A checksum of nothing.
            checksum.unlink(missing_ok=True)
        raise
    for old in _paths(directory)[:-keep]:
        if _step_of(old) == best:
            continue
        old.unlink(missing_ok=True)
        old.with_suffix(".sha256").unlink(missing_ok=True)


def _holds(path, content):
    return path.is_file() and path.read_bytes() == content


def newest_checkpoint(directory):
    """The newest checkpoint whose content is what was written.

    Args:
        directory: Where; may be missing.

    Returns:
        `(meta_step, arrays, info)`, or None where there is no valid one.
    """
    for path in reversed(_paths(pathlib.Path(directory))):
        found = _read(path)
        if found is not None:
            return _step_of(path), *found
        warnings.warn(f"{path.name} is damaged and passed over.", stacklevel=2)
    return None


def _read(path):
    """`(arrays, info)` of a checkpoint, or None if it is not what was written."""
    try:
        content = path.read_bytes()
        expected = path.with_suffix(".sha256").read_bytes()
        if hashlib.sha256(content).hexdigest().encode() != expected:
            return None
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            if sum(member.file_size for member in members.infolist()) > len(content):
                return None  # Nothing is compressed here.
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays, json.loads(arrays.pop("__info__").tobytes().decode())
    except UNREADABLE:
        return None


def any_checkpoint(directory):
    """Whether there is one at all, be it damaged."""
    return bool(_paths(pathlib.Path(directory)))


def _step_of(path):
    return int(_NAME.fullmatch(path.name).group(1))


def _paths(directory):
    if not directory.is_dir():
        return []
    return sorted(p for p in directory.iterdir() if _NAME.fullmatch(p.name))

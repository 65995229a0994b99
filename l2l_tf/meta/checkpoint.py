"""Checkpoints of meta-training: atomic, verified, without pickle."""

import hashlib
import io
import json
import pathlib
import re
import warnings

import numpy as np

from l2l_tf.core.files import to_json, write_whole

_NAME = re.compile(r"checkpoint-(\d{9})\.npz")


def save_checkpoint(directory, meta_step, arrays, info, keep=3):
    """Write one checkpoint; a killed process leaves either all of it or nothing.

    Args:
        directory: Where; created if needed.
        meta_step: Meta-steps done.
        arrays: Dict name → array.
        info: JSON-serialisable dict.
        keep: Number of newest checkpoints to keep.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    text = np.frombuffer(to_json(info).encode(), np.uint8)
    np.savez(buffer, __info__=text, **{k: np.asarray(v) for k, v in arrays.items()})
    content = buffer.getvalue()
    path = directory / f"checkpoint-{meta_step:09d}.npz"
    write_whole(path.with_suffix(".sha256"), hashlib.sha256(content).hexdigest())
    write_whole(path, content)
    for old in _paths(directory)[:-keep]:
        old.unlink(missing_ok=True)
        old.with_suffix(".sha256").unlink(missing_ok=True)


def newest_checkpoint(directory):
    """The newest checkpoint whose content is what was written.

    Args:
        directory: Where; may be missing.

    Returns:
        `(meta_step, arrays, info)`, or None where there is no valid one.
    """
    for path in reversed(_paths(pathlib.Path(directory))):
        try:
            content = path.read_bytes()
            expected = path.with_suffix(".sha256").read_text()
        except OSError:
            content = expected = None
        if content is None or hashlib.sha256(content).hexdigest() != expected:
            warnings.warn(f"{path.name} is damaged and passed over.", stacklevel=2)
            continue
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        info = json.loads(arrays.pop("__info__").tobytes().decode())
        return int(_NAME.fullmatch(path.name).group(1)), arrays, info
    return None


def _paths(directory):
    if not directory.is_dir():
        return []
    return sorted(p for p in directory.iterdir() if _NAME.fullmatch(p.name))

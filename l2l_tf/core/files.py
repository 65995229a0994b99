"""Files that are there whole or not at all, and JSON that says nothing JSON cannot say."""

import json
import math
import os
import pathlib
from typing import Any


def write_whole(path: str | os.PathLike, content: bytes) -> None:
    """Write a file; a killed process leaves what was there, or all of it.

    Args:
        path: Where.
        content: Bytes.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def to_json(value: Any, **arguments) -> str:
    """Text of plain data; a number that is not finite becomes null, which JSON has.

    Args:
        value: Dicts, lists, tuples, strings, numbers, booleans and None.
        **arguments: Those of `json.dumps`.
    """
    return json.dumps(_without_infinities(value), allow_nan=False, **arguments)


def _without_infinities(value):
    if isinstance(value, dict):
        return {k: _without_infinities(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_infinities(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

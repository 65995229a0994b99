"""Files and directories that are there whole or not at all; plain data as JSON."""

import contextlib
import csv
import io
import json
import math
import os
import pathlib
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# What reading an archive of arrays raises where it is damaged, or made up.
UNREADABLE = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    MemoryError,
    RuntimeError,  # A way to compress or to encrypt that is not known.
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def write_whole(path: str | os.PathLike, content: bytes | str) -> None:
    """Write a file; a killed process leaves what was there, or all of it.

    Args:
        path: Where; its directory exists.
        content: Bytes, or text, which is written as UTF-8.
    """
    path = pathlib.Path(path)
    content = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def whole_directory(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A fresh directory that takes the place of `path` if the block ends without an error.

    What was there, a directory, is replaced; the parent is made if needed.

    Args:
        path: Where.

    Yields:
        `pathlib.Path` of the fresh directory, beside `path`.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    apart = pathlib.Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    fresh, old = apart / "fresh", apart / "old"
    fresh.mkdir()
    try:
        yield fresh
        if path.exists():
            os.rename(path, old)
        try:
            os.rename(fresh, path)
        except OSError:
            if old.exists():
                os.rename(old, path)
            raise
    finally:
        shutil.rmtree(apart, ignore_errors=True)


def write_csv(
    path: str | os.PathLike, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None
) -> None:
    """Write a CSV file, whole or not at all.

    Args:
        path: Where.
        rows: Dicts with the same keys.
        columns: Their names in order; by default those of the first row.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns or rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def to_json(value: Any, **arguments) -> str:
    """Text of plain data; a number that is not finite becomes null, which JSON has.

    Args:
        value: Dicts, lists, tuples, strings, numbers, booleans and None.
        **arguments: Those of `json.dumps`.
    """
    return json.dumps(_each_float(value, lambda number: None), allow_nan=False, **arguments)


def spelled(value: Any) -> Any:
    """Plain data whose numbers that are not finite are text ("inf"), for JSON that is read back."""
    return _each_float(value, str)


def unspelled(value: Any) -> Any:
    """The inverse of `spelled`."""
    if isinstance(value, dict):
        return {name: unspelled(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [unspelled(entry) for entry in value]
    return float(value) if value in ("inf", "-inf", "nan") else value


def _each_float(value, of_infinite):
    if isinstance(value, dict):
        return {str(name): _each_float(entry, of_infinite) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_each_float(entry, of_infinite) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return of_infinite(value)
    return value

"""Writing a SavedModel whole or not at all."""

import pathlib

import tensorflow as tf

from l2l_tf.core.files import whole_directory


def check_destination(directory):
    """The path to export to; to be called before anything expensive.

    Args:
        directory: Path; `~` is expanded.

    Raises:
        FileExistsError: If it is a file, or a directory that is not empty.
    """
    path = pathlib.Path(directory).expanduser()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(
            "A SavedModel is written to a new or an empty directory. "
            f"Received: directory={str(directory)!r}"
        )
    return path


def write_saved_model(module, path, signatures=None):
    """Write `module` beside `path`, then rename it there.

    Args:
        module: `tf.Module` with traced functions.
        path: What `check_destination` returned; its parent is created if needed.
        signatures: As in `tf.saved_model.save`.
    """
    with whole_directory(path) as fresh:
        tf.saved_model.save(module, str(fresh), signatures=signatures)

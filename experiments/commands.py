"""Command lines of meta-trainings that go on from one another."""

import sys


def l2l_train(arguments, runs, directory):
    """The `l2l-train` command line of one run, which goes on if it was interrupted.

    Args:
        arguments: What it is given besides the directory; `{runs}` in them stands for `runs`.
        runs: Directory of all runs, `pathlib.Path`.
        directory: Directory of this one, `pathlib.Path`.

    Returns:
        List of str.
    """
    return _command("train", arguments, runs, directory)


def l2l_search(arguments, runs, directory):
    """The same for `l2l-search`."""
    return _command("search", arguments, runs, directory)


def _command(name, arguments, runs, directory):
    return [
        *(sys.executable, "-m", f"l2l_tf.cli.{name}", f"--output_dir={directory}"),
        *(a.replace("{runs}", str(runs)) for a in arguments),
        *(("--resume",) if directory.is_dir() else ()),
    ]

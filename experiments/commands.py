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
    return [
        *(sys.executable, "-m", "l2l_tf.cli.train", f"--output_dir={directory}"),
        *(a.replace("{runs}", str(runs)) for a in arguments),
        *(("--resume",) if directory.is_dir() else ()),
    ]

"""What TensorFlow says before a command's first word."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator

# Level I or W of its log, and the line that comes before the first of them.
NOTICE = re.compile(rb"[IW]\d{4} |WARNING: All log messages before absl::InitializeLog")


def import_tensorflow_quietly() -> None:
    """Import TensorFlow without its notices, for a command; errors are shown.

    TF_CPP_MIN_LOG_LEVEL alone does not do it: TensorFlow 2.21 tells of oneDNN before it reads
    that. One of the user's own counts.
    """
    if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] not in ("0", "1"):
        with without_notices():
            import tensorflow  # noqa: F401


@contextlib.contextmanager
def without_notices() -> Iterator[None]:
    """Leave lines that are notices out of what is written to the process's stderr.

    All others are passed on at once by a process of its own, so that they are seen even if this
    one is aborted. Nothing is left out where processes cannot be forked.
    """
    if not hasattr(os, "fork"):
        yield
        return
    incoming, outgoing = os.pipe()
    reader = os.fork()
    if not reader:
        os.close(outgoing)
        _pass_on(incoming)
    stderr = os.dup(2)
    os.dup2(outgoing, 2)
    os.close(incoming)
    os.close(outgoing)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.waitpid(reader, 0)


def _pass_on(incoming):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # It ends when the other one does.
    with os.fdopen(incoming, "rb") as lines:
        for line in lines:
            if not NOTICE.match(line):
                os.write(2, line)
    os._exit(0)

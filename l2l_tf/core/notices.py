"""TensorFlow's notices on stderr, which commands leave out."""

import contextlib
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator

# Level I or W of its log, the line that comes before the first of them, and what it calls an error
# where there is no GPU: no driver (303), or no device (100).
NOTICE = re.compile(
    rb"[IW]\d{4} |WARNING: All log messages before absl::InitializeLog"
    rb"|E\d{4} .*failed call to cuInit: .*(\(303\)|CUDA_ERROR_NO_DEVICE)"
)


def import_tensorflow_quietly() -> None:
    """Import TensorFlow without its notices, for a command; errors are shown.

    TF_CPP_MIN_LOG_LEVEL alone does not do it: TensorFlow 2.21 tells of oneDNN before it reads
    that. One of the user's own counts.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with quietly():
        import tensorflow

        # Looks for GPUs, which it tells of once, and leaves open how they are used.
        tensorflow.config.list_physical_devices()


def quietly() -> contextlib.AbstractContextManager:
    """`without_notices`, unless TF_CPP_MIN_LOG_LEVEL of 0 or 1 asks for them."""
    wanted = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2") in ("0", "1")
    return contextlib.nullcontext() if wanted else without_notices()


@contextlib.contextmanager
def without_notices() -> Iterator[None]:
    """Leave lines that are notices out of what is written to the process's stderr.

    All others are passed on at once by a process of its own, so that they are seen even if this
    one is aborted: a fork of this one, or a fresh Python where this one has TensorFlow's threads,
    or others, which a fork would lack. Nothing is left out where processes cannot be forked.
    """
    if not hasattr(os, "fork"):
        yield
        return
    incoming, outgoing = os.pipe()
    alone = "tensorflow" not in sys.modules and threading.active_count() == 1
    wait = (_forked if alone else _started)(incoming, outgoing)
    stderr = os.dup(2)
    os.dup2(outgoing, 2)
    os.close(incoming)
    os.close(outgoing)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        wait()


def _forked(incoming, outgoing):
    """Start the reader as a fork; returns a function that waits for its end."""
    reader = os.fork()
    if not reader:
        os.close(outgoing)
        _pass_on(incoming)
    return lambda: os.waitpid(reader, 0)


def _started(incoming, outgoing):
    """The same as a fresh Python, which runs this file alone."""
    import subprocess  # What answers at once has no need of it.

    del outgoing  # No child of `subprocess` inherits it.
    command = [sys.executable, "-I", "-S", __file__]
    return subprocess.Popen(command, stdin=incoming, stdout=subprocess.DEVNULL).wait


def _pass_on(incoming):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # It ends when the other one does.
    with os.fdopen(incoming, "rb") as lines:
        for line in lines:
            if not NOTICE.match(line):
                os.write(2, line)
    os._exit(0)


if __name__ == "__main__":
    _pass_on(0)

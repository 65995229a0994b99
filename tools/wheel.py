"""What the wheel weighs, and what `import l2l_tf` costs beyond `import keras`.

python -m tools.wheel --repeats=5

Seconds are processor time, medians over processes: wall time is that of whatever else the machine
does.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from absl import app, flags

ROOT = pathlib.Path(__file__).resolve().parents[1]
IMPORTS = """
import time
import keras
after_keras = time.process_time()
import l2l_tf
print(after_keras, time.process_time() - after_keras)
"""
FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_integer("repeats", 5, "Processes for each figure.", 1)


def built(directory):
    """Path of the wheel that is built from the working tree.

    Args:
        directory: Where it is written.
    """
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--disable-pip-version-check", f"--wheel-dir={directory}"]
    subprocess.run([*command, str(ROOT)], check=True, cwd=directory)
    (wheel,) = pathlib.Path(directory).glob("*.whl")
    return wheel


def import_seconds(repeats):
    """Median processor seconds `(import keras, import l2l_tf after it)` of processes of their own.

    Args:
        repeats: Processes.
    """
    env = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    rows = []
    how = {"check": True, "capture_output": True, "text": True, "cwd": ROOT, "env": env}
    for _ in range(repeats + 1):  # The first one writes bytecode.
        done = subprocess.run([sys.executable, "-c", IMPORTS], **how)
        rows.append([float(seconds) for seconds in done.stdout.split()])
    return [statistics.median(seconds) for seconds in zip(*rows[1:], strict=True)]


def main(argv):
    del argv
    with tempfile.TemporaryDirectory() as directory:
        wheel = built(directory)
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB")
    keras, ours = import_seconds(FLAGS.repeats)
    print(f"import keras: {keras:.2f} s of processor time")
    print(f"import l2l_tf: {ours:.2f} s more")


if __name__ == "__main__":
    app.run(main)

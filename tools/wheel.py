"""What the wheel weighs, and what `import l2l_tf` costs beyond `import keras`.

python -m tools.wheel --repeats=5

Seconds are processor time of whole processes, medians of interleaved repeats: wall time is that of
whatever else the machine does.
"""

import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

from absl import app, flags

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = {"nothing": "pass", "keras": "import keras", "l2l_tf": "import l2l_tf"}
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


def processor_seconds(program):
    """Processor time of a Python process that runs `program`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", program]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def import_seconds(repeats):
    """Dict name of `PROGRAMS` → median processor time."""
    seconds = {name: [] for name in PROGRAMS}
    for _ in range(repeats + 1):  # The first round writes bytecode.
        for name, program in PROGRAMS.items():
            seconds[name].append(processor_seconds(program))
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def main(argv):
    del argv
    with tempfile.TemporaryDirectory() as directory:
        wheel = built(directory)
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB")
    seconds = import_seconds(FLAGS.repeats)
    print(f"import keras: {seconds['keras']:.2f} s of processor time")
    print(f"import l2l_tf: {seconds['l2l_tf'] - seconds['keras']:.2f} s more")


if __name__ == "__main__":
    app.run(main)

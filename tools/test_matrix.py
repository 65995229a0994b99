"""The tests of what users' programs touch, under several versions of TensorFlow and Keras.

python -m tools.test_matrix --versions=2.20:3.12 --versions=2.21:3.15

Each pair gets an environment of its own, made once, with the newest of each version's releases
and the other requirements as they are. Prints a table, and below each row the tests that failed.
"""

import pathlib
import re
import subprocess
import sys

from absl import app, flags

ROOT = pathlib.Path(__file__).parents[1]
PAIRS = ["2.18:3.8", "2.19:3.10", "2.20:3.12", "2.21:3.13", "2.21:3.14", "2.21:3.15"]
# The optimizer in every way to use it, saved files, presets, and exports.
TESTS = [
    "tests/optimizer",
    "tests/presets/presets_test.py",
    "tests/presets/goldens_test.py",
    "tests/rules/contract_test.py",
    "tests/export/training_test.py",
    "tests/export/step_test.py",
]
# TensorFlow brings the TensorBoard of its version.
REPLACED = ("tensorflow-cpu", "keras", "tensorboard")
# Python compiles what is imported, a small part of what is installed.
QUICKLY = ("--quiet", "--disable-pip-version-check", "--no-compile")
FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_multi_string("versions", PAIRS, "TENSORFLOW:KERAS; repeatable.")
    flags.DEFINE_multi_string("test", TESTS, "Test file or folder; repeatable.")
    flags.DEFINE_string("environments", ".venv-matrix", "Directory of the environments.")


def requirements(tensorflow, keras, text):
    """Lines for pip: those of requirements.txt with other versions of the two.

    Args:
        tensorflow: Version such as "2.20".
        keras: Version such as "3.12".
        text: Text of requirements.txt.
    """
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    kept = [line for line in lines if line and re.match(r"[\w-]+", line).group() not in REPLACED]
    return [f"tensorflow-cpu=={tensorflow}.*", f"keras=={keras}.*", *kept]


def environment(directory, tensorflow, keras):
    """Path of the Python of a pair's environment, which is made if it is not there.

    Raises:
        RuntimeError: If pip finds no releases that go together.
    """
    home = pathlib.Path(directory).absolute() / f"tensorflow-{tensorflow}-keras-{keras}"
    python, done = home / "bin" / "python", home / "installed"
    if done.is_file():
        return python
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    wanted = requirements(tensorflow, keras, (ROOT / "requirements.txt").read_text())
    command = [python, "-m", "pip", "install", *QUICKLY, *wanted]
    installed = subprocess.run(command, capture_output=True, text=True)
    if installed.returncode:
        raise RuntimeError(installed.stderr.strip().splitlines()[-1])
    done.touch()
    return python


def outcome(python, tests):
    """`(summary, names of failed tests)` of a run of pytest."""
    command = [python, "-m", "pytest", "-q", "-rfE", "--tb=no", "-W", "ignore", *tests]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return read(done.stdout)


def read(output):
    """`(summary, names of failed tests)` out of what pytest printed."""
    lines = output.strip().splitlines()
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
    return (lines[-1].strip("= ") if lines else "pytest printed nothing"), failed


def main(argv):
    del argv
    print("| TensorFlow | Keras | tests |\n|---|---|---|", flush=True)
    all_passed = True
    for pair in FLAGS.versions:
        tensorflow, _, keras = pair.partition(":")
        try:
            python = environment(FLAGS.environments, tensorflow, keras)
            summary, failed = outcome(python, FLAGS.test)
        except RuntimeError as error:
            summary, failed = f"not installable: {error}", [pair]
        print(f"| {tensorflow} | {keras} | {summary} |", *failed, sep="\n", flush=True)
        all_passed = all_passed and not failed
    return 0 if all_passed else 1


if __name__ == "__main__":
    app.run(main)

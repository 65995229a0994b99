"""The tests of what users' programs touch, under several versions of TensorFlow, Keras and Python.

python -m tools.test_matrix --versions=2.20:3.12:3.12 --versions=2.21:3.15:3.13

Each row gets an environment of its own, made once, with the newest of each version's releases
and the other requirements as they are; its Python is found on the path (python3.13), or is the
one that runs this where none is named. Prints a table, and below each row the tests that failed.
"""

import pathlib
import re
import shutil
import subprocess
import sys

from absl import app, flags

ROOT = pathlib.Path(__file__).parents[1]
# The oldest and the newest that are supported, and steps between them.
ROWS = ["2.18:3.8:3.11", "2.19:3.10:3.11", "2.20:3.12:3.12", "2.21:3.15:3.13"]
# Where versions differ for those who use an optimizer: what Keras calls and what it keeps, `fit`
# and loops, saved files, presets' numbers, callbacks, and exports. The mathematics of rules is not
# among it, nor are meta-training and evaluation.
TESTS = [
    *(
        f"tests/optimizer/{name}_test.py"
        for name in (
            "averages",
            "compilation",
            "constraints",
            "keras_extensions",
            "learned",
            "run_length",
            "saving",
            "skips",
            "summaries",
        )
    ),
    "tests/presets/presets_test.py",
    "tests/presets/goldens_test.py",
    "tests/export/training_test.py",
    "tests/export/step_test.py",
]
RUNNING = "{}.{}".format(*sys.version_info)
# TensorFlow up to 2.20 brings the TensorBoard of its version, 2.21 none.
REPLACED = ("tensorflow-cpu", "keras", "tensorboard")
# Python compiles what is imported, a small part of what is installed.
QUICKLY = ("--quiet", "--disable-pip-version-check", "--no-compile")
FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_multi_string(
        "versions", ROWS, "TENSORFLOW:KERAS or TENSORFLOW:KERAS:PYTHON; repeatable."
    )
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
    return [f"tensorflow-cpu=={tensorflow}.*", f"keras=={keras}.*", "tensorboard", *kept]


def interpreter(version):
    """Path of the Python of a version; the one that runs this, if it is of that or none is named.

    Args:
        version: Such as "3.12", or "".

    Raises:
        RuntimeError: If there is none on the path that runs.
    """
    if version in ("", RUNNING):
        return sys.executable
    found = shutil.which(f"python{version}")
    # A version manager's stand-in is there, and refuses, where that version is not switched on.
    if found is None or subprocess.run([found, "--version"], capture_output=True).returncode:
        raise RuntimeError(f"a Python is needed on the path. Received: python{version}")
    return found


def environment(directory, tensorflow, keras, version):
    """Path of the Python of a row's environment, which is made if it is not there.

    Raises:
        RuntimeError: If there is no such Python, or pip finds no releases that go together.
    """
    name = f"tensorflow-{tensorflow}-keras-{keras}-python-{version or RUNNING}"
    home = pathlib.Path(directory).absolute() / name
    python, done = home / "bin" / "python", home / "installed"
    if done.is_file():
        return python
    subprocess.run([interpreter(version), "-m", "venv", home], check=True)
    wanted = requirements(tensorflow, keras, (ROOT / "requirements.txt").read_text())
    command = [python, "-m", "pip", "install", *QUICKLY, *wanted]
    installed = subprocess.run(command, capture_output=True, text=True)
    if installed.returncode:
        raise RuntimeError(installed.stderr.strip().splitlines()[-1])
    done.touch()
    return python


def outcome(python, tests):
    """`(summary, names of failed tests)` of a run of pytest."""
    command = [python, "-m", "pytest", "-q", "-rfE", "--tb=no", "-W", "ignore"]
    command += ["-n", "2", "--dist", "loadfile", *tests]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return read(done.stdout)


def read(output):
    """`(summary, names of failed tests)` out of what pytest printed."""
    lines = output.strip().splitlines()
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
    return (lines[-1].strip("= ") if lines else "pytest printed nothing"), failed


def main(argv):
    del argv
    print("| TensorFlow | Keras | Python | tests |\n|---|---|---|---|", flush=True)
    all_passed = True
    for row in FLAGS.versions:
        tensorflow, keras, version = (*row.split(":"), "")[:3]
        try:
            python = environment(FLAGS.environments, tensorflow, keras, version)
            summary, failed = outcome(python, FLAGS.test)
        except RuntimeError as error:
            summary, failed = f"not installable: {error}", [row]
        cells = (tensorflow, keras, version or RUNNING, summary)
        print(f"| {' | '.join(cells)} |", *failed, sep="\n", flush=True)
        all_passed = all_passed and not failed
    return 0 if all_passed else 1


if __name__ == "__main__":
    app.run(main)

"""What the matrix of versions installs, and how it reads what pytest prints."""

import sys

import pytest

from tools import test_matrix

OUTPUT = """.F.E
=========================== short test summary info ============================
FAILED tests/a_test.py::test_it[case] - AssertionError
ERROR tests/b_test.py
1 failed, 2 passed, 1 error in 0.12s
"""


def test_the_two_have_other_versions_and_the_tensorboard_that_goes_with_them():
    text = "# Users.\ntensorflow-cpu>=2.18,<2.22\nkeras>=3.8,<4\nabsl-py>=2.1,<3  # flags\n"
    text += "tensorboard>=2.18,<2.22\n"
    wanted = ["tensorflow-cpu==2.20.*", "keras==3.12.*", "tensorboard", "absl-py>=2.1,<3"]
    assert test_matrix.requirements("2.20", "3.12", text) == wanted


def test_failures_are_read_by_name():
    summary, failed = test_matrix.read(OUTPUT)
    assert summary == "1 failed, 2 passed, 1 error in 0.12s"
    assert failed == ["tests/a_test.py::test_it[case]", "tests/b_test.py"]
    assert test_matrix.read("3 passed in 1s\n") == ("3 passed in 1s", [])
    assert test_matrix.read("")[0] == "pytest printed nothing"


def test_a_python_is_the_one_that_runs_or_one_on_the_path_that_runs(tmp_path, monkeypatch):
    for version in ("", test_matrix.RUNNING):
        assert test_matrix.interpreter(version) == sys.executable
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="Received: python3.99"):
        test_matrix.interpreter("3.99")
    for code in (1, 0):  # A version manager's stand-in refuses; a Python does not.
        program = tmp_path / "python3.99"
        program.write_text(f"#!/bin/sh\nexit {code}\n")
        program.chmod(0o755)
        if code:
            with pytest.raises(RuntimeError, match="Received: python3.99"):
                test_matrix.interpreter("3.99")
    assert test_matrix.interpreter("3.99") == str(program)


def test_every_test_that_it_runs_is_there():
    assert all((test_matrix.ROOT / name).exists() for name in test_matrix.TESTS)

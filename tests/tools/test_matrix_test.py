"""What the matrix of versions installs, and how it reads what pytest prints."""

from tools import test_matrix

OUTPUT = """.F.E
=========================== short test summary info ============================
FAILED tests/a_test.py::test_it[case] - AssertionError
ERROR tests/b_test.py
1 failed, 2 passed, 1 error in 0.12s
"""


def test_the_two_have_other_versions_and_bring_their_own_tensorboard():
    text = "# Users.\ntensorflow-cpu>=2.21,<2.22\nkeras>=3.15,<3.16\nabsl-py>=2.1,<3  # flags\n"
    text += "tensorboard>=2.20,<2.22\n"
    wanted = ["tensorflow-cpu==2.20.*", "keras==3.12.*", "absl-py>=2.1,<3"]
    assert test_matrix.requirements("2.20", "3.12", text) == wanted


def test_failures_are_read_by_name():
    summary, failed = test_matrix.read(OUTPUT)
    assert summary == "1 failed, 2 passed, 1 error in 0.12s"
    assert failed == ["tests/a_test.py::test_it[case]", "tests/b_test.py"]
    assert test_matrix.read("3 passed in 1s\n") == ("3 passed in 1s", [])
    assert test_matrix.read("")[0] == "pytest printed nothing"


def test_every_test_that_it_runs_is_there():
    assert all((test_matrix.ROOT / name).exists() for name in test_matrix.TESTS)

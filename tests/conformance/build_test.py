"""The BUILD files have a target for every module and test, and imports go one way."""

import pathlib

import pytest

from tools import build_files

ROOT = pathlib.Path(__file__).parents[2]


def test_every_module_and_test_has_a_target():
    for tree in build_files.TREES:
        for path in _named(tree, "*.py"):
            build = path.parent / "BUILD"
            text = build.read_text("utf-8") if build.is_file() else ""
            rule = "py_test(" if path.name.endswith("_test.py") else "py_"
            named = rule in text and f'"{path.name}"' in text
            assert named, f"{path.relative_to(ROOT)} has no target: run `make build-files`"


def test_build_files_are_what_make_build_files_writes():
    wanted = build_files.build_files(ROOT)
    for name, text in wanted.items():
        same = (ROOT / name).read_text("utf-8") == text
        assert same, f"{name} is out of date: run `make build-files`"
    there = {p.relative_to(ROOT).as_posix() for t in build_files.TREES for p in _named(t, "BUILD")}
    assert there <= set(wanted), "a directory is gone: run `make build-files`"


def _named(tree, pattern):
    return sorted((ROOT / tree).rglob(pattern))


@pytest.fixture
def small_house(tmp_path):
    files = {
        "l2l_tf/__init__.py": "from l2l_tf import rules\n",
        "l2l_tf/rules/__init__.py": "from l2l_tf.rules.lstm import LSTM\n",
        "l2l_tf/rules/lstm.py": "LSTM = 1\n",
        "tests/rules/lstm_test.py": "import small_models\nfrom l2l_tf.rules import LSTM\n",
        "tests/small_models.py": "def f():\n    from l2l_tf.rules.lstm import LSTM\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_targets_depend_on_what_their_modules_import(small_house):
    written = build_files.build_files(small_house)
    assert set(written) == {
        "BUILD",
        "l2l_tf/BUILD",
        "l2l_tf/rules/BUILD",
        "tests/BUILD",
        "tests/rules/BUILD",
    }
    assert 'deps = ["//l2l_tf/rules"]' in written["l2l_tf/BUILD"]
    assert 'deps = ["//l2l_tf/rules:lstm"]' in written["l2l_tf/rules/BUILD"]
    assert 'deps = ["//l2l_tf/rules:lstm"]' in written["tests/BUILD"]
    test = written["tests/rules/BUILD"]
    assert 'name = "lstm_test"' in test
    assert '"//l2l_tf/rules",\n        "//tests:small_models"' in test


def test_imports_in_a_circle_are_refused(small_house):
    (small_house / "l2l_tf/rules/lstm.py").write_text("import l2l_tf\nLSTM = 1\n")
    with pytest.raises(ValueError, match="circle. Received: .*lstm.py → l2l_tf/__init__.py"):
        build_files.build_files(small_house)

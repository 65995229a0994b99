"""What `tools.house` counts, on a small tree and on this one."""

import pathlib

import pytest

from tools import house

ROOT = pathlib.Path(__file__).parents[2]
SMALL = {
    "l2l_tf/__init__.py": '__all__ = ["Seen", "seen"]\n',
    "l2l_tf/classes.py": "class _Base:\n    def f(self, x): pass\n\n\nclass Seen(_Base):\n"
    "    def g(self) -> int: pass\n    def _h(self): pass\n\n\nclass No:\n    def i(self): pass\n",
    "l2l_tf/rules/__init__.py": "",
    "l2l_tf/rules/lstm.py": "from l2l_tf.cells import linear\n\n\ndef rnnprop():\n    return 1\n",
    "l2l_tf/rules/celo/network.py": "",
    "l2l_tf/cells/linear.py": '"""Not of RNNProp."""\n\n\ndef f(): return 2\n',
    "l2l_tf/seen.py": 'def seen(x: int) -> int:\n    """Seen."""\n\n\ndef other(x):\n    pass\n',
    "benchmarks/a.py": "from experiments import b\n",
    "experiments/b.py": "",
    "experiments/c.py": "from benchmarks import a\n",
}


@pytest.fixture
def tree(tmp_path):
    for name, text in SMALL.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_small_tree_is_counted(tree):
    found = house.counts(tree)
    assert found["arrows back up"] == "1"
    assert found["rooms in circles"] == "2" and found["files in circles"] == "0"
    assert found["rules and cells: files side by side, folders of families"] == "2, 1"
    assert found["public functions and methods with types"] == "2 of 3"
    assert found["files that name one rule"] == "1"
    assert found["longest function, lines"].startswith("2 (`")
    (tree / "l2l_tf" / "classes.py").write_text("")
    (tree / "l2l_tf" / "seen.py").write_text('def seen(x):\n    """Seen."""\n')
    assert house.counts(tree)["public functions and methods with types"] == "0 of 1"


def test_nothing_here_is_in_a_circle_and_all_that_is_public_has_types():
    found = house.counts(ROOT)
    for circle in ("arrows back up", "rooms in circles", "files in circles"):
        assert found[circle] == "0", circle
    typed, all_of_them = found["public functions and methods with types"].split(" of ")
    assert typed == all_of_them

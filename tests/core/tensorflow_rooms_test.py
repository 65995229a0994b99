"""What needs TensorFlow names the extra to install, however it is imported."""

import importlib.util
import re
import sys

import keras
import pytest

import l2l_tf

TRAIN = ("data", "evaluation", "meta", "tasks", "testing")
IMPORTS = {
    **{f"import l2l_tf.{room}": (room, "train") for room in TRAIN},
    "import l2l_tf.export": ("export", "tensorflow"),
    "from l2l_tf import meta": ("meta", "train"),
    "from l2l_tf.meta import Trainer": ("meta", "train"),
    "from l2l_tf.evaluation.settings import Settings": ("evaluation", "train"),
    "import l2l_tf.export.training": ("export", "tensorflow"),
    "import l2l_tf.cli.train": ("tasks", "train"),
    "l2l_tf.tasks": ("tasks", "train"),
    "l2l_tf.cost_report": ("evaluation", "train"),
    "l2l_tf.register_task": ("tasks", "train"),
}


@pytest.fixture
def without_tensorflow(monkeypatch):
    """TensorFlow cannot be imported, and nothing that needs it was."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    for name in list(sys.modules):
        if name.split(".")[:2] in [["l2l_tf", room] for room in (*TRAIN, "export", "cli")]:
            monkeypatch.delitem(sys.modules, name)
    for room in (*TRAIN, "export"):
        monkeypatch.delitem(vars(l2l_tf), room, raising=False)


@pytest.mark.parametrize("statement", IMPORTS)
def test_an_import_says_what_to_install(statement, without_tensorflow):
    room, extra = IMPORTS[statement]
    expected = (
        f"l2l_tf.{room} needs TensorFlow: pip install 'l2l-tf[{extra}]'. "
        f"Received: KERAS_BACKEND={keras.config.backend()}, without TensorFlow"
    )
    with pytest.raises(ImportError, match=f"^{re.escape(expected)}$"):
        exec(statement, {"l2l_tf": l2l_tf})


def test_what_cannot_be_imported_is_not_listed(without_tensorflow):
    assert {"LearnedOptimizer", "presets"} < set(dir(l2l_tf))
    assert not {"meta", "cost_report", "register_task"} & set(dir(l2l_tf))
    for name in dir(l2l_tf):
        getattr(l2l_tf, name)


def test_with_tensorflow_everything_is_found():
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    assert {"meta", "data", "cost_report"} < set(dir(l2l_tf))
    assert l2l_tf.data.__name__ == "l2l_tf.data"

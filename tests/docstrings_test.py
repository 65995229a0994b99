"""The examples in docstrings run."""

import ast
import importlib.util
import inspect
import pathlib
import re
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import make_model

import l2l_tf
from l2l_tf import LearnedOptimizer, evaluation, export, meta, presets, rules, tasks

ROOT = pathlib.Path(l2l_tf.__file__).parent
ROWS = np.linspace(-1, 1, 40).reshape(8, 5).astype("float32")
X, Y = np.repeat(ROWS, 4, axis=0), np.ones((32, 1), "float32")


def classifier():
    return keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(2, "softmax")])


def preset_of_a_first_run():
    presets.save_preset("runs/first/preset", rules.LSTM(hidden_size=2, layers=1), "# First\n")
    return {"learned": evaluation.learned}


def batches():
    return tf.data.Dataset.from_tensor_slices((np.ones((32, 8)), Y)).batch(8)


def a_device():
    """A model, and TensorFlow's interpreter under LiteRT's name, where that is not installed."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        stand_in = types.ModuleType("ai_edge_litert.interpreter")
        stand_in.Interpreter = tf.lite.Interpreter
        sys.modules.setdefault(stand_in.__name__.partition(".")[0], types.ModuleType("stand_in"))
        sys.modules[stand_in.__name__] = stand_in
    return {"model": make_model(optimizer=LearnedOptimizer(rule="adam")), "x": X, "y": Y}


# What each example takes for granted.
GIVEN = {
    "LearnedOptimizer": lambda: {"model": classifier(), "x": X, "y": np.ones(32)},
    "export_litert": a_device,
    "export_step": lambda: {
        "params": [tf.ones((3, 2)), tf.ones(2)],
        "gradients": [tf.ones((3, 2)), -tf.ones(2)],
        "loss": tf.constant(1.0),
        "total_steps": tf.constant(100.0),
    },
    "export_training": lambda: {
        "model": make_model(optimizer=LearnedOptimizer(rule="adam")),
        "x": X,
        "y": Y,
    },
    "KerasModel": lambda: {"pipeline": batches(), "other": batches()},
    "OptimizerSummaries": lambda: {
        "model": make_model(optimizer=LearnedOptimizer()),
        "x": X,
        "y": Y,
    },
    "Trainer": lambda: {"meta": meta},
    "cost_report": lambda: {"model": classifier()},
    "evaluate": preset_of_a_first_run,
}
PUBLIC = {"KerasModel": tasks.KerasModel, "evaluate": evaluation.evaluate} | vars(export)
PUBLIC |= {"LearnedOptimizer": LearnedOptimizer, "Trainer": meta.Trainer}
PUBLIC["OptimizerSummaries"] = l2l_tf.OptimizerSummaries
PUBLIC["cost_report"] = l2l_tf.cost_report


def examples(text):
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def names_with_examples():
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.Module):
                if examples(ast.get_docstring(node) or ""):
                    yield getattr(node, "name", str(path))


def fields():
    """`(where, line)` for every first line of an entry under `Args:` and `Attributes:`."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.Module):
                text = (ast.get_docstring(node) or "") + "\n"
                sections = re.findall(r"^(?:Args|Attributes):\n((?:    .*\n|\n)*)", text, re.M)
                for line in re.findall(r"^    \S.*", "".join(sections), re.M):
                    yield f"{path.name}: {getattr(node, 'name', '')}", line.strip()


def test_every_argument_and_attribute_has_an_entry_of_its_own():
    """What the site makes of docstrings knows `name: text`, and one name in each."""
    found = list(fields())
    assert len(found) > 500
    assert [x for x in found if not re.match(r"\*{0,2}\w+(?: \([^)]*\))?: ", x[1])] == []


def test_every_example_is_run_here():
    assert sorted(names_with_examples()) == sorted(GIVEN)


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.quick("LearnedOptimizer", "export_step", "export_training", "KerasModel")
def test_an_example_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = examples(inspect.getdoc(PUBLIC[name]))
    names = {"tf": tf, "keras": keras, "LearnedOptimizer": LearnedOptimizer}
    names |= {name: PUBLIC[name]} | GIVEN[name]()
    exec(compile(code, name, "exec"), names)

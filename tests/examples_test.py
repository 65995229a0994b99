"""Every example runs, and learns."""

import ast
import pathlib
import runpy

import pytest

from l2l_tf import presets, rules, tasks
from l2l_tf.presets import registry

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def quick_default(tmp_path, monkeypatch):
    """A default preset of this test's own: an example is held to its code, not to a preset."""
    presets.save_preset(tmp_path / "quick", rules.Adam(0.01), "# Quick\n")
    monkeypatch.setitem(registry._REGISTERED, "quick", tmp_path / "quick")
    monkeypatch.setattr(registry, "DEFAULT", "quick")


@pytest.mark.parametrize("name", ["compile_three_lines", "custom_loop"])
@pytest.mark.quick("compile_three_lines")
def test_an_example_learns_the_digits(name, capsys):
    ended = runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert ended["accuracy"] > 0.8
    assert f"accuracy {ended['accuracy']:.3f}" in capsys.readouterr().out


@pytest.mark.slow
def test_a_device_trains_on_as_keras_does():
    ended = runpy.run_path(str(EXAMPLES / "on_device.py"), run_name="__main__")
    assert ended["accuracy"] > ended["before"] + 0.05
    assert ended["restored"] == ended["accuracy"]
    assert abs(ended["in_keras"] - ended["accuracy"]) < 0.02


@pytest.mark.slow
def test_a_rule_is_meta_trained_on_a_keras_model_and_used():
    ended = runpy.run_path(str(EXAMPLES / "meta_train_keras_model.py"), run_name="__main__")
    assert ended["after"] < ended["before"] - 0.1
    assert ended["accuracy"] > 0.6


@pytest.mark.slow
def test_the_learned_quasi_newton_method_is_far_ahead_of_adam():
    ended = runpy.run_path(str(EXAMPLES / "learned_quasi_newton.py"), run_name="__main__")
    assert ended["learned"] < 0.1 * ended["adam"] < ended["start"]


@pytest.mark.slow
def test_fine_tuning_prints_what_it_compares_with(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ended = runpy.run_path(str(EXAMPLES / "fine_tuning.py"), run_name="__main__")
    assert (tmp_path / "fine_tuning.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert len(ended["runs"]) > 1 and all(optimizer in printed for optimizer in ended["runs"])


def test_every_example_is_in_the_docs():
    listed = (EXAMPLES.parent / "docs" / "examples.md").read_text("utf-8")
    assert all(f"(../examples/{path.name})" in listed for path in EXAMPLES.glob("*.py"))


def test_a_rule_takes_40_lines_and_a_task_20():
    tree = ast.parse((EXAMPLES / "write_a_rule.py").read_text())
    lines = {
        node.name: node.end_lineno - node.decorator_list[0].lineno + 1
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    assert lines["ThreeAverages"] <= 40 and lines["Rosenbrock"] <= 20


@pytest.mark.slow
def test_a_rule_of_ones_own_learns_to_go_down_the_valley(monkeypatch):
    for known in (rules.registry.RULES, tasks.registry.TASKS):
        monkeypatch.setattr(known, "classes", dict(known.classes))
    ended = runpy.run_path(str(EXAMPLES / "write_a_rule.py"), run_name="__main__")
    scores = [entry["score"] for entry in ended["trainer"].validations]
    assert min(scores) < scores[0] - 1.0
    losses = ended["losses"]
    assert losses["three averages, meta-trained"] < min(1.2 * losses["adam"], losses["momentum"])

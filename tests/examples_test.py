"""Every example runs, and learns."""

import ast
import pathlib
import re
import runpy

import numpy as np
import pytest
from helpers import small_packages

from l2l_tf import presets, rules, tasks
from l2l_tf.evaluation import baselines
from l2l_tf.meta.estimators import ESTIMATORS
from l2l_tf.presets import registry

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
SHIPPED = registry.DEFAULT


@pytest.fixture(autouse=True)
def quick_default(tmp_path, monkeypatch):
    """A default preset of this test's own: an example is held to its code, not to a preset."""
    presets.save_preset(tmp_path / "quick", rules.Adam(0.01), "# Quick\n")
    monkeypatch.setitem(registry._REGISTERED, "quick", tmp_path / "quick")
    monkeypatch.setattr(registry, "DEFAULT", "quick")


@pytest.fixture
def shipped_default(quick_default, monkeypatch):
    """The preset that ships, for what is claimed of it."""
    monkeypatch.setattr(registry, "DEFAULT", SHIPPED)


# Examples that draw, and constants in place of theirs where they train for minutes.
DRAWING = {
    "custom_loop": {},
    "fine_tuning": {},
    "mnist_cnn": {"ROWS": 1_000, "EPOCHS": 2},
    "character_transformer": {"WIDTH": 16, "STEPS": 40},
}


def ran(name, constants):
    """What an example leaves behind, with other constants of the same names."""
    path = EXAMPLES / f"{name}.py"
    source = path.read_text("utf-8")
    for constant, value in constants.items():
        source, count = re.subn(rf"^{constant} = .*$", f"{constant} = {value}", source, flags=re.M)
        assert count == 1, constant
    left = {"__name__": "__main__"}
    exec(compile(source, path, "exec"), left)
    return left


@pytest.fixture
def drawn(tmp_path, monkeypatch, capsys):
    """`drawn(name, **constants)`: what an example that draws leaves behind, and has printed."""

    def run(name, **constants):
        monkeypatch.chdir(tmp_path)
        ended = ran(name, constants)
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
        return ended, capsys.readouterr().out

    return run


def test_three_lines_learn_the_digits(capsys):
    ended = runpy.run_path(str(EXAMPLES / "compile_three_lines.py"), run_name="__main__")
    loss, accuracy = ended["results"]["LearnedOptimizer"]
    assert accuracy > 0.8
    printed = capsys.readouterr().out
    assert f"LearnedOptimizer(): held-out loss {loss:.3f}, accuracy {accuracy:.3f}" in printed
    assert "\nAdam(): held-out loss" in printed


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWING)
def test_an_example_prints_and_draws_what_it_compares_with(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ended = ran(name, DRAWING[name])
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert len(ended["optimizers"]) > 1
    assert all(re.search(rf"^{re.escape(o)} .*\d", printed, re.M) for o in ended["optimizers"])


@pytest.mark.slow
def test_pixels_are_painted_in_the_style_of_a_painting(drawn, tmp_path, monkeypatch):
    # Pictures made here and a VGG-16 of four channels, by the way that the real ones take.
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "datasets"))
    small_packages.prepare_art(tmp_path / "datasets", paintings=("gogh_auvert", "hills"))
    ended, printed = drawn("neural_art", STEPS=8, SIZE=32)
    assert all(re.search(rf"^{re.escape(o)} .*\d", printed, re.M) for o in ended["optimizers"])
    for name, along in ended["losses"].items():
        assert len(along) == 9 and along[-1] < along[0], name
        assert ended["pictures"][name].shape == (32, 32, 3)


@pytest.mark.slow
def test_a_loop_of_ones_own_learns_the_digits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ran("custom_loop", {})["accuracies"]["LearnedOptimizer()"] > 0.8


@pytest.mark.slow
def test_an_exported_model_trains_on_elsewhere_as_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = ran("export_and_serve", {})
    assert ended["elsewhere"] == pytest.approx(ended["here"], rel=1e-3)
    assert ended["here"][-1] < ended["here"][0]
    assert {"serving_default", "train_step", "iterations"} <= set(ended["signatures"])
    assert (tmp_path / "export_and_serve.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_device_trains_on_as_keras_does():
    ended = runpy.run_path(str(EXAMPLES / "on_device.py"), run_name="__main__")
    assert ended["accuracy"] > ended["before"] + 0.05
    assert ended["restored"] == ended["accuracy"]
    assert abs(ended["in_keras"] - ended["accuracy"]) < 0.02


@pytest.mark.slow
def test_a_rule_is_meta_trained_on_a_keras_model_and_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = ran("meta_train_keras_model", {})
    assert ended["after"] < ended["before"] - 0.1
    accuracies = ended["accuracies"]
    assert accuracies["meta-trained"] > max(0.6, accuracies["before meta-training"])
    assert (tmp_path / "meta_train_keras_model.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_learned_quasi_newton_method_is_far_ahead_of_adam():
    ended = runpy.run_path(str(EXAMPLES / "learned_quasi_newton.py"), run_name="__main__")
    assert ended["learned"] < 0.1 * ended["adam"] < ended["start"]


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
def test_a_rule_of_ones_own_learns_to_go_down_the_valley(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for known in (rules.registry.RULES, tasks.registry.TASKS):
        monkeypatch.setattr(known, "classes", dict(known.classes))
    ended = runpy.run_path(str(EXAMPLES / "write_a_rule.py"), run_name="__main__")
    scores = [entry["score"] for entry in ended["trainer"].validations]
    assert min(scores) < scores[0] - 1.0
    losses = ended["losses"]
    assert losses["three averages, meta-trained"] < min(1.2 * losses["adam"], losses["momentum"])
    assert (tmp_path / "write_a_rule.png").stat().st_size > 10_000


@pytest.mark.slow
def test_parts_of_ones_own_are_trained_and_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for known in (rules.registry.RULES, tasks.registry.TASKS, ESTIMATORS):
        monkeypatch.setattr(known, "classes", dict(known.classes))
    monkeypatch.setattr(baselines, "_BASELINES", dict(baselines._BASELINES))
    ended = runpy.run_path(str(EXAMPLES / "own_parts.py"), run_name="__main__")
    scores = [entry["score"] for entry in ended["trainer"].validations]
    assert min(scores) < scores[0] - 1.0
    printed = capsys.readouterr().out
    for name in ("signed, meta-trained", "adam", "adam_short"):
        assert re.search(rf"^  {name} +\d", printed, re.M), name


@pytest.mark.slow
def test_what_a_step_costs_is_told_of_both_nets(drawn, shipped_default):
    ended, printed = drawn("what_it_costs", BATCHES=(2, 4), REPEATS=1)
    assert printed.count("\nBreak-even: ") == printed.count("first steps counted") == 4
    dense, _, conv, _ = ended["reports"].values()
    assert all(
        value > 0 for r in (dense, conv) for value in vars(r).values() if isinstance(value, float)
    )
    assert 10 * dense.adam_flops < dense.optimizer_flops
    assert dense.optimizer_state_bytes < 1.1 * dense.adam_state_bytes
    of_nets = [report.forward_backward_flops / report.weights for report in (dense, conv)]
    assert of_nets[0] < of_nets[1]


@pytest.mark.slow
def test_orthogonalising_less_often_costs_less_than_asking_less_often(drawn, shipped_default):
    ended, printed = drawn("work_less_often", EPOCHS=8, REPEATS=1)
    every, asked, orthogonalised, adam, _ = ended["along"].values()
    assert every < orthogonalised < min(asked, adam)
    assert all(re.search(rf"^{re.escape(o)} .*\d", printed, re.M) for o in ended["optimizers"])
    assert all(0 < time for time in ended["times"].values())


@pytest.mark.slow
def test_steps_of_the_default_shrink_where_it_knows_the_length(drawn, shipped_default):
    ended, printed = drawn("how_steps_shrink", EPOCHS=10)
    shrunk = ended["shrunk"]
    assert shrunk["the default, length known"] < 0.6 * min(shrunk["Adam(1e-3)"], 1.0)
    assert all(re.search(rf"^{re.escape(o)} .*\d", printed, re.M) for o in ended["optimizers"])
    assert "nan" not in printed


@pytest.mark.slow
def test_a_rule_is_meta_trained_in_every_way(drawn):
    ended, printed = drawn("meta_train_otherwise", META_STEPS=40)
    assert set(ended["scores"]) == set(ended["ways"])
    for name, scores in ended["scores"].items():
        assert len(scores) == 3 and min(scores) < scores[0] - 1.0, name
        assert re.search(rf"^{re.escape(name)} .* {min(scores):.2f} at its best", printed, re.M)


@pytest.mark.slow
def test_adam_and_the_default_are_meta_optimizers(drawn):
    ended, printed = drawn("two_optimizers", META_STEPS=40, SEEDS=(1,))
    scores = {name: of[0] for name, of in ended["scores"].items()}
    assert all(np.isfinite(of).all() and len(of) == 3 for of in scores.values())
    for name in ("adam", "preset:spectral-general"):
        assert min(scores[name]) < scores[name][0] - 1.0
    assert all(re.search(rf"^{re.escape(o)} .*\d", printed, re.M) for o in ended["optimizers"])


@pytest.mark.slow
def test_rules_of_every_structure_are_used_on_every_structure(drawn):
    ended, printed = drawn("one_for_all", META_STEPS=6, STEPS=20, SEEDS=1)
    assert ended["ratios"].shape == (4, 3) and np.isfinite(ended["ratios"]).all()
    for name in [*ended["rules"], "adam"]:
        assert re.search(rf"^{re.escape(name)}( +[\d.e-]+){{3}}$", printed, re.M), name


@pytest.mark.slow
def test_the_default_is_ahead_of_adam_at_every_width(drawn, shipped_default):
    ended, printed = drawn("wider_nets", UNITS=(20, 40), EPOCHS=4, REPEATS=1)
    losses = ended["losses"]
    found = [*losses.values(), *ended["times"].values()]
    assert all(np.isfinite(of).all() for of in found)
    assert all(np.less(losses["the default"], losses["Adam(1e-3)"]))
    for name in ended["optimizers"]:
        assert len(re.findall(rf"^{re.escape(name)} .*\d", printed, re.M)) == 2, name

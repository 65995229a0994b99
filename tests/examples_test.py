"""Every example runs, and learns."""

import pathlib
import runpy

import pytest

from l2l_tf import presets, rules
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
def test_a_rule_is_meta_trained_on_a_keras_model_and_used():
    ended = runpy.run_path(str(EXAMPLES / "meta_train_keras_model.py"), run_name="__main__")
    assert ended["after"] < ended["before"] - 0.1
    assert ended["accuracy"] > 0.6


@pytest.mark.slow
def test_the_learned_quasi_newton_method_is_far_ahead_of_adam():
    ended = runpy.run_path(str(EXAMPLES / "learned_quasi_newton.py"), run_name="__main__")
    assert ended["learned"] < 0.1 * ended["adam"] < ended["start"]

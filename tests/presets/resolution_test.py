"""One grammar for a rule or a preset."""

import numpy as np
import pytest

from l2l_tf import LearnedOptimizer, presets, rules
from l2l_tf.evaluation import learned
from l2l_tf.meta.estimators import Imitation

SHIPPED = "lstm-digits"


def same(rule, other):
    assert rules.serialize(rule) == rules.serialize(other)
    for name, value in other.meta_params.items():
        np.testing.assert_array_equal(rule.meta_params[name], value)


def test_a_preset_is_named_by_its_name_its_directory_or_its_path(preset_directory, monkeypatch):
    same(presets.resolve(SHIPPED).rule, presets.load_preset(SHIPPED))
    small = presets.load_preset(preset_directory)
    monkeypatch.chdir(preset_directory.parent)
    name = preset_directory.name
    for source in (preset_directory, str(preset_directory), f"./{name}", name):
        found = presets.resolve(source)
        same(found.rule, small)
        assert found.preset == str(source)


def test_a_presets_weights_come_under_other_settings(preset_directory):
    found = presets.resolve(f"{preset_directory}(output_scale=0.5)")
    assert found.rule.output_scale == 0.5
    small = presets.load_preset(preset_directory)
    np.testing.assert_array_equal(
        found.rule.meta_params["output_kernel"], small.meta_params["output_kernel"]
    )
    with pytest.raises(ValueError, match="do not fit"):
        presets.resolve(f"{preset_directory}(hidden_size=5)")


def test_a_rule_has_its_arguments_and_a_learned_one_the_weights_that_are_shipped():
    assert presets.resolve("adam(beta_1=0.8)").rule.beta_1 == 0.8
    assert presets.resolve("adam").preset is None
    found = presets.resolve("lstm")
    assert found.preset == SHIPPED
    same(found.rule, presets.load_preset(SHIPPED))
    with pytest.raises(ValueError, match="rule:lstm.hidden_size=3. has untrained.*Received:"):
        presets.resolve("lstm(hidden_size=3)")


def test_a_rule_without_shipped_weights_is_told_how_to_name_it():
    text = "celo2(step_size=0.1)"
    with pytest.raises(ValueError, match="rule:celo2.step_size=0.1. has untrained") as error:
        LearnedOptimizer(rule=text)
    assert str(error.value).endswith(f"Received: rule={text!r}")
    assert LearnedOptimizer(rule=f"rule:{text}").rule.step_size == 0.1


def test_untrained_weights_are_asked_for():
    untrained = rules.get("lstm", hidden_size=3)
    same(presets.resolve("rule:lstm(hidden_size=3)").rule, untrained)
    same(presets.resolve("lstm(hidden_size=3)", untrained=True).rule, untrained)
    assert presets.resolve(untrained).rule is untrained


@pytest.mark.parametrize(
    "source, received",
    [
        ("nobody", "teacher='nobody'"),
        ("nobody(x=1)", "teacher='nobody(x=1)'"),
        (f"{SHIPPED}(1)", "1)'"),
        ("adam(beta_1=2)", "beta_1=2"),
        ("adam(", "rule='adam('"),
        ("rule:nobody", "rule='nobody'"),
        ("celo", "rule='celo'"),
        (3, "teacher=3"),
    ],
)
def test_what_is_neither_is_refused_with_its_name(source, received):
    with pytest.raises(ValueError, match="Received: ") as error:
        presets.resolve(source, "teacher")
    assert str(error.value).endswith(received)


@pytest.mark.parametrize("name", ["tests", "adamm", "lstm-digit"])
def test_a_directory_of_that_name_is_no_preset_unless_it_holds_one(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    for read in (presets.resolve, lambda text: LearnedOptimizer(rule=text)):
        with pytest.raises(ValueError, match=f"^Unknown rule or preset; .*rule='{name}'$"):
            read(name)
    with pytest.raises(ValueError, match=f"^Unknown preset; .*Received: preset='{name}'$"):
        presets.load_preset(name)
    with pytest.raises(FileNotFoundError, match="metadata.json"):
        presets.resolve(f"./{name}")


def test_a_directory_that_is_not_there_is_an_error_of_files():
    with pytest.raises(FileNotFoundError, match="Received: "):
        presets.resolve("no/such/preset")


@pytest.mark.parametrize("source", [SHIPPED, "adam(beta_1=0.8)", "rule:lstm(hidden_size=3)"])
def test_wherever_a_rule_is_named_the_grammar_is_this_one(source):
    expected = presets.resolve(source)
    optimizer = LearnedOptimizer(rule=source)
    same(optimizer.rule, expected.rule)
    assert optimizer.preset == expected.preset
    same(Imitation(teacher=source)._teacher, expected.rule)
    contender = learned(source).make(None, 10)
    assert rules.serialize(contender.rule)["name"] == rules.serialize(expected.rule)["name"]


def test_no_preset_takes_the_name_of_a_rule(preset_directory):
    for name in ("adam", "a(b", "rule:mine", "a/b", ""):
        with pytest.raises(ValueError, match="Received: name="):
            presets.register_preset(name, preset_directory)

"""Presets: round trip, damage, names."""

import json

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import presets, rules, tasks
from l2l_tf.meta.validation import validation_losses
from l2l_tf.presets import registry, storage


def test_a_preset_comes_back_as_it_was_saved(preset_directory):
    rule = presets.load_preset(preset_directory)
    original = rules.LSTM(hidden_size=4, layers=1, seed=5)
    assert rule.get_config() == original.get_config()
    for name, value in original.meta_params.items():
        np.testing.assert_array_equal(rule.meta_params[name], value)
    assert presets.load_card(preset_directory) == "# A card\n"


@pytest.mark.parametrize("name", [storage.CONFIG, storage.WEIGHTS, storage.CARD])
def test_a_changed_or_truncated_file_is_named(preset_directory, name):
    path = preset_directory / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match=f"{name} is not the file that was saved.*Received:"):
        presets.load_preset(preset_directory)


@pytest.mark.parametrize("name", [storage.CONFIG, storage.WEIGHTS, storage.CARD, storage.METADATA])
def test_a_missing_file_is_named(preset_directory, name):
    (preset_directory / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name}.*Received:"):
        presets.load_preset(preset_directory)


def test_damaged_checksums_are_an_error(preset_directory):
    (preset_directory / storage.METADATA).write_text("{}")
    with pytest.raises(ValueError, match="metadata.json.*Received:"):
        presets.load_preset(preset_directory)


def test_a_newer_format_is_refused(preset_directory, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "FORMAT_VERSION", 3)
    presets.save_preset(tmp_path / "newer", rules.LSTM(), "card")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="newer version.*Received: format_version=3"):
        presets.load_preset(tmp_path / "newer")


def test_saving_replaces_a_preset_and_nothing_else(preset_directory, tmp_path):
    presets.save_preset(preset_directory, rules.LSTM(hidden_size=3), "second")
    assert presets.load_card(preset_directory) == "second"
    assert [p.name for p in tmp_path.iterdir()] == [preset_directory.name]
    other = tmp_path / "notes"
    other.mkdir()
    (other / "diary.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="Received:"):
        presets.save_preset(other, rules.LSTM(), "card")
    assert (other / "diary.txt").read_text() == "mine"


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="Unknown preset.*Received: preset='no-such-preset'"):
        presets.load_preset("no-such-preset")
    with pytest.raises(FileNotFoundError, match="Received:"):
        presets.load_preset("no/such/directory")


def test_registered_presets_are_found_by_name(preset_directory, monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", {})
    presets.register_preset("mine", preset_directory)
    assert "mine" in presets.list_presets()
    assert presets.load_preset("mine").hidden_size == 4
    with pytest.raises(ValueError, match="Received: name='mine'"):
        presets.register_preset("mine", preset_directory)


def test_every_shipped_presets_rule_is_reachable_by_its_name():
    directories = {p.parent.name: p.parent for p in registry.SHIPPED.glob("*/config.json")}
    rule_of = {
        name: json.loads((directory / storage.CONFIG).read_text())["rule"]["name"]
        for name, directory in directories.items()
    }
    assert set(registry.FOR_RULE) == set(rule_of.values())
    for rule, preset in registry.FOR_RULE.items():
        assert rule_of[presets.preset_for_rule(rule)] == rule, preset
    assert presets.preset_for_rule("gac_lstm") == "gac-lstm-mnist"
    assert presets.preset_for_rule("lstm") == "lstm-digits"
    assert presets.preset_for_rule("rnnprop") == "rnnprop-general"


def test_the_metadata_lists_a_checksum_for_every_other_file(preset_directory):
    metadata = json.loads((preset_directory / storage.METADATA).read_text())
    files = {p.name for p in preset_directory.iterdir()} - {storage.METADATA}
    assert set(metadata["sha256"]) == files


@pytest.mark.parametrize("name", ["ntm-bfgs-quadratic", "ntm-lbfgs-quadratic"])
@pytest.mark.slow
def test_the_quasi_newton_presets_solve_a_quadratic_they_never_met(name):
    rule = presets.load_preset(name)
    task = tasks.ConditionedQuadratic(dimension=15, condition=100.0)
    run = tf.function(
        lambda: validation_losses(rule, task, tasks.as_seed(77), 4, 60), autograph=False
    )
    losses = run().numpy()
    assert (losses[-1] < 1e-6 * losses[0]).all()

"""`l2l-presets` as its users meet it."""

import pytest

from l2l_tf import presets as all_presets
from l2l_tf.cli import presets as command
from l2l_tf.presets import registry


def test_presets_are_a_table_within_100_columns(capsys):
    assert command.run([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    rows = {line.split()[0]: line.split() for line in lines[2:] if line[:1].strip()}
    assert set(all_presets.list_presets()) <= set(rows)
    assert rows["lstm-digits"][1:6] == ["lstm", "digits_mlp", "100", "5,141", "324"]
    found = all_presets.summarize("lstm-digits")
    assert rows["lstm-digits"][6] == f"{found.ns_per_weight:,.0f}"
    assert float(rows["lstm-digits"][8]) == pytest.approx(found.loss_times_adam, abs=0.006)
    assert all("–" not in rows[name] for name in all_presets.list_presets())
    assert rows["ntm-lbfgs-quadratic"][-1] == "<0.001"
    shown = [line for line in lines if line.startswith("ntm-bfgs")]
    assert "conditioned_qua" in shown[0]  # Longer names that other tests register make it narrower.


def test_a_preset_whose_card_says_little_is_listed_too(preset_directory, monkeypatch, capsys):
    monkeypatch.setattr(registry, "_REGISTERED", {"mine": preset_directory})
    assert command.run([]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("mine"))
    assert row.split() == ["mine", "lstm", "–", "–", "117", "36", "–", "–", "–"]


def test_names_and_cards_are_shown(preset_directory, monkeypatch, capsys):
    monkeypatch.setattr(registry, "_REGISTERED", {"mine": preset_directory})
    assert command.run(["--names"]) == 0
    assert capsys.readouterr().out.splitlines() == all_presets.list_presets()
    assert command.run(["--card=mine"]) == 0
    assert capsys.readouterr().out.startswith("# A card\n")


def test_an_unknown_preset_is_refused(capsys):
    assert command.run(["--card=unheard-of"]) == 2
    assert capsys.readouterr().err.strip().endswith("Received: preset='unheard-of'")

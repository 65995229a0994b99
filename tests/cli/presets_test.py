"""`l2l-presets` as its users meet it."""

from l2l_tf.cli import presets as command
from l2l_tf.presets import registry


def test_presets_are_listed_and_cards_shown(preset_directory, monkeypatch, capsys):
    monkeypatch.setattr(registry, "_REGISTERED", {"mine": preset_directory})
    assert command.run([]) == 0
    assert "mine" in capsys.readouterr().out.splitlines()
    assert command.run(["--card=mine"]) == 0
    assert capsys.readouterr().out.startswith("# A card\n")


def test_an_unknown_preset_is_refused(capsys):
    assert command.run(["--card=unheard-of"]) == 2
    assert capsys.readouterr().err.strip().endswith("Received: preset='unheard-of'")

"""Cards of an earlier time are written anew; whatever else a preset holds stays."""

import json

import pytest

from l2l_tf import presets, rules
from l2l_tf.presets import storage
from tools import cards


@pytest.mark.parametrize(
    "old, now",
    [
        ("--batch_size=2 --told=0.5", "--num_tasks=2 --known_horizon=0.5"),
        ("--notell_steps --nojit_compile", "--noknown_horizon --nojit_compile"),
        ("'--rule=centred(rule=per_kind)'", "'--rule=centred(inner=partition)'"),
        ("'--rule=mixture(largest_side=8)'", "'--rule=mixture(max_side=8)'"),
        ("--teacher=per_kind --rule=lstm", "--teacher=partition --rule=lstm"),
        ("'--teacher=adam(learning_rate=0.1)'", "'--teacher=adam(learning_rate=0.1)'"),
        ("--start_from=runs/a/preset --log_loss", "--start_from=runs/a/preset --log_loss"),
        ("'--task=image_mlp(batch_size=4)'", "'--task=image_mlp(batch_size=4)'"),
    ],
)
def test_a_command_gets_the_names_of_today(old, now):
    program = "python -m l2l_tf.cli.train"
    assert cards.renewed_command(f"{program} {old}") == f"{program} {now}"
    assert cards.renewed_command(f"{program} {now}") == f"{program} {now}"


def test_a_rule_gets_the_names_of_today():
    old = "Centred(rule={'name': 'per_kind', 'config': {'seed': None}})"
    now = "Centred(inner={'name': 'partition', 'config': {'seed': None}})"
    assert cards.renewed_rule(old) == now == cards.renewed_rule(now)
    assert cards.renewed_rule("PerKind(seed=1)") == "Partition(seed=1)"
    assert cards.renewed_rule("LSTM(seed=0)") == "LSTM(seed=0)"


def test_only_the_card_and_its_checksum_change(tmp_path):
    card = "# A card\n\n- Command: `python -m l2l_tf.cli.train --batch_size=2`\n- Rule: `LSTM()`\n"
    presets.save_preset(tmp_path / "p", rules.LSTM(hidden_size=2), card)
    before = {path.name: path.read_bytes() for path in (tmp_path / "p").iterdir()}
    assert cards.renew(tmp_path / "p") and not cards.renew(tmp_path / "p")
    assert presets.load_card(tmp_path / "p") == card.replace("--batch_size", "--num_tasks")
    after = {path.name: path.read_bytes() for path in (tmp_path / "p").iterdir()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {storage.CARD, storage.METADATA} and set(before) == set(after)
    old, new = (json.loads(files[storage.METADATA]) for files in (before, after))
    assert {**new["sha256"], storage.CARD: None} == {**old["sha256"], storage.CARD: None}
    assert {**new, "sha256": None} == {**old, "sha256": None}

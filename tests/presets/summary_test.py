"""A preset in figures, out of its card."""

import math

import pytest

from l2l_tf import presets, rules

CARD = """# A meta-trained `lstm`

- Command: `python -m l2l_tf.cli.train '--task=digits_mlp(hidden=4)' --task=digits_mlp --task=quadratic --trajectory=20 --trajectory=60 --output_dir=runs/x`
- Cost: 1,234 ns per weight and step, 56.7 times Keras Adam's (one kernel): `python -m a`
- Beside tuned Adam: 3.9e-13 times its final train loss (somewhere): `python -m b`

| meta-step | score | final loss of task 0 |
|---|---|---|
| 0 | inf | nan |
| 10 | -0.5 | 0.2 |
| 20 | -0.25 | 0.3 |

## The stage before

- Command: `python -m l2l_tf.cli.train --task=row_rnn --trajectory=900 --output_dir=runs/y`

| meta-step | score | final loss of task 0 |
|---|---|---|
| 0 | -9.0 | 0.1 |
"""  # noqa: E501


def test_a_summary_is_of_the_last_meta_training(tmp_path):
    presets.save_preset(tmp_path / "p", rules.LSTM(hidden_size=4, layers=1), CARD)
    found = presets.summarize(tmp_path / "p")
    assert found.tasks == {"digits_mlp": 2, "quadratic": 1} and found.horizon == 60
    assert (found.first_score, found.best_score) == (math.inf, -0.5)
    assert (found.ns_per_weight, found.times_adam) == (1234.0, 56.7)
    assert found.loss_times_adam == 3.9e-13
    assert (found.rule, found.meta_parameters, found.state_bytes) == ("lstm", 117, 36.0)


def test_a_card_without_figures_leaves_them_open(tmp_path):
    presets.save_preset(tmp_path / "p", rules.LSTM(hidden_size=4, layers=1), "# A card\n")
    found = presets.summarize(tmp_path / "p")
    assert (found.ns_per_weight, found.times_adam, found.loss_times_adam) == (None, None, None)


@pytest.mark.parametrize("name", presets.list_presets())
def test_every_shipped_card_can_be_summarized(name):
    found = presets.summarize(name)
    assert found.tasks and found.horizon and found.best_score <= found.first_score
    assert found.meta_parameters > 0 and found.state_bytes > 0

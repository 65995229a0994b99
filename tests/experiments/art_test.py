"""Neural art beside earlier records: whose rows stand where, and that they are of equal runs."""

import json

import pytest

from experiments.art import compare

CASE = "higher resolution"
LOSSES = [[4.0, 2.0, 1.0], [5.0, 3.0, 2.0]]


@pytest.fixture
def records(tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "FLAGS", type("F", (), {"seeds": 2, "steps": 2}))
    path = tmp_path / "results.json"
    rows = {"adam": {"rate": 0.1, "losses": LOSSES}}
    path.write_text(json.dumps({"about": "known", CASE: rows}))
    return path


def test_recorded_rows_have_their_rates_and_losses_and_no_pictures(records):
    rate, curves = compare.recorded(records, CASE)["adam"]
    assert rate == 0.1 and [curve.losses for curve in curves] == LOSSES
    assert not any(curve.pictures for curve in curves)


def test_records_of_other_lengths_are_not_compared_with(records, monkeypatch):
    monkeypatch.setattr(compare.FLAGS, "steps", 3)
    with pytest.raises(ValueError, match=r"adam, losses of shape \(2, 3\)$"):
        compare.recorded(records, CASE)

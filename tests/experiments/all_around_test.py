"""The experiments on sizes and structures: what their tables say of runs that are known."""

import numpy as np
import pytest

from experiments.pieces import Pieces
from experiments.sizes import run as sizes
from experiments.structures import run as structures
from l2l_tf import evaluation, tasks
from l2l_tf.evaluation.results import Spread


def test_a_net_is_named_by_its_units_or_is_resnet_20():
    params, _ = sizes.task_of("200", 32).init(tasks.as_seed(0))
    assert [p.shape.as_list() for p in params] == [[784, 200], [200], [200, 10], [10]]
    for wrong in ("resnet50", "0", "-3"):
        with pytest.raises(ValueError, match=f"Received: '{wrong}'"):
            sizes.task_of(wrong, 32)


def sized(net, weights, factor):
    """Records of all optimizers at one size, the learned ones `factor` times Adam's loss."""
    found = []
    for name in (*sizes.LEARNED, "adam"):
        over = 1.0 if name == "adam" else factor
        loss = Spread(over, 0.9 * over, 1.1 * over)
        values = (net, weights, name, loss, over, 1.0 / over, 2.0, "100 steps", None)
        found.append(dict(zip(sizes.COLUMNS, values, strict=True)))
    return found


def test_the_table_of_sizes_has_four_rows_a_net_and_a_picture(tmp_path):
    records = sized("20", 15_910, 0.5) + sized(sizes.RESNET, 272_474, 2.0)
    lines = sizes.table(records).splitlines()
    assert len(lines) == 2 + 4 + 5 and lines[7].startswith("| on the last batches | – |")
    assert "20 (15,910 weights)" in lines[2] and "0.5 (0.45 to 0.55)" in lines[2]
    assert [float(c) for c in lines[4].split("|")[2:-1]] == [2.0, 2.0, 2.0, 2.0, 1.0]
    sizes.draw(records, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5_000


def test_what_was_measured_of_other_nets_is_read_back_in_its_order(tmp_path):
    records = sized(sizes.RESNET, 272_474, 2.0) + sized("200", 159_010, 0.5)[3:]
    assert sizes.written(tmp_path / "a.csv") == []
    sizes.write(tmp_path / "a.csv", sizes.joined([], records))
    again = sizes.written(tmp_path / "a.csv")
    assert [r["net"] for r in again] == ["200"] * 2 + [sizes.RESNET] * 5
    assert again == sizes.joined([], records)
    lines = sizes.table(again).splitlines()
    assert lines[2].split(" | ")[1] == "–" and lines[5].split(" | ")[-2] == "2"
    new = {**again[0], "cost": 3.0, "about": "50 steps"}
    assert [r["cost"] for r in sizes.joined(again, [new])[:2]] == [2.0, 3.0]
    assert (
        sizes.measured_so([again[0], new])
        == "- 200, default: 100 steps.\n- 200, default: 50 steps.\n"
    )


def test_tuned_adam_is_beside_all_that_was_meta_trained():
    assert [c.name for c in sizes.contenders(["default"])] == ["default", "adam"]
    with pytest.raises(ValueError, match="Received: \\['lion'\\]"):
        sizes.contenders(["lion"])


def test_what_is_kept_of_a_lead_is_told_by_the_last_row():
    matrix = np.array([[-0.5, 0.3, 0.0], [0.1, -0.2, 0.0], [0.0, 0.0, 0.4], [-0.25, 0.1, -0.1]])
    leads = structures.kept_of_leads(matrix)
    assert leads[0] == pytest.approx((0.5, 0.5)) and leads[1] == pytest.approx((0.2, -0.5))
    assert leads[2] == (-0.4, None)
    lines = structures.table({"lstm": matrix}, ["a", "b", "c"]).splitlines()
    assert lines[-1] == "| lstm, kept by all at once (ahead on 2 of 3) | 50 % | -50 % | – | 25 % |"


def test_a_matrix_is_of_ratios_to_tuned_adam_and_is_drawn(tmp_path):
    reference = {"a": [1.0, 1.0], "b": [2.0, 2.0]}
    found = {
        "a": {"a": [0.1, 0.1], "b": [1.0, 1.0], "all": [1.0, 1.0]},
        "b": {"a": [np.inf, 2.0], "b": [0.2, 0.2], "all": [2.0, 2.0]},
    }
    matrix = structures.matrix_of(found, reference)
    np.testing.assert_allclose(matrix, [[-1.0, 1.0], [0.0, -1.0], [0.0, 0.0]], atol=1e-9)
    structures.draw({"lstm": matrix, "rnnprop": matrix}, ["a", "b"], tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5_000


def test_every_structure_is_a_task_and_every_rule_one_that_is_there():
    for text in structures.STRUCTURES.values():
        assert tasks.get(text)
    assert set(structures.RATES) == set(structures.RULES)


@pytest.mark.slow
def test_a_rule_is_trained_used_and_kept(tmp_path, monkeypatch):
    monkeypatch.setitem(structures.RULES, "rnnprop", "rnnprop(hidden_size=2,layers=1)")
    monkeypatch.setattr(structures, "STEPS", 20)
    pieces = Pieces(tmp_path)
    rule = structures.trained("rnnprop", ["regression"], 2, pieces)
    again = structures.trained("rnnprop", ["regression"], 2, pieces)
    for name, values in rule.meta_params.items():
        np.testing.assert_array_equal(values, again.meta_params[name])
    (losses,) = structures.losses("rnnprop", {"all": rule}, "regression", 2, pieces).values()
    assert len(losses) == 2 and np.isfinite(losses).all()
    assert evaluation.learned(rule).identity == evaluation.learned(again).identity

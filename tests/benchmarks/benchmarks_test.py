"""The benchmarks measure what they say."""

import json
import os
import pathlib
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import (
    appendix_cost,
    baseline_bptt,
    commits,
    litert,
    models,
    preset_steps,
    soak,
    state_bytes,
    steps,
)
from l2l_tf import export, presets, rules, tasks
from l2l_tf.meta.estimators import TruncatedBPTT
from tools import timing

ROOT = pathlib.Path(__file__).parents[2]


def test_interleaved_calls_every_candidate_in_turn():
    calls = []
    seconds = timing.interleaved(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, 0.0
    )
    assert "".join(calls) == "aabb" + "ab" * 3
    assert set(seconds) == {"a", "b"} and min(seconds.values()) > 0


@pytest.mark.parametrize("name, expected", [(steps.ADAM, 8), ("lstm", 324), ("sgd", 0)])
def test_bytes_of_state_are_those_of_the_slots_alone(name, expected):
    step = steps.Step(steps.optimizers()[name], 1000, False, variables=2)
    step()
    assert step.bytes_of_state == expected
    assert step.traces == 1


def test_the_straightforward_meta_step_has_the_estimators_meta_gradient():
    task, rule = tasks.get("quadratic"), rules.LSTM(hidden_size=4, preprocess=None)
    estimator = TruncatedBPTT(unroll=3, num_tasks=2)
    carried = estimator.begin(rule, task, tasks.as_seed(1))
    estimate = estimator.estimate(rule, task, carried, ((), None), 0, 3)
    values = {name: tf.constant(value) for name, value in rule.meta_params.items()}
    loss, gradients = baseline_bptt.meta_step(
        task, values, carried.params, carried.model_state, (), 3, None
    )
    np.testing.assert_allclose(loss, estimate.summaries["meta_loss"], rtol=1e-5)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, estimate.meta_gradient[name], rtol=1e-3, atol=1e-5)


def test_the_appendix_cost_of_a_step_has_a_row_for_every_rule():
    header, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in appendix_cost.table([50], window=2, repeats=1)
    )
    assert [row[0] for row in rows] == list(appendix_cost.candidates(2))
    cells = [dict(zip(header, row, strict=True)) for row in rows]
    # LSTM 81; the last read 1, two steps of three pairs 12; two last points instead of the read
    # and of `touched`.
    state = [cell["bytes of state per weight"] for cell in cells]
    assert state == [str(4 * floats) for floats in (81, 81, 94, 94)]
    assert cells[0]["times the lstm"] == "1.00"
    for cell in cells:
        assert cell["weights"] == "50" and float(cell["ns per weight"]) > 0
        peak = cell["peak of the step (MB)"]
        assert peak == "–" or float(peak) >= 0


def test_the_page_shows_the_table_of_the_record():
    record = json.loads((ROOT / "benchmarks" / "results" / "litert.json").read_text())
    lines = litert.table(record["rows"], record["steps"])
    assert set(presets.list_presets()) < set(record["rows"]) and lines[2].startswith("| Adam |")
    assert "\n".join(lines) in (ROOT / "docs" / "on-device.md").read_text("utf-8")


def test_rows_of_another_net_are_not_kept(tmp_path):
    used, path = {"steps": 50, "hidden": [64, 32]}, tmp_path / "litert.json"
    assert litert._kept(path, used) == {}
    path.write_text(json.dumps({**used, "rows": {"Adam": {"milliseconds": 0.05}}}))
    assert list(litert._kept(path, used)) == ["Adam"]
    assert litert._kept(path, {**used, "hidden": [8]}) == {}


@pytest.mark.slow
def test_a_device_in_another_process_takes_the_same_steps(monkeypatch, tmp_path):
    theirs = "from ai_edge_litert.interpreter import Interpreter"
    ours = "import tensorflow as tf; Interpreter = tf.lite.Interpreter"
    assert theirs in litert.ON_DEVICE
    program = litert.ON_DEVICE.replace(theirs, ours).replace(
        '"tensorflow" not in', '"keras" not in'
    )
    monkeypatch.setattr(litert, "ON_DEVICE", program)
    xs, ys = litert.batches_of(6, 8)
    np.savez(tmp_path / "batches.npz", x=xs, y=ys)
    model = litert.model_with(keras.optimizers.Adam(0.01), [5])
    export.export_litert(model, tmp_path / "adam.tflite", 8)
    files = tmp_path / "adam.tflite", tmp_path / "batches.npz"
    row = litert.measure(model, *files, sys.executable)
    assert row["all_steps"] < 1e-4 and row["kilobytes"] > 10 and row["milliseconds"] > 0
    assert 0.1 < row["times_adam"] < 10


def test_an_optimizers_own_time_is_the_steps_less_that_of_gradients_alone():
    names = (models.ALONE, steps.ADAM, steps.DEFAULT)
    rows = [
        {"optimizer": name, "step_milliseconds": wall, "step_processor_milliseconds": 2 * wall}
        for name, wall in zip(names, (3.0, 5.0, 9.0), strict=True)
    ]
    models._subtract_gradients(rows)
    assert [row.get("own_milliseconds") for row in rows] == [None, 2.0, 6.0]
    assert [row.get("own_processor_milliseconds") for row in rows] == [None, 4.0, 12.0]


@pytest.mark.slow
def test_whole_models_are_measured_in_processes_of_their_own():
    alone, adam = models.measure(2, ["kernel, 1 M"], models.OPTIMIZERS[:2], [False])
    for row in (alone, adam):
        assert row["weights"] == 10**6 and row["variables"] == 1
        assert row["first_seconds"] > row["step_milliseconds"] / 1e3 > 0
        assert row["peak_megabytes"] > 100
    assert adam["own_milliseconds"] == adam["step_milliseconds"] - alone["step_milliseconds"]


@pytest.mark.slow
def test_a_model_that_ends_its_process_is_a_row_that_says_so():
    (row,) = models.measure(1, ["kernel, 1 M"], ["no such optimizer"], [False])
    assert row["failed"] == "exit code 1"


def test_bytes_of_state_in_the_docs_are_those_that_rules_keep():
    page = (pathlib.Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
    assert "\n".join(state_bytes.table()) in page


@pytest.mark.parametrize("name, kept, fixed", [("spectral", 8, 32), ("mixture", 12, 16)])
def test_what_a_variable_costs_beside_its_weights_is_what_the_docs_say(name, kept, fixed):
    rule = rules.get(name)
    cost = state_bytes.total_bytes(rule, [(500,)] * 2) - state_bytes.total_bytes(rule, [(500,)])
    assert cost == 500 * kept + 8 * rule.hidden_size + fixed
    page = (pathlib.Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
    assert f"8 · `hidden_size` + {fixed} per variable" in page


def test_a_soak_reads_memory_and_traces_along_the_way():
    rows = soak.soak_steps(80, "adam", epochs=2)
    assert [row["steps"] for row in rows] == [40, 80]
    assert rows[0]["traces"] == rows[1]["traces"] and rows[1]["mebibytes"] > 10
    told = soak.summary(
        [
            {"hours": float(i), "mebibytes": 50.0 + 3 * i, "own_mebibytes": 5.0 + (i >= 10) * i}
            for i in range(20)
        ]
    )
    assert told["mebibytes_per_hour"] == pytest.approx(3)
    assert told["own_mebibytes_per_hour_of_second_half"] == pytest.approx(1)
    assert told["early_mebibytes"] == 57.5 and told["late_mebibytes"] == 105.5


def test_a_soak_of_meta_training_knows_how_far_it_is(tmp_path):
    assert 10 < soak.own_mebibytes(os.getpid()) <= soak.mebibytes(os.getpid())
    assert soak.newest_step(tmp_path) == 0
    (tmp_path / "checkpoints").mkdir()
    for step in (50, 100):
        (tmp_path / "checkpoints" / f"checkpoint-{step:09d}.npz").touch()
    assert soak.newest_step(tmp_path) == 100


def test_a_soak_tells_what_each_of_several_trainers_leaves_behind():
    rows = [{"mebibytes": value} for value in (90.0, 50.0, 52.0, 54.0)]
    assert soak.each(rows, "mebibytes") == pytest.approx(2)
    held = []
    rows = soak.soak_dropped(3, lambda: held.append(np.ones(2**22)))
    assert [row["trainers"] for row in rows] == [1, 2, 3]
    assert 30 < soak.each(rows, "mebibytes") < 40 and soak.each(rows, "maps") >= 0


def test_a_preset_is_measured_at_the_largest_size_that_its_rule_takes(monkeypatch):
    def measured(counts, repeats, names):
        (count,) = counts
        few = {"optimizer": names[0], "jit": False, "ns_per_weight": 2.0, "times_adam": 1.0}
        mine = {**few, "optimizer": names[1], "ns_per_weight": 6.0, "times_adam": 3.0}
        if count > 100:
            mine = {"optimizer": names[1], "jit": False, "skipped": "too large"}
        return [few, mine, {**few, "jit": True}, {**mine, "jit": True}]

    monkeypatch.setattr(steps, "measure", measured)
    found = preset_steps.measure("any", (1000, 100, 10), 1)
    row = {"ns_per_weight": 6.0, "adam_ns_per_weight": 2.0, "times_adam": 3.0}
    assert found == {"weights": 100, "jit": row, "no_jit": row}
    with pytest.raises(ValueError, match="Received: name='any', sizes=\\(1000,\\)"):
        preset_steps.measure("any", (1000,), 1)


def test_commits_are_compared_round_by_round():
    # The machine was four times as slow in the second round, for both.
    rounds = [[1e-6, 2e-6], [4e-6, 8e-6], [1e-6, 2e-6]]
    cases = [["adam", [1000, 10], True]]
    row = commits.table(cases, np.array([rounds]))[-1]
    assert row == "| adam | 1,000 in 10 | yes | 1 | 2 | 2.00 (2.00 to 2.00) |"


@pytest.mark.slow
def test_a_commit_is_measured_with_its_own_code():
    names = (steps.ADAM, "lstm-quadratic")
    with commits.at_commit("HEAD", names) as (process, cases):
        assert [name for name, *_ in cases] == [steps.ADAM] * 4 + ["lstm-quadratic"] * 4
        assert 0 < commits.seconds(process, 0) < commits.seconds(process, 7)
    assert process.returncode == 0

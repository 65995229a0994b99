"""`evaluate` from end to end, and the results' tables and files."""

import csv
import dataclasses
import json
import lzma
import math
import socket

import keras
import numpy as np
import pytest
from rich.console import Console

from l2l_tf import evaluation
from l2l_tf.evaluation import Grid, Results, tables

TASK = "digits_mlp(hidden=4,batch_size=16)"
SETTINGS = evaluation.Settings(
    steps=4, seeds=3, records=2, grid_seeds=1, grid=Grid(1e-2, 1.0, 1, extend=1), jit_compile=False
)


@pytest.fixture(scope="module")
def results():
    explosive = evaluation.Contender(
        "explosive", lambda rate, steps: keras.optimizers.SGD(math.inf), tuned=False, learned=True
    )
    return evaluation.evaluate(
        [TASK, "quadratic(dimension=3)"], [explosive, "momentum", "adam_default"], SETTINGS
    )


def printed(table):
    console = Console(width=140, record=True, file=open("/dev/null", "w"))
    console.print(table)
    return console.export_text()


def test_every_optimizer_has_a_record_for_each_seed_and_step(results):
    for task in results.tasks:
        for optimizer in ("explosive", "momentum", "adam_default"):
            runs = results.runs(task, optimizer)
            assert list(runs) == [0, 1, 2]
            assert all([r.step for r in run] == [0, 2, 4] for run in runs.values())


def test_all_optimizers_start_alike_and_seeds_differ(results):
    starts = {
        optimizer: [run[0].train_loss for run in results.runs(TASK, optimizer).values()]
        for optimizer in ("explosive", "momentum", "adam_default")
    }
    assert starts["explosive"] == starts["momentum"] == starts["adam_default"]
    assert len(set(starts["momentum"])) == 3


def test_only_tuned_optimizers_have_a_rate_and_the_best_of_their_grid(results):
    by_name = {c.optimizer: c for c in results.contestants if c.task == TASK}
    assert by_name["adam_default"].learning_rate is None
    tuned = by_name["momentum"]
    assert tuned.learning_rate == min(tuned.tuning, key=tuned.tuning.get)


def test_the_summary_is_the_median_and_the_best_comes_first(results):
    rows = results.summary(TASK)
    assert [row.train_loss.median for row in rows] == sorted(r.train_loss.median for r in rows)
    assert rows[-1].contestant.optimizer == "explosive"
    momentum = next(row for row in rows if row.contestant.optimizer == "momentum")
    ends = [run[-1] for run in results.runs(TASK, "momentum").values()]
    assert momentum.held_out_loss.median == np.median([r.held_out_loss for r in ends])
    assert momentum.seconds_per_step.median == pytest.approx(momentum.seconds.median / 4)


def test_runs_that_blew_up_count_as_infinite(results):
    assert results.summary(TASK)[-1].train_loss.median == math.inf
    assert "∞" in printed(results.to_table(TASK))


def test_the_table_leaves_out_what_a_task_does_not_have(results):
    assert "held-out accuracy" in printed(results.to_table(TASK))
    assert "held-out" not in printed(results.to_table("quadratic(dimension=3)"))
    with pytest.raises(ValueError, match="Received: task=None"):
        results.to_table()


def test_a_table_of_one_seed_says_so(results):
    first = results.records[0].seed
    alone = dataclasses.replace(results, records=[r for r in results.records if r.seed == first])
    assert "; median over 1 seed ±" in tables.cells(alone, results.tasks[0])[2]
    assert "; median over 3 seeds ±" in tables.cells(results, results.tasks[0])[2]


def test_json_is_strict_and_comes_back_the_same(results, tmp_path):
    path = tmp_path / "results.json"
    results.to_json(path)

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(path.read_text(), parse_constant=refuse)
    assert set(content) == {
        "settings",
        "contestants",
        "records",
        "pictures",
        "versions",
        "date",
        "cpu",
    }
    again = Results.from_json(path)
    assert again.records == results.records
    assert again.contestants == results.contestants
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(ValueError, match="Received: .*other.json"):
        Results.from_json(tmp_path / "other.json")


def test_packed_results_come_back_too(results, tmp_path):
    results.to_json(tmp_path / "results.json")
    content = (tmp_path / "results.json").read_bytes()
    packed = tmp_path / "results.json.xz"
    packed.write_bytes(lzma.compress(content))
    Results.from_json(packed).to_json(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == content
    packed.write_bytes(content)
    with pytest.raises(ValueError, match="Received: .*results.json.xz"):
        Results.from_json(packed)


def test_files_tell_no_host_and_no_path(results, preset_directory, tmp_path):
    contender = evaluation.learned(preset_directory)
    assert contender.name == "small-lstm"
    assert str(preset_directory.parent) not in json.dumps(contender.identity)
    results.to_json(tmp_path / "results.json")
    text = (tmp_path / "results.json").read_text()
    assert str(tmp_path) not in text and f'"{socket.gethostname()}"' not in text


def test_csv_has_one_row_per_record(results, tmp_path):
    results.to_csv(tmp_path / "results.csv")
    with open(tmp_path / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(results.records) == 2 * 3 * 3 * 3
    assert float(rows[0]["train_loss"]) == results.records[0].train_loss


def test_the_plot_is_a_picture(results, tmp_path):
    results.plot(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_directory_called_preset_takes_its_parents_name(preset_directory, tmp_path):
    (tmp_path / "first-run").mkdir()
    preset_directory.rename(tmp_path / "first-run" / "preset")
    assert evaluation.learned(tmp_path / "first-run" / "preset").name == "first-run"


def test_arguments_that_cannot_work_are_refused():
    for arguments, message in (
        ({"contenders": ["adam", "adam"]}, "names of their own"),
        ({"contenders": []}, "names of their own"),
        ({"contenders": ["adamant"]}, "baseline='adamant'"),
        ({"steps": 0}, "steps=0"),
        ({"seeds": True}, "seeds=True"),
        ({"seed": -1}, "seed=-1"),
        ({"jit_compile": "no"}, "jit_compile='no'"),
        ({"grid": 0.1}, "grid=0.1"),
        ({"sedes": 3}, "sedes=3"),
        ({"tune_for": "luck"}, "tune_for='luck'"),
        ({"task": "nothing"}, "task='nothing'"),
        ({"task": 3}, "task=3"),
        ({"settings": {}}, "settings={}"),
    ):
        with pytest.raises(ValueError, match=f"{message}|Received.*{message}"):
            evaluation.evaluate(**{"task": TASK, **arguments})

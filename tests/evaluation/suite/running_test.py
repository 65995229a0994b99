"""The suite from entries to files, on two tasks that take no time."""

import functools
import json
import random
import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import rules
from l2l_tf.evaluation import Grid, Settings, contender_from_text, learned, suite
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.runner import Runner
from l2l_tf.evaluation.suite import Entry, KerasTask, models, objectives
from l2l_tf.rules import registry
from l2l_tf.tasks import as_seed

SETTINGS = Settings(
    grid=Grid(1e-2, 1.0, per_decade=1, extend=1),
    grid_seeds=1,
    seeds=2,
    records=4,
    report_rows=16,
)


def splits():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(40, 3)).astype("float32")
    labels = (rows.sum(axis=1) > 0).astype("int32")
    return {"train": (rows[:24], labels[:24]), "test": (rows[24:], labels[24:])}


def regression():
    return {s: (rows, labels[:, None].astype("float32")) for s, (rows, labels) in splits().items()}


def classifier(name="signs", width=4, batch_size=8):
    return KerasTask(
        name, lambda: models.mlp(3, [width], 2), splits, objectives.cross_entropy, batch_size
    )


def regressor():
    return KerasTask(
        "fit", lambda: models.mlp(3, [3], 1, "tanh"), regression, objectives.squared_error, 4
    )


ENTRIES = [Entry("signs", "classes", classifier, 20), Entry("fit", "numbers", regressor, 20)]


@pytest.fixture
def counted(monkeypatch):
    """Runs that were really made, as (optimizer, stream)."""
    made, original = [], Runner.run

    def run(self, stream, *arguments, **others):
        made.append((self.contender.name, stream))
        return original(self, stream, *arguments, **others)

    monkeypatch.setattr(Runner, "run", run)
    return made


def small_run(tmp_path, contenders=("adam", "adam_default"), chosen=ENTRIES, **options):
    options = {"settings": SETTINGS, "cache_dir": tmp_path / "runs", **options}
    return suite.run_suite(chosen, contenders, **options)


def test_finished_runs_are_never_repeated(tmp_path, counted):
    first = small_run(tmp_path)
    assert counted.count(("adam", "report")) == 4 and len(counted) >= 2 * (3 + 2 + 2)
    counted.clear()
    again = small_run(tmp_path)
    assert counted == [] and again.records == first.records
    more = small_run(tmp_path, ["adam", "adam_default", learned(rules.SGD(0.1), "learned")])
    assert counted == [("learned", "report")] * 4
    assert len(more.records) == 2 * 3 * 2 * 5


def test_an_interrupted_suite_goes_on_where_it_stopped(tmp_path, counted, monkeypatch):
    small_run(tmp_path)
    whole = list(counted)
    counted.clear()
    original = Runner.run

    def interrupted(self, *arguments, **others):
        if len(counted) == 7:
            raise KeyboardInterrupt
        return original(self, *arguments, **others)

    monkeypatch.setattr(Runner, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small_run(tmp_path / "other")
    monkeypatch.setattr(Runner, "run", original)
    small_run(tmp_path / "other")
    assert sorted(counted) == sorted(whole)


def test_other_tasks_of_the_same_name_have_other_runs(tmp_path, counted):
    small_run(tmp_path, ["adam"], chosen=ENTRIES[:1])
    counted.clear()
    wider = Entry("signs", "classes", functools.partial(classifier, width=5), 20)
    small_run(tmp_path, ["adam"], chosen=[wider])
    assert counted.count(("adam", "report")) == 2
    assert repr(classifier()) == repr(classifier())
    others = [classifier(width=5), classifier(batch_size=4), classifier("other"), regressor()]
    assert len({repr(task) for task in [classifier(), *others]}) == 5


def unpadded(table):
    """The table with one space around what a cell holds."""
    return re.sub(" +", " ", table)


def test_all_files_are_written_and_say_the_same(tmp_path):
    mixture = contender_from_text("rule:mixture")
    results = small_run(tmp_path, ["adam", "adamw_cosine", "adam_default", mixture])
    suite.write(suite.ranked(results), tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"suite.md", "suite.png", "suite.json", "tasks.csv", "curves.csv"}
    text = unpadded((tmp_path / "out" / "suite.md").read_text())
    assert text.startswith("# The general suite") and text.count("| **mixture** |") == 2
    assert text.count("| signs (20) |") == 7
    content = json.loads((tmp_path / "out" / "suite.json").read_text())
    assert content["settings"]["tasks"]["fit"] == {
        "kind": "numbers",
        "steps": 20,
        "held_out_rows": 16,
    }
    assert (tmp_path / "out" / "suite.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert len((tmp_path / "out" / "tasks.csv").read_text().splitlines()) == 1 + 2 * 4


def test_the_overview_has_the_figures_of_the_whole_table(tmp_path):
    ranking = suite.ranked(small_run(tmp_path, ["adam", "adam_default"]))
    head, rows = suite.overview(ranking)
    assert {len(row) for row in rows} == {len(head)}
    (adam,) = (row for row in rows if row[0] == "adam")
    assert adam[3] == "–" and adam[5] == "0 of 4" and adam[6] == "1"
    whole = unpadded(suite.markdown(ranking))
    assert all(f"| {row[0]} | {row[1]} |" in whole for row in rows)


def test_a_longer_suite_tells_the_longer_run(tmp_path):
    lengths = []

    def make(rate, total_steps):
        lengths.append(total_steps)
        return keras.optimizers.SGD(0.01)

    contender = learned(rules.SGD(0.1), "learned")
    contender = type(contender)("long", make, tuned=False)
    results = small_run(tmp_path, ["adam", contender], stretch=1.5)
    assert set(lengths) == {30}
    assert max(r.step for r in results.records) == 30


def test_a_fresh_model_is_drawn_from_pythons_random_numbers():
    task = ENTRIES[0].make()
    params, state = task.init(tf.constant([3, -7]))
    before = random.getstate()
    random.seed(3 * 2**32 - 7)
    model = task.build()
    random.setstate(before)
    for found, variable in zip(params, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(found, variable.numpy())
    assert len(state) == len(model.non_trainable_variables)
    np.testing.assert_array_equal(params[0], task.init(tf.constant([3, -7]))[0][0])


def test_a_keras_task_is_what_fit_trains():
    task = classifier()
    params, state = task.init(as_seed(3))
    batch = task.batch(as_seed(1), 0)
    model = task.build()
    model.set_weights([p.numpy() for p in params])
    model.compile(
        keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    assert float(task.loss(params, state, batch)[0]) == pytest.approx(
        model.evaluate(*batch, verbose=0), rel=1e-5
    )
    with tf.GradientTape() as tape:
        tape.watch(params)
        loss = task.loss(params, state, batch)[0]
    model.train_on_batch(*batch)
    for before, gradient, after in zip(
        params, tape.gradient(loss, params), model.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(before - 0.5 * gradient, after.numpy(), atol=1e-6)


def test_seeds_decide_the_start_alone():
    task = classifier()
    one, same, other = (task.init(as_seed(s))[0][0].numpy() for s in (1, 1, 2))
    assert (one == same).all() and (one != other).any()


def test_reports_use_moving_statistics_and_training_moves_them():
    task = KerasTask(
        "normed",
        lambda: keras.Sequential(
            [
                keras.layers.Input((3,)),
                keras.layers.BatchNormalization(),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(2),
            ]
        ),
        splits,
        objectives.cross_entropy,
        8,
    )
    params, state = task.init(as_seed(0))
    batch = task.batch(as_seed(0), 0)
    training, moved, _ = task.loss(params, state, batch)
    again = [task.evaluate(params, state, batch)[0] for _ in range(2)]
    assert float(again[0]) == float(again[1]) != float(training)
    assert any((a.numpy() != b.numpy()).any() for a, b in zip(state, moved, strict=True))
    problem = Problem(task, jit_compile=False)
    report = problem.report(params, state, ("test",))["test"]["loss"]
    expected = task.evaluate(params, state, task.full_batch("test"))[0]
    assert report == pytest.approx(float(expected), rel=1e-5)


def test_a_learned_contenders_runs_are_keyed_by_the_code_of_its_rule(monkeypatch):
    monkeypatch.setattr(registry.RULES, "classes", dict(registry.RULES.classes))

    @rules.register_rule("a_rule_of_this_test")
    class Own(rules.LSTM):
        pass

    def code(rule):
        return learned(rule).identity["code"]

    assert code(rules.LSTM(hidden_size=4)) == code(rules.LSTM(hidden_size=5))
    assert code(rules.LSTM()) != code(Own())


def test_contenders_are_written_as_text(preset_directory):
    plain = contender_from_text(str(preset_directory))
    assert (plain.name, plain.identity["known_horizon"]) == ("small-lstm", False)
    knows = contender_from_text(f"{preset_directory}@known_horizon")
    assert (knows.name, knows.identity["known_horizon"]) == ("small-lstm@known_horizon", True)
    named = contender_from_text("mine=rule:mixture(hidden_size=4)@known_horizon")
    assert (named.name, named.make(None, 7).total_steps) == ("mine", 7)
    with pytest.raises(ValueError, match="Received:.*nothing"):
        contender_from_text("rule:nothing")
    with pytest.raises(ValueError, match="@known_horizon now. Received: contender='adam@told'"):
        contender_from_text("adam@told")


def test_what_cannot_be_judged_is_refused():
    for arguments, message in (
        ((["adam_default"],), "adam_default"),
        ((["adam", "adam"],), "adam"),
        ((["adam", "best"],), "baseline='best'"),
    ):
        with pytest.raises(ValueError, match=f"Received:.*{message}"):
            suite.run_suite(ENTRIES, *arguments)
    with pytest.raises(ValueError, match="stretch=0"):
        suite.run_suite(ENTRIES, ["adam"], stretch=0)
    with pytest.raises(ValueError, match="Received: half='both'"):
        suite.entries("both")
    with pytest.raises(ValueError, match="Received: task='nothing'"):
        suite.entries("report", ["nothing"])


def test_the_halves_share_no_task_and_no_data():
    halves = suite.SUITES["general"].halves
    names = {half: [e.name for e in halves[half]] for half in halves}
    assert all(len(set(n)) == len(n) >= 12 for n in names.values())
    assert not set(names["development"]) & set(names["report"])
    reserved = ("iris", "wine", "breast_cancer", "diabetes", "digits", "cifar10", "shakespeare")
    assert not [n for n in names["development"] if n.startswith(reserved)]
    warnings.simplefilter("error")
    for half, entries in halves.items():
        assert suite.entries(half) == list(entries)

"""What is read of a run: measures that hand-crafted rules are known to have, and finished runs."""

import json
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

from experiments.pieces import Pieces
from experiments.reading import answers, figures, measures, plan, reports, run, runs
from l2l_tf import rules, tasks

ROOT = pathlib.Path(__file__).parents[2]
RESULTS = ROOT / run.RESULTS
BOWL = "conditioned_quadratic(dimension=4,condition=10.0)"


def read(rule, task=BOWL, steps=12, told=runs.NOTHING):
    return runs.Reader(rules.from_text(rule), tasks.get(task), steps).run(0, told)


def test_gradient_descents_step_is_the_rate_times_the_gradient_and_goes_along_it():
    found = read("sgd(learning_rate=0.3)")
    np.testing.assert_allclose(found["step"], 0.3 * found["gradient"], rtol=1e-6)
    np.testing.assert_allclose(found["cos_gradient"], 1.0, rtol=1e-6)
    assert (found["cos_mean"][1:] < 1.0 - 1e-6).all() and np.isnan(found["cos_last"][0])
    assert (np.diff(found["loss"]) < 0).all()


def test_momentums_step_goes_along_the_mean_of_gradients():
    found = read("momentum(learning_rate=0.1,momentum=0.9)")
    np.testing.assert_allclose(found["cos_mean"], 1.0, rtol=1e-6)
    assert (found["cos_gradient"][1:] < 1.0 - 1e-6).all()


def test_steps_that_go_back_and_forth_are_told_by_the_last_one():
    assert (read("sgd(learning_rate=1.9)")["cos_last"][-5:] < -0.9).all()


def test_sizes_are_roots_of_mean_squares_over_all_weights():
    update, weights = tf.constant([3.0, 4.0], tf.float64), tf.constant([0.6, 0.8], tf.float64)
    found = measures.of_step(update, -update, -update, 0.0 * update, weights)
    assert float(found["step"]) == pytest.approx(np.sqrt(12.5))
    assert float(found["relative"]) == pytest.approx(5.0)
    joined = measures.flat([tf.constant([[1.0, 2.0]]), tf.constant(3.0)])
    np.testing.assert_array_equal(joined, [1.0, 2.0, 3.0])


def test_the_steps_that_are_measured_are_those_that_are_taken():
    found = read("sgd(learning_rate=0.3)")
    (x,), (root, target) = runs.Problem(tasks.get(BOWL)).start("report", 0)
    for step in range(3):
        gradient = root.T @ (root @ (x - target))
        size = np.sqrt(np.mean((0.3 * gradient) ** 2))
        assert found["step"][step] == pytest.approx(size, rel=1e-4)
        assert found["relative"][step] == pytest.approx(size / np.sqrt(np.mean(x**2)), rel=1e-4)
        x = x - 0.3 * gradient


@pytest.mark.parametrize("told", runs.TOLD)
def test_a_rule_is_told_what_fit_would_tell(told):
    task = tasks.get("digits_mlp")
    length, passes, epoch = runs.told_of(task, 900, told)
    assert (length == 900) == (told == runs.LENGTH)
    expected = {runs.LENGTH: 900 * 128 / 1077, runs.EPOCHS: 30.0}
    assert passes == pytest.approx(expected.get(told, np.nan), nan_ok=True)
    assert (epoch == 9) == (told == runs.EPOCHS)


def test_steps_follow_the_length_where_it_is_told():
    annealed = [read("annealed(inner=sgd)", told=told)["step"] for told in runs.TOLD]
    ratio = annealed[0] / annealed[2]
    assert ratio[-1] < 0.2 < 0.9 < ratio[0]
    np.testing.assert_allclose(annealed[1], annealed[2])


def test_wrong_words_are_refused():
    with pytest.raises(ValueError, match="Received: told='nobody'$"):
        runs.told_of(tasks.get(BOWL), 10, "nobody")
    for names in (["foo"], []):
        with pytest.raises(ValueError, match=f"Received: --problems={','.join(names)}$"):
            plan.chosen(names)


def test_states_of_an_lstm_are_those_of_its_slots():
    state = rules.RuleState(
        [
            {"lstm_0_hidden": tf.constant([[0.95, -0.95], [0.5, 0.5]]), "touched": tf.zeros([2])},
            {"lstm_0_hidden": tf.constant([[0.0], [0.5]]), "touched": tf.zeros([1])},
        ],
        {"scheduler_cell": tf.constant([[2.0, 0.0]]), "log_rate": tf.constant([1.0, 3.0])},
    )
    found = {k: float(v) for k, v in measures.of_state(rules.SGD(), state).items()}
    assert found["lstm_0_hidden_rms"] == pytest.approx(np.sqrt((2 * 0.95**2 + 3 * 0.25) / 6))
    assert found["lstm_0_hidden_mean"] == pytest.approx(0.25)
    assert found["lstm_0_hidden_saturated"] == pytest.approx(2 / 6)
    assert found["lstm_0_hidden_spread"] == pytest.approx(0.95 * np.sqrt(2 / 3) / 2)
    assert found["scheduler_cell_saturated"] == 0.5, "|tanh(2)| > 0.9"
    assert found["log_rate"] == 2.0 and "touched_rms" not in found


def test_averaging_cells_are_read_at_any_coordinate():
    rule = rules.GACLSTM(hidden_size=3, layers=2, averaging_cells=[1, [2]])
    variables = [tf.ones([2, 2]), tf.ones([3])]
    gradients = [tf.constant([[1.0, -1.0], [0.3, 2.0]]), tf.constant([0.1, 0.0, -3.0])]
    _, state = rule.update(gradients, rule.init(variables), variables, rules.Context())
    found = measures.of_state(rule, state)
    assert {k for k in found if k.startswith("average_")} == {"average_0_0", "average_1_2"}
    for layer, cell in ((0, 0), (1, 2)):
        emitted = float(state.variables[1][f"lstm_{layer}_hidden"][cell, 2])
        assert float(found[f"average_{layer}_{cell}"]) == pytest.approx(emitted, rel=1e-5)


def test_a_quasi_newton_memory_maps_the_gradients_change_to_the_step():
    matrix, window = (
        read(f"{name}(controller=bfgs,read=same_step{more})", steps=8)
        for name, more in (("ntm_bfgs", ""), ("ntm_lbfgs", ",window=8"))
    )
    for found in (matrix, window):
        np.testing.assert_allclose(found["secant"][1:], 1.0, atol=1e-3)
        np.testing.assert_allclose(found["secant_gain"][1:], 1.0, atol=1e-2)
        assert found["read_gain"][0] == pytest.approx(1.0), "nothing is written: M = σI"
    np.testing.assert_allclose(window["written"], matrix["written"], rtol=1e-2, atol=1e-6)
    np.testing.assert_allclose(window["write"], matrix["write"], rtol=1e-2, atol=1e-6)
    assert "age" not in matrix and window["age"][1] == 0 and (window["age"][2:] > 0).all()


def test_norms_and_age_of_a_window_are_those_of_its_matrices():
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 3, 2, 5))  # [a and b, heads, steps, coordinates]
    a[:, 0] = 0.0
    each = [np.linalg.norm(a[:, k].T @ b[:, k]) for k in range(2)]
    memory = {"memory_a": tf.constant(a), "memory_b": tf.constant(b)}
    written, write, age = map(float, measures._norms(memory, memory))
    assert each[0] == 0 and write == pytest.approx(each[1]) and written == pytest.approx(each[1])
    assert age == 0.0
    memory["memory_a"], memory["memory_b"] = (tf.reverse(of, [1]) for of in memory.values())
    assert float(measures._norms(memory, memory)[2]) == 1.0, "the older step's pairs count"


def test_a_slope_tells_how_steps_follow_the_loss():
    losses = np.geomspace(1.0, 1e-4, 30)
    assert answers.slope(losses, 0.1 * losses**0.5)[0] == pytest.approx(0.5)
    assert answers.slope(losses, np.full(30, 0.1))[0] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(answers.slope(losses, np.full(30, np.inf))).all()
    assert np.isnan(answers.slope(np.geomspace(1.0, 0.6, 30), losses)).all(), "it hardly moved"


def test_a_run_in_short():
    steps = np.arange(1, 201)
    measured = {"loss": 1.0 / steps, "step": 1.0 / steps, "relative": 2.0 / steps}
    short = answers.summarized({**measured, "cos_last": np.where(steps > 100, 0.5, np.nan)})
    assert short["ends"][0] == 1 and short["ends"][-1] == 200 == steps[-1]
    assert len(short["curves"]["loss"]) == len(short["ends"]) <= answers.RECORDS
    assert short["answers"]["ratio"] == pytest.approx(0.1, rel=0.1)
    assert short["answers"]["slope"] == pytest.approx(1.0)
    assert short["answers"]["cos_last_half"] == 0.5
    diverged = answers.summarized({**measured, "step": np.where(steps < 50, 1.0, np.inf)})
    assert answers.shrank([0.1, diverged["answers"]["ratio"]]) == "diverged"
    both = answers.together([short, short])
    assert both["answers"]["slope"] == 2 * [short["answers"]["slope"]]
    np.testing.assert_allclose(both["low"]["loss"], both["curves"]["loss"])


@pytest.mark.parametrize(
    ("ratios", "word"),
    [
        ((0.1, 0.4), "shrink"),
        ((0.6, 1.9), "stay"),
        ((3.0, 4.0), "grow"),
        ((0.1, 0.9), "differ by seed"),
    ],
)
def test_a_word_needs_every_seed(ratios, word):
    assert answers.shrank(ratios) == word


def test_a_finished_run_is_not_run_again_and_another_length_is(tmp_path, monkeypatch):
    problem = plan.Problem("a bowl", BOWL, 12, ("BFGS", "Adam(0.1)"))
    pieces = Pieces(tmp_path)
    first = run.to_text({"a bowl": run.read(problem, 12, 2, pieces)}, 2)
    monkeypatch.setattr(runs, "Reader", None)
    assert run.to_text({"a bowl": run.read(problem, 12, 2, pieces)}, 2) == first
    for steps, seeds in ((10, 2), (12, 3)):
        with pytest.raises(TypeError):
            run.read(problem, steps, seeds, pieces)
    found = json.loads(first)["problems"]["a bowl"]
    assert set(found) == {"BFGS", "Adam(0.1)"} and found["BFGS"]["ends"][-1] == 12


def test_the_command_writes_tables_and_pictures_and_draws_them_again(tmp_path, monkeypatch):
    bowl = plan.Problem("a bowl", BOWL, 20, ("BFGS", "momentum(0.1)"))
    monkeypatch.setitem(plan.PROBLEMS, "conditioned", bowl)
    given = [f"--output_dir={tmp_path / 'out'}", f"--pieces={tmp_path / 'pieces'}", "--seeds=1"]
    assert run.run([*given, "--problems=conditioned", "--quick"]) == 0
    table = (tmp_path / "out" / "reading.md").read_text("utf-8")
    assert "| momentum(0.1) |" in table and "### Memories: conditioned" in table
    for name in ("quadratics", "memories"):
        (tmp_path / "out" / f"{name}.png").unlink()
    monkeypatch.setattr(runs, "Reader", None)
    assert run.run([*given, "--redraw"]) == 0
    for name in ("quadratics", "memories"):
        assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out" / "reading.md").read_text("utf-8") == table


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (["--problems=foo"], "Received: --problems=foo"),
        (["--problems="], "Received: --problems="),
        (["--seeds=0"], "Received: --seeds=0"),
        (["digits"], "Received: digits"),
        (["--redraw", "--output_dir=nowhere"], "Received: nowhere/readings.json"),
        (["--output_dir=file"], "Received: --output_dir=file"),
        (["--nonsense=1"], "Received: --nonsense=1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, received, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert run.run(arguments) == 2
    said = capsys.readouterr().err.strip()
    assert said.endswith(received) and "\n" not in said


def test_every_problem_names_rules_that_are_there_and_have_a_style():
    for problem in plan.PROBLEMS.values():
        tasks.get(problem.task)
        assert set(problem.rules) <= set(plan.READINGS) and set(problem.rules) <= set(
            figures.STYLES
        )


def test_the_committed_tables_are_those_of_the_committed_readings():
    readings, seeds = run.from_file(RESULTS / "readings.json")
    assert list(readings) == list(plan.PROBLEMS) and seeds == 3
    assert reports.report(readings, seeds) == (RESULTS / "reading.md").read_text("utf-8")
    for path in RESULTS.iterdir():
        assert path.stat().st_size < 300_000, path.name


def test_the_pages_figures_stand_in_the_committed_tables():
    page = (ROOT / "docs" / "interpretation.md").read_text("utf-8")
    tables = (RESULTS / "reading.md").read_text("utf-8")
    said = set(re.findall(r"(?<![\d.])\d+\.\d+(?:e-?\d+)?|\d+e-\d+", page))
    known = set(re.findall(r"(?<![\d.])\d+\.\d+(?:e-?\d+)?|\d+e-\d+", tables))
    assert len(said) > 20 and sorted(said - known - {"0.9"}) == []

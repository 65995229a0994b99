"""The paper's experiments: their measures, and that finished pieces are not computed again."""

import json

import numpy as np
import pytest
import tensorflow as tf

from experiments import shared_step, tables
from experiments.paper import accuracy, cost, meta_rates, run, train
from experiments.paper.meta_gradient import norms_by_step
from experiments.paper.plan import QUICK, Experiment
from experiments.pieces import Pieces
from l2l_tf import evaluation, rules, tasks
from l2l_tf.cli import command_line, search
from l2l_tf.meta.estimators import TruncatedBPTT

# Minutes, most of them in compiling.
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind, second", [("linear", False), ("final", True)])
def test_the_contributions_of_the_steps_add_up_to_the_meta_gradient(kind, second):
    rule, task, steps = rules.LSTM(hidden_size=4), tasks.get("quadratic"), 3
    seed = tasks.as_seed(1)
    _, parts = norms_by_step(rule, task, seed, steps, kind, 2, second)
    estimator = TruncatedBPTT(second, unroll=steps, num_tasks=2, loss_weights=kind)
    carried = estimator.begin(rule, task, seed)
    whole = estimator.estimate(rule, task, carried, ((), None), 0, steps)
    for name, part in parts.items():
        np.testing.assert_allclose(
            tf.reduce_sum(part, axis=0), whole.meta_gradient[name], rtol=1e-3, atol=1e-6
        )


def test_only_coordinatewise_rules_have_contributions():
    with pytest.raises(ValueError, match="Received:"):
        norms_by_step(rules.get("celo"), tasks.get("quadratic"), tasks.as_seed(0), 2, "all")


def test_the_rank_correlation_sees_order_alone_and_needs_two_values():
    a = np.arange(1.0, 31.0)
    assert accuracy.rank_correlation(a, np.log(a)) == 1.0
    assert accuracy.rank_correlation(a, -(a**3)) == -1.0
    assert np.isnan(accuracy.rank_correlation(a, np.ones(30)))


def test_losses_in_float64_tell_1e_minus_12_from_0():
    scores = tf.constant([[28.0, 0.0, 0.0], [0.0, 28.0, 0.0]])
    expected = np.log1p(2 * np.exp(-28.0))
    np.testing.assert_allclose(accuracy.precise_loss(scores, [0, 1]), expected, rtol=1e-3)
    task = tasks.get("digits_mlp(layers=2,activation=relu)")
    params, _ = task.init(tasks.as_seed(0))
    received = accuracy.precise(task, params, "test")
    loss, metrics = task.evaluate(params, [], task.full_batch("test"))
    np.testing.assert_allclose(received, [loss, metrics["accuracy"]], rtol=1e-5)


def test_a_learned_step_costs_the_flops_of_its_products(monkeypatch):
    monkeypatch.setattr(cost, "OPTIMIZERS", {n: cost.OPTIMIZERS[n] for n in ("none", "lstm")})
    bare, lstm = cost.measured("digits_mlp(hidden=3)", repeats=1)["rows"]
    products = 2 * 4 * 20 * (22 + 40) * lstm["weights"]
    assert products < 1e6 * (lstm["mega_flop"] - bare["mega_flop"]) < 1.5 * products
    assert (bare["state_bytes_per_weight"], lstm["state_bytes_per_weight"]) == (0, 324)
    assert lstm["times"] > bare["times"] == 1


def test_rules_that_share_a_compiled_step_end_where_they_end_alone():
    text, steps = "digits_mlp(hidden=3)", 4
    first, second = (rules.LSTM(hidden_size=3, seed=0).bind({
        k: 3.0 * v for k, v in rules.LSTM(hidden_size=3, seed=s).meta_params.items()
    }) for s in (1, 2))  # fmt: skip
    shared = shared_step.SharedStep(text, first, steps)
    received = [shared.final_loss(rule, 0) for rule in (first, second, first)]
    for rule, loss in zip((first, second), received, strict=False):
        alone = evaluation.evaluate(
            text, [evaluation.learned(rule)], steps=steps, seeds=1, records=1
        )
        np.testing.assert_allclose(loss, alone.summary()[0].train_loss.median, rtol=1e-5)
    assert received[0] == received[2] != received[1]
    with pytest.raises(ValueError, match="Received:"):
        shared.final_loss(rules.LSTM(hidden_size=4), 0)


def test_the_log_ratio_of_a_run_that_diverged_is_the_largest():
    assert shared_step.log_ratio([1.0, 10.0], [10.0, 10.0]) == pytest.approx(-0.5)
    assert shared_step.log_ratio([np.inf], [1.0]) == shared_step.LARGEST
    assert shared_step.log_ratio([np.nan], [1.0]) == shared_step.LARGEST


def test_every_training_of_the_experiments_is_one_that_exists():
    for name, arguments in train.COMMANDS.items():
        given = dict(a.removeprefix("--").split("=", 1) for a in arguments if "=" in a)
        assert "rule" not in given or rules.from_text(given["rule"]).meta_params, name
        assert "rule" in given or given["start_from"].split("/")[1] in train.COMMANDS, name
        assert tasks.get(given["task"])


def test_finished_pieces_are_read_back_and_changed_ones_are_not(tmp_path):
    pieces, calls = Pieces(tmp_path), []

    def compute():
        calls.append(1)
        return {"loss": float("inf"), "list": [1, 0.5]}

    first = pieces.value("a", {"steps": 1}, compute)
    again = Pieces(tmp_path).value("a", {"steps": 1}, compute)
    assert first == again and again["loss"] == float("inf") and len(calls) == 1
    pieces.value("a", {"steps": 2}, compute)
    assert len(calls) == 2 and not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_the_quick_quadratics_are_resumed_and_reported(tmp_path):
    experiment = Experiment(QUICK, Pieces(tmp_path / "pieces"), tmp_path / "out", tmp_path / "runs")
    run.make(experiment, ["quadratics"], "the command")
    text = (tmp_path / "out" / "report.md").read_text()
    assert "| **lstm-quadratic** | not tuned |" in text and "`the command`" in text
    assert "experiments.paper.train --only=lstm-quadratic-uniform" in text or (
        "**lstm-quadratic-uniform**" in text
    )
    assert str(tmp_path) not in text
    for kind in ("gaussian", "uniform"):
        assert (tmp_path / "out" / f"quadratic-{kind}.png").stat().st_size > 10_000
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "pieces").glob("quadratic-*.json")}
    run.make(experiment, ["quadratics"], "the command")
    assert files == {p: p.stat().st_mtime_ns for p in files} and len(files) == 2
    texts = json.loads((tmp_path / "out" / run.TEXTS).read_text())
    assert set(texts) == {"quadratics"}


@pytest.mark.parametrize("name", meta_rates.SEARCHES)
def test_every_search_is_one_that_l2l_search_takes(name):
    arguments = meta_rates.SEARCHES[name].arguments(3, 40)
    command_line.parse("l2l-search", search.FLAGS, list(arguments))
    assert search.FLAGS.draws == 3 and search.FLAGS.patience == 4
    assert search.FLAGS.min_rate < search.FLAGS.max_rate
    for text in search.FLAGS.task:
        assert tasks.get(text)


def test_the_draw_is_chosen_by_validation_and_ranked_by_the_reported_loss():
    def row(rate, score, loss):
        return {"meta_learning_rate": rate, "score": score, "loss": loss, "skipped": "0"} | {
            "best_meta_step": "1",
            "meta_steps": "2",
        }

    rows = [row("0.1", "-1.0", 0.3), row("0.01", "-2.0", 0.2), row("1", "inf", None)]
    rows.append(row("0.02", "-1.5", 0.1))
    assert meta_rates.chosen(rows) is rows[1]
    assert "number 2 of 4" in meta_rates.said(rows) and "best 0.1" in meta_rates.said(rows)
    lines = meta_rates.table(rows).splitlines()
    assert lines[2].startswith("| **0.01** | -2.000 | 1 of 2 |") and "| – |" in lines[-1]


@pytest.mark.slow
def test_a_quick_search_is_reported_with_its_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(meta_rates, "SEARCHES", {"quadratics": meta_rates.SEARCHES["quadratics"]})
    experiment = Experiment(QUICK, Pieces(tmp_path / "pieces"), tmp_path / "out", tmp_path / "runs")
    experiment.output.mkdir()
    text = meta_rates.run(experiment)
    assert text.count("| **") == 1 and "of 2 on the reported seeds" in text
    assert (tmp_path / "out" / "meta-rates.png").stat().st_size > 10_000
    assert len((tmp_path / "out" / "meta-rates.csv").read_text().splitlines()) == 3


def test_the_verdict_names_the_best_tuned_optimizer():
    def result(name, losses, learned):
        made = evaluation.Contestant("t", name, learned)
        return made, [
            evaluation.Record("t", name, None, s, 1, 1.0, loss, loss, None, None, None)
            for s, loss in enumerate(losses)
        ]

    parts = [result("mine", [1.0, 2.0, 3.0], True), result("a", [4.0] * 3, False)]
    parts.append(result("b", [5.0] * 3, False))
    results = evaluation.Results({}, [p[0] for p in parts], [r for p in parts for r in p[1]])
    said = tables.verdict(results, "mine")
    assert "ahead" in said and "0.50 times" in said and "of a," in said and "agrees" in said
    assert tables.verdict(results, "nobody") == ""

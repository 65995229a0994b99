"""The appendix's experiments: their measures and their problems."""

import json
import pathlib

import numpy as np
import pytest

from experiments import commands
from experiments.appendix import compare, networks, problems, train
from experiments.estimators import bias_variance
from experiments.general_default import final_losses
from l2l_tf import presets, rules, tasks
from l2l_tf.evaluation.problem import Problem


@pytest.mark.parametrize("problem", [problems.PROBLEMS[1], "logistic_regression"])
def test_scipys_problems_are_the_tasks_in_float64(problem):
    task, seed = tasks.get(problem), tasks.as_seed(5)
    ((start, loss, gradient),) = problems.instances(problem, seed, 1)
    params, state = task.init_tasks(tasks.fold_in(seed, 0), 1)
    batch = task.full_batch("train")
    expected = float(task.loss([p[0] for p in params], [s[0] for s in state], batch)[0])
    np.testing.assert_allclose(loss(start), expected, rtol=1e-5)
    direction = np.random.default_rng(0).normal(size=start.shape)
    slope = (loss(start + 1e-6 * direction) - loss(start - 1e-6 * direction)) / 2e-6
    np.testing.assert_allclose(gradient(start) @ direction, slope, rtol=1e-6)


def test_curves_begin_with_the_loss_before_the_first_step():
    problem = problems.PROBLEMS[1]
    losses = problems.losses_of(rules.SGD(0.0), problem, 3, 2, 4)
    assert losses.shape == (5, 2)
    np.testing.assert_allclose(losses, np.repeat(losses[:1], 5, axis=0), rtol=1e-5)


def test_steps_to_the_target_are_a_median_over_instances():
    losses = np.array([[1.0, 1.0, 1.0], [1e-7, 0.5, 0.5], [1e-7, 1e-7, 0.5]])
    assert compare.steps_to(losses, 0.0) == 2.0
    assert compare.steps_to(losses[:, 1:], 0.0) is None
    np.testing.assert_allclose(compare.excess(losses, 0.5), [0.5, 0.0, 0.0])


def test_the_line_searchs_gradient_evaluations_are_counted():
    found = problems.with_line_search("BFGS", problems.PROBLEMS[1], 3, 2, 20, repeats=2)
    losses, used, seconds = found
    assert losses.shape == used.shape == seconds.shape == (21, 2)
    assert (losses[-1] < 1e-2 * losses[0]).all() and (used[-1] >= 20).all()
    assert (np.diff(used, axis=0) >= 0).all() and (np.diff(seconds, axis=0) >= 0).all()


def test_a_line_search_that_ends_early_keeps_its_last_values():
    found = problems.with_line_search("L-BFGS-B", problems.PROBLEMS[0], 3, 1, 60, repeats=1)
    for values in found:
        assert values.shape == (61, 1) and len(np.unique(values)) < 60


def test_a_baselines_rate_is_sought_beyond_the_grid_for_each_length_by_itself(monkeypatch):
    def losses(rate, problem, seed, count, steps):
        if rate > 500:
            return np.full((steps + 1, count), np.nan)
        best = np.linspace(2.0, -5.0, steps + 1)  # The best rate is 10^best at each step.
        return np.repeat(np.abs(np.log10(rate) - best)[:, None], count, axis=1)

    monkeypatch.setattr(compare, "losses_of", losses)
    rates = compare.tuned(lambda rate: rate, None, 3, (0, 4, 14))
    assert rates == [100.0, 1.0, 1e-5]


def test_tables_plots_and_json_of_a_comparison(tmp_path):
    at, bowl = compare.recorded(115), problems.PROBLEMS[1]
    assert at[:21] == list(range(21)) and at[-1] == 115 and set(compare.COLUMNS) < set(at)
    row = {"excess": compare._digits(1.0 / (1.0 + np.array(at))), "seconds_per_step": 0.002}
    diverged = {**row, "excess": [None] * len(at), "steps_to_target": None, "rates": [0.1, 1.0]}
    searched = {**row, "steps_to_target": 3.0, "evaluations_to_target": 5.0}
    rows = {"ntm_bfgs": {**row, "steps_to_target": 4.0}, "adam": diverged, "scipy BFGS": searched}
    lines = compare.table(bowl, rows, at).splitlines()
    assert lines[-3] == "| ntm_bfgs | 0.091 | 0.048 | 0.02 | 0.0099 | 4 | 4 | 2 |"
    assert lines[-2] == "| adam (0.1, 1) | ∞ | ∞ | ∞ | ∞ | – | – | 2 |"
    assert lines[-1] == "| scipy BFGS | 0.091 | 0.048 | 0.02 | 0.0099 | 3 | 5 | 2 |"
    results, errors = {bowl: rows}, {bowl: {"ntm_bfgs": [1.0, 0.5, 2.0]}}
    text = compare.tables("about it", at, results, errors)
    for line in ("|  | 10, 100 |", "| ntm_bfgs | 4 (1.33) |", "| adam | – |"):
        assert line in text.split("###")[1].splitlines()
    assert "| ntm_bfgs | 0.5 to 2 |" in text.splitlines()
    data = json.loads(compare.to_text("about it", at, results, errors))
    assert data["problems"] == results and data["inverse_errors"] == errors
    compare.plot(results, at, tmp_path, "about it")
    compare.plot_inverse(errors, tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == 4


def test_every_rule_of_the_experiment_exists():
    for text in train.RULES.values():
        assert rules.from_text(text).meta_params
    assert set(train.RULES) < set(compare.STYLES)


def test_every_training_on_networks_exists_and_starts_from_one_that_does():
    for name, arguments in train.NETWORKS.items():
        line = commands.l2l_train(arguments, pathlib.Path("runs"), pathlib.Path("runs") / name)
        given = dict(a.removeprefix("--").split("=", 1) for a in line if "=" in a)
        assert tasks.get(given["task"]) and given["output_dir"] == f"runs/{name}"
        assert "rule" not in given or rules.from_text(given["rule"]).meta_params
        start = given.get("start_from", "runs/gac-imitation/preset").split("/")
        assert start[0] in presets.list_presets() or start[1] in train.NETWORKS


def test_scipys_line_search_on_a_network_counts_batches_and_lowers_the_loss():
    problem = Problem(tasks.get("digits_mlp"))
    path = networks.with_line_search(problem, 0, 10)
    rows = problem.task.full_batch("train")[0].shape[0]
    assert len(path.losses) == len(path.evaluations) == len(path.seconds) == 11
    assert path.losses[-1] < 0.5 * path.losses[0] and 0 < path.held_out["accuracy"] <= 1
    whole = np.array(path.evaluations) / (rows / networks.BATCH)
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-6)
    assert (np.diff(path.evaluations) > 0).all() and (np.diff(path.seconds) > 0).all()
    assert networks.at_budget(path, path.evaluations[3]) == path.losses[3]
    assert networks.at_budget(path, 1) is None


def test_the_inverse_error_of_an_empty_memory_is_one():
    rule = rules.NTMBFGS(controller="secant_lstm", read="same_step", hidden_size=4)
    errors = compare.inverse_error(rule, problems.PROBLEMS[1], 2)
    np.testing.assert_allclose(errors[0], 1.0, rtol=1e-5)


def test_the_toys_exact_meta_gradient_is_that_of_finite_differences_and_of_whole_bptt():
    assert bias_variance.exact() == pytest.approx(bias_variance.finite_difference(), rel=1e-6)
    whole = bias_variance.estimates("BPTT", bias_variance.STEPS, 1)
    assert whole[0] == pytest.approx(bias_variance.exact(), rel=1e-4)
    # Cut into pieces it is short-sighted: too small by far.
    cut = bias_variance.estimates("BPTT", 5, 1)
    assert abs(cut[0]) < 0.6 * abs(bias_variance.exact())


def test_final_losses_compare_rules_with_the_best_adam(monkeypatch):
    monkeypatch.setattr(final_losses, "RATES", [1e-3, 0.1])
    text = "conditioned_quadratic(dimension=4,condition=10)"
    adam, rate = final_losses.best_adam(text, 40)
    assert rate == 0.1
    own = final_losses.runner(rules.Adam(learning_rate=0.1), text, 40)
    assert final_losses.final_log_loss(own().numpy()) == pytest.approx(adam, abs=1e-4)
    scheduled = [
        final_losses.runner(rules.get("mixture"), text, 40, told)().numpy()
        for told in (True, False)
    ]
    assert not np.allclose(*scheduled)


def test_a_final_loss_that_is_not_finite_counts_as_ten_times_the_first():
    losses = np.array([[2.0, 2.0]] * 40, "float32")
    losses[-5:] = np.float32([1.0, np.nan])
    assert final_losses.final_log_loss(losses) == pytest.approx(np.log(20.0) / 2)

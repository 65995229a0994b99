"""The suite's arithmetic, on results made by hand."""

import math

import numpy as np
import pytest

from l2l_tf.evaluation import Contestant, Record, Results
from l2l_tf.evaluation.curves import NOT_REACHED, anytime, geometric_mean, time_to_target
from l2l_tf.evaluation.suite.standings import (
    REFERENCE,
    accuracy_margin,
    diverged,
    interquartile_mean,
    ranked,
    speed_up,
    task_standings,
)


def results_of(curves, held_out=None, accuracies=None, rows=100):
    """Results from dict task → dict optimizer → list of curves (one per seed) of train losses."""
    contestants, records = [], []
    for task, by_name in curves.items():
        for name, runs in by_name.items():
            contestants.append(Contestant(task, name, name.startswith("learned")))
            for seed, losses in enumerate(runs):
                for index, loss in enumerate(losses):
                    outside = (held_out or {}).get((task, name), losses)
                    outside = outside if np.isscalar(outside) else outside[index]
                    records.append(
                        Record(
                            task=task,
                            optimizer=name,
                            learning_rate=None,
                            seed=seed,
                            step=10 * index,
                            seconds=0.5 * index,
                            batch_loss=None,
                            train_loss=loss,
                            held_out_loss=outside,
                            train_accuracy=None,
                            held_out_accuracy=(accuracies or {}).get((name, seed)),
                        )
                    )
    described = {task: {"kind": "", "steps": 40, "held_out_rows": rows} for task in curves}
    return Results({"tasks": described, "seeds": 1}, contestants, records)


ADAM = [[4.0, 3.0, 2.0, 1.5, 1.0]]


def by_name(results):
    return {standing.optimizer: standing for standing in ranked(results).overall}


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end():
    assert interquartile_mean([100.0, 2.0, 4.0, -50.0]) == 3.0
    assert interquartile_mean([0, 0, 1, 2, 3, 4, 99, 99]) == 2.5
    assert interquartile_mean([1.0, 2.0, 9.0]) == 4.0


def test_the_speed_up_counts_to_the_first_record_at_or_below_the_target():
    steps = [0, 25, 50, 75, 100]
    assert speed_up(steps, [9, 8, 2, 3, 1], 2) == 2.0
    assert speed_up(steps, [9, 8, 7, 6, 5], 2) == 0.0
    # The start does not count, not even where it is low already.
    assert speed_up(steps, [1, 1, 1, 1, 1], 2) == 4.0
    assert speed_up(steps, [9, math.inf, math.inf, math.inf, math.inf], 2) == 0.0


def test_tuned_adam_is_exactly_as_fast_as_itself():
    found = by_name(results_of({"a": {"adam": ADAM}, "b": {"adam": ADAM}}))["adam"]
    assert found.speed_up == found.loss_ratio == found.worst_ratio == 1.0
    assert found.won == {} and found.accuracy_worse == []


def test_the_median_over_seeds_decides():
    learned = [[4.0, 1.0, 1.0, 1.0, 0.5], [4.0, 3.0, 3.0, 3.0, 3.0], [4.0, 3.0, 1.0, 0.9, 0.8]]
    (found,) = [
        row
        for row in task_standings(results_of({"a": {"adam": 3 * ADAM, "learned": learned}}))
        if row.optimizer == "learned"
    ]
    assert found.train_loss == 0.8 and found.speed_up == 2.0


def test_tasks_are_won_by_the_lower_final_train_loss():
    low, high = [[4.0, 1.0, 1.0, 1.0, 0.1]], [[4.0, 3.0, 3.0, 3.0, 3.0]]
    curves = {t: {"adam": ADAM, "learned": low} for t in "abc"}
    curves["d"] = {"adam": ADAM, "learned": high}
    found = by_name(results_of(curves))
    assert found["learned"].won == {"adam": 0.75} and found["adam"].won == {"learned": 0.25}
    assert found["learned"].worst_ratio == pytest.approx(3.0)
    assert found["learned"].loss_ratio == pytest.approx((0.1**3 * 3) ** 0.25)


def test_runs_that_end_above_their_start_or_break_off_diverged():
    results = results_of({"a": {"adam": [[1.0, 0.5], [1.0, 1.1], [1.0, math.inf], [1.0, 9.0]]}})
    assert diverged(results.runs("a", "adam").values()) == 3
    best = results_of({"a": {"adam": [[1.0, 9.0, 0.9]]}})
    assert diverged(best.runs("a", "adam").values()) == 0


def test_the_best_held_out_loss_is_taken_along_the_run():
    results = results_of(
        {"a": {"adam": ADAM, "learned": ADAM}},
        held_out={("a", "adam"): [9, 5, 2, 2, 2], ("a", "learned"): [9, 1, 3, 4, 8]},
    )
    found = by_name(results)["learned"]
    assert found.held_out_ratio == 4.0 and found.best_held_out_ratio == 0.5


def test_the_accuracy_margin_is_a_point_or_two_standard_errors():
    assert accuracy_margin([1.0, 1.0], [1.0, 1.0], 1000) == 0.01
    rows_alone = accuracy_margin([0.5, 0.5], [0.5, 0.5], 100)
    assert rows_alone == pytest.approx(2 * math.sqrt(2 * 0.25 / 100))
    seeds_too = accuracy_margin([0.4, 0.6], [0.5, 0.5], 100)
    assert seeds_too == pytest.approx(2 * math.sqrt(2 * 0.25 / 100 + 0.02 / 2))


@pytest.mark.parametrize("learned, worse", [(0.80, ["a"]), (0.89, [])])
def test_accuracy_is_worse_only_beyond_the_margin(learned, worse):
    accuracies = {("adam", 0): 0.9, ("learned", 0): learned}
    results = results_of({"a": {"adam": ADAM, "learned": ADAM}}, None, accuracies, rows=1000)
    assert by_name(results)["learned"].accuracy_worse == worse


def test_a_loss_of_zero_is_a_win_and_not_an_error():
    zero = [[4.0, 2.0, 0.0, 0.0, 0.0]]
    found = by_name(results_of({"a": {"adam": ADAM, "learned": zero}}))["learned"]
    assert found.speed_up == 2.0 and found.won == {"adam": 1.0}
    assert 0 <= found.loss_ratio < 1e-20 and REFERENCE == "adam"


STEPS = [0, 10, 50, 100]


def test_curves_are_compared_from_a_tenth_of_the_run_on():
    adam = [9.0, 4.0, 2.0, 1.0]
    assert anytime(STEPS, adam, adam) == 0.0
    assert anytime(STEPS, [9.0, 8.0, 4.0, 2.0], adam) == pytest.approx(math.log(2))
    # What was before a tenth of the run does not count.
    assert anytime(STEPS, [99.0, 4.0, 2.0, 1.0], adam) == 0.0
    assert anytime(STEPS, [9.0, 4.0, math.inf, math.inf], adam) == math.inf


def test_early_steps_count_as_their_logarithms_do():
    adam = [1.0, 1.0, 1.0, 1.0]
    early, late = [1.0, 0.5, 1.0, 1.0], [1.0, 1.0, 1.0, 0.5]
    assert anytime(STEPS, early, adam) < anytime(STEPS, late, adam) < 0
    # log-loss against log-steps, from 10 to 50: ∫ log ½ · (50 − s)/40 ds/s over log 10.
    share = (50 * math.log(5) - 40) / 40 / math.log(10)
    assert anytime(STEPS, early, adam) == pytest.approx(share * math.log(0.5), rel=0.03)


def test_the_time_to_a_target_is_interpolated_in_log_loss():
    assert time_to_target([0, 50, 100], [8.0, 4.0, 1.0], 2.0) == pytest.approx(100 / 75)
    assert time_to_target([0, 50, 100], [8.0, 4.0, 1.0], 1.0) == 1.0
    assert time_to_target([0, 50, 100], [8.0, 4.0, 1.0], 0.9) is None
    assert time_to_target([0, 50, 100], [math.inf] * 3, 2.0) is None
    # A start that is low enough is no step.
    assert time_to_target([0, 50, 100], [1.0, 1.0, 1.0], 2.0) == 2.0


def test_the_better_of_the_two_tuned_ones_is_the_measure():
    flat = [[4.0, 4.0, 4.0, 4.0, 4.0]]
    fast, slow = [[4.0, 2.0, 1.0, 0.5, 0.25]], [[4.0, 3.0, 3.0, 2.5, 2.0]]
    curves = {
        "a": {"adam": ADAM, "adamw_cosine": slow, "adam_default": flat, "learned": fast},
        "b": {"adam": slow, "adamw_cosine": ADAM, "adam_default": ADAM, "learned": slow},
    }
    found = by_name(results_of(curves))
    best = found["learned"].against_best
    assert best.share == 0.5 and best.reached == 0.5
    # Task a: from 4 to 2 in 10 of 40 steps; b: never at 1.
    assert best.speed_up == pytest.approx(geometric_mean([4.0, NOT_REACHED]))
    assert best.held_out_ratio == pytest.approx((0.25 + 2.0) / 2)
    assert found["learned"].no_worse == 0.5 and found["adam_default"].no_worse == 1.0
    assert found["adamw_cosine"].against_best.reached == 1.0
    assert found["learned"].anytime < 0 and found["learned"].anytime_ahead == 0.5
    assert found["adam"].anytime == 0.0 == found["adam"].anytime_ahead
    alone = by_name(results_of({"a": {"adam": ADAM, "learned": fast}}))["learned"]
    assert alone.against_best is None and alone.no_worse is None


def test_two_hundredths_above_untuned_adam_is_no_worse():
    for end, share in ((1.019, 1.0), (1.021, 0.0)):
        learned = [[*ADAM[0][:-1], end * ADAM[0][-1]]]
        curves = {"a": {"adam": ADAM, "adam_default": ADAM, "learned": learned}}
        assert by_name(results_of(curves))["learned"].no_worse == share

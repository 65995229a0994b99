"""When a dearer step pays back, from recorded curves."""

import math

import pytest

from l2l_tf.evaluation import Contestant, Record, Results, tables
from l2l_tf.evaluation.cost import over_tasks
from l2l_tf.evaluation.curves import ahead_from, step_at_target


def runs(task, optimizer, losses, milliseconds):
    return [
        Record(
            task=task,
            optimizer=optimizer,
            learning_rate=None,
            seed=0,
            step=10 * i,
            seconds=10 * i * milliseconds / 1e3,
            batch_loss=None,
            train_loss=loss,
            held_out_loss=None,
            train_accuracy=None,
            held_out_accuracy=None,
        )
        for i, loss in enumerate(losses)
    ]


def results(**optimizers):
    """Results on one task: name → (losses every ten steps, milliseconds per step)."""
    return Results(
        {},
        [Contestant("net", name, name == "learned") for name in optimizers],
        [r for name, (losses, ms) in optimizers.items() for r in runs("net", name, losses, ms)],
    )


@pytest.fixture
def found():
    return results(
        adam=([4.0, 2.0, 1.0, 0.5, 0.25], 10.0),
        learned=([4.0, 1.0, 0.25, 0.1, 0.05], 15.0),
        dear=([4.0, 1.0, 0.25, 0.1, 0.05], 30.0),
        sgd=([4.0, 3.5, 3.0, 2.5, 2.0], 5.0),
        broken=([4.0, 9.0, math.inf, math.inf, math.inf], 10.0),
    )


def test_steps_and_seconds_to_tuned_adams_final_loss(found):
    rows = {row.optimizer: row for row in found.cost()}
    learned = rows["learned"]
    assert learned.seconds_per_step == pytest.approx(0.015)
    assert learned.break_even == pytest.approx(1.5)
    assert (learned.steps, learned.seconds) == (20.0, pytest.approx(0.3))
    assert learned.speed_up == pytest.approx(2.0)
    assert learned.speed_up_in_seconds == pytest.approx(2.0 / 1.5)
    assert rows["adam"].speed_up == rows["adam"].speed_up_in_seconds == pytest.approx(1.0)


def test_what_is_quicker_in_steps_may_be_slower_in_seconds(found):
    rows = found.cost()
    assert [row.optimizer for row in rows][:3] == ["learned", "adam", "dear"]
    dear = rows[2]
    assert dear.speed_up == pytest.approx(2.0)
    assert dear.break_even == pytest.approx(3.0) and dear.speed_up_in_seconds < 1
    assert dear.ahead_from is None


def test_what_never_gets_there_has_no_time(found):
    rows = {row.optimizer: row for row in found.cost("net")}
    for name in ("sgd", "broken"):
        row = rows[name]
        assert row.steps is row.seconds is row.speed_up is row.speed_up_in_seconds is None
        assert row.break_even > 0 and row.ahead_from is None


def test_between_records_steps_and_seconds_are_interpolated():
    rows = results(adam=([4.0, 2.0, 1.0], 10.0), other=([4.0, 0.25], 20.0)).cost()
    row = next(row for row in rows if row.optimizer == "other")
    # From 4 to 1 is half the way from 4 to 0.25, in logarithms.
    assert row.steps == pytest.approx(5.0) and row.seconds == pytest.approx(0.1)
    assert row.speed_up == pytest.approx(4.0) and row.speed_up_in_seconds == pytest.approx(2.0)


def test_the_second_from_which_on_it_is_ahead():
    # Behind at first, for it takes longer over its steps, and ahead from 2 s on.
    assert ahead_from([0, 2, 4], [4, 1, 0.1], [0, 1, 2, 3, 4], [4, 1.9, 1.2, 1.1, 1]) == 2.0
    assert ahead_from([0, 1], [4, 1], [0, 1], [4, 2]) == 0.0
    assert ahead_from([0, 1], [4, 3], [0, 1], [4, 2]) is None
    assert step_at_target([0, 10], [4.0, 1.0], 2.0) == pytest.approx(5.0)
    assert step_at_target([0, 10], [4.0, 3.0], 2.0) is None


def test_without_tuned_adam_there_is_nothing_to_compare_with():
    with pytest.raises(ValueError, match=r"Received: \['sgd'\] on net"):
        results(sgd=([2.0, 1.0], 1.0)).cost()


def test_the_table_has_a_row_for_each_and_a_dash_for_never(found):
    head, rows, title = tables.cost_cells(found.cost())
    assert title.startswith("net") and len(head) == len(rows[0])
    cells = {row[0]: row[1:] for row in rows}
    assert cells["learned"] == ["15,000", "1.50", "20", "0.3", "2", "1.33", "0"]
    assert cells["sgd"][2:] == ["–"] * 5


def test_over_tasks_medians_count(found):
    head, rows = over_tasks([*found.cost(), *found.cost()])
    cells = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert rows[0][0] == "learned" and cells["learned"]["quicker on"] == "2 of 2"
    assert cells["learned"]["× Adam's = break-even"] == "1.50"
    assert cells["sgd"]["in seconds"] == "0.00" and cells["sgd"]["quicker on"] == "0 of 2"

"""Meta-gradients at some unrolls only."""

import numpy as np
import pytest

from l2l_tf import meta
from l2l_tf.meta import refresh


def make(**changes):
    return meta.Trainer(
        "rnnprop(hidden_size=2,layers=1)",
        ["quadratic(dimension=2)"],
        "bptt(unroll=2,num_tasks=2)",
        trajectories=(20,),
        meta_steps=40,
        num_validation_tasks=2,
        jit_compile=False,
        **changes,
    )


def learned(settings, losses):
    """Whether each unroll of a run learns, of the losses at its ends."""
    run, seen = {"waited": 0, "stuck": False}, []
    for number, (first, last) in enumerate(losses):
        seen.append(refresh.due(settings, number, run))
        run = refresh.noted({"first_loss": first, "last_loss": last}, run, seen[-1])
    return np.flatnonzero(seen).tolist()


def test_gaps_grow_up_to_the_longest():
    settings = meta.Settings(refresh="growing", refresh_gap=5)
    assert learned(settings, [(1.0, 0.5)] * 16) == [0, 1, 3, 7, 12, 15]
    assert learned(meta.Settings(), [(1.0, 0.5)] * 3) == [0, 1, 2]


def test_a_plateau_is_learned_from_at_the_next_unroll():
    settings = meta.Settings(refresh="plateau", refresh_gap=100)
    losses = [(1.0, 0.5), (0.5, 0.49), (0.49, 0.2), (0.2, 0.3), (0.3, float("nan"))]
    assert learned(settings, losses) == [2, 4]


def test_an_unroll_without_a_meta_gradient_trains_the_optimizees_alone():
    trainer, always = make(refresh="growing"), make()
    for number in range(3):
        before = [v.numpy() for v in trainer.variables.values()]
        summaries = trainer.step()
        assert summaries["refreshed"] == float(number != 2)
        if number < 2:
            always.step()
    after = [v.numpy() for v in trainer.variables.values()]
    for a, b, other in zip(before, after, always.variables.values(), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(b, other)
    assert trainer.runs[0]["start"] == 6
    # What the others did is the same, whether they learned from it or not.
    always.step()
    for one, other in zip(
        trainer.runs[0]["carried"].params, always.runs[0]["carried"].params, strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("estimator", ["es(unroll=2,num_tasks=2)", "reinforce(unroll=2)"])
@pytest.mark.quick("es(unroll=2,num_tasks=2)")
def test_estimators_without_a_cheaper_way_do_without_what_they_found(estimator):
    trainer = meta.Trainer(
        "rnnprop(hidden_size=2,layers=1)",
        ["quadratic(dimension=2)"],
        estimator,
        trajectories=(20,),
        refresh="plateau",
        refresh_gap=100,
        num_validation_tasks=1,
        jit_compile=False,
    )
    before = [v.numpy() for v in trainer.variables.values()]
    assert trainer.step()["refreshed"] == 0.0
    for value, now in zip(before, trainer.variables.values(), strict=True):
        np.testing.assert_array_equal(value, now)


def test_a_run_that_is_resumed_waits_as_long(tmp_path):
    whole, first, second = (make(refresh="growing", refresh_gap=4) for _ in range(3))
    for _ in range(9):
        whole.step()
    for _ in range(6):
        first.step()
    first.save(tmp_path)
    assert second.restore(tmp_path)
    for _ in range(3):
        second.step()
    for one, other in zip(whole.variables.values(), second.variables.values(), strict=True):
        np.testing.assert_array_equal(one, other)

"""The LSTM with global averaging cells."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from l2l_tf import rules
from l2l_tf.rules import packing

SMALL = {"hidden_size": 4, "layers": 2, "seed": 2}


def run(rule, rows, sizes, dtype="float32"):
    """Updates of the last step over variables of the given sizes, joined."""
    x = [np.zeros(s, dtype) for s in sizes]
    state = rule.init(x)
    for step, row in enumerate(rows):
        g = np.split(row.astype(dtype), np.cumsum(sizes)[:-1])
        updates, state = rule.update(g, state, x, rules.Context(step))
    return np.concatenate([np.asarray(u) for u in updates])


def rows(count=12, steps=4):
    return np.random.default_rng(0).normal(size=(steps, count))


def test_without_averaging_cells_it_is_the_rule_lstm():
    gac, lstm = rules.GACLSTM(averaging_cells=0, **SMALL), rules.LSTM(**SMALL)
    assert set(gac.meta_params) == set(lstm.meta_params)
    np.testing.assert_array_equal(run(gac, rows(), [12]), run(lstm, rows(), [12]))


def test_with_them_a_coordinate_hears_of_the_others():
    loud = rows()
    loud[:, -1] = 50.0
    for cells, hears in ((0, False), (1, True)):
        rule = rules.GACLSTM(averaging_cells=cells, **SMALL)
        difference = np.abs(run(rule, loud, [12]) - run(rule, rows(), [12]))[:-1]
        assert (difference.max() > 1e-5) == hears


def test_averages_are_over_all_variables_or_over_each():
    together = rules.GACLSTM(**SMALL)
    apart = rules.GACLSTM(average_over="variable", **SMALL)
    np.testing.assert_allclose(
        run(together, rows(), [5, 7]), run(together, rows(), [12]), rtol=1e-4, atol=1e-7
    )
    alone = np.concatenate([run(apart, rows()[:, :5], [5]), run(apart, rows()[:, 5:], [7])])
    np.testing.assert_allclose(run(apart, rows(), [5, 7]), alone, rtol=1e-5, atol=1e-7)
    assert np.abs(alone - run(together, rows(), [5, 7])).max() > 1e-6


def test_evaluation_in_chunks_changes_nothing(monkeypatch):
    rule, sizes = rules.GACLSTM(**SMALL), [3, 2, 7]
    whole = run(rule, rows(), sizes, "float64")
    assert len(rule.groups([np.zeros(s) for s in sizes])) == 1
    monkeypatch.setattr(packing, "PACKED_STATE_BYTES", 1)
    assert len(rule.groups([np.zeros(s) for s in sizes])) == 3
    received = run(rule, rows(), sizes, "float64")
    assert np.linalg.norm(received - whole) <= 1e-12 * np.linalg.norm(whole)


def test_variables_of_two_dtypes_average_together():
    rule = rules.GACLSTM(**SMALL)
    x = [np.zeros(3, "float64"), np.zeros(2, "float32")]
    g = [np.ones(3, "float64"), np.full(2, 2.0, "float32")]
    updates, state = rule.update(g, rule.init(x), x, rules.Context())
    assert [u.dtype.name for u in updates] == ["float64", "float32"]
    flat = run(rule, np.array([[1, 1, 1, 2, 2.0]]), [5])
    received = np.concatenate([np.asarray(u, "float64") for u in updates])
    np.testing.assert_allclose(received, flat, rtol=1e-4)
    hidden = [s["lstm_0_hidden"][0] for s in state.variables]
    np.testing.assert_allclose(hidden[0][0], hidden[1][0], rtol=1e-6)


@pytest.mark.slow
def test_replicas_of_a_mirrored_strategy_equal_one_device():
    # A process of its own: logical devices are chosen before TensorFlow starts.
    script = pathlib.Path(__file__).parents[2] / "helpers" / "mirrored_replicas.py"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.split() == ["gac_lstm", "ntm_bfgs", "ntm_lbfgs"]


def test_arguments_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match="Received: average_over='layer'"):
        rules.GACLSTM(average_over="layer")
    with pytest.raises(ValueError, match="Received: 5"):
        rules.GACLSTM(hidden_size=4, averaging_cells=5)
    for controller in ("bfgs", "memoryless_bfgs", "secant_lstm"):
        match = f"{controller}.*needs a memory.*Received: controller='{controller}'"
        with pytest.raises(ValueError, match=match):
            rules.GACLSTM(controller=controller)

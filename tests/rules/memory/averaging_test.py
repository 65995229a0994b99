"""Global averaging cells against plain NumPy."""

import re

import numpy as np
import pytest

from l2l_tf import cells
from l2l_tf.rules.memory import averaging

HIDDEN, LAYERS = 4, 2


def drive(evaluation, count):
    return averaging.in_lockstep([evaluation], [count])[0]


def network(seed=0, inputs=2):
    generator = np.random.default_rng(seed)
    params = {}
    for layer in range(LAYERS):
        width = inputs if layer == 0 else HIDDEN
        for key, value in cells.lstm_meta_params(generator, width, HIDDEN).items():
            params[f"lstm_{layer}_{key}"] = value
    return params


def state(count, seed=1):
    generator = np.random.default_rng(seed)
    return {
        f"lstm_{layer}_{kind}": generator.normal(size=(HIDDEN, count)).astype("float32")
        for layer in range(LAYERS)
        for kind in ("hidden", "cell")
    }


def features(count, seed=2):
    return np.random.default_rng(seed).normal(size=(2, count)).astype("float32")


def step(x, slots, averaged):
    evaluation = averaging.averaging_lstm_step(x, slots, network(), LAYERS, averaged)
    return drive(evaluation, x.shape[1])


def test_gac_emits_the_mean_over_coordinates_and_keeps_its_cells_apart():
    x, slots = features(5), state(5)
    params = network()
    hidden, cell = slots["lstm_0_hidden"], slots["lstm_0_cell"]
    h0, c0 = cells.lstm_step(x, hidden, cell, params["lstm_0_kernel"], params["lstm_0_bias"])
    expected = np.array(h0)
    expected[[1, 3]] = expected[[1, 3]].mean(axis=1, keepdims=True)
    output, new = step(x, slots, [[1, 3], []])
    np.testing.assert_allclose(new["lstm_0_hidden"], expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(new["lstm_0_cell"], c0, rtol=1e-6)
    h1, _ = cells.lstm_step(
        expected,
        slots["lstm_1_hidden"],
        slots["lstm_1_cell"],
        params["lstm_1_kernel"],
        params["lstm_1_bias"],
    )
    np.testing.assert_allclose(output, h1, rtol=1e-5, atol=1e-6)


def test_without_averaged_cells_it_is_the_plain_stacked_lstm():
    x, slots = features(5), state(5)
    plain, plain_state = cells.stacked_lstm_step(x, slots, network(), LAYERS)
    output, new = step(x, slots, [[], []])
    np.testing.assert_array_equal(output, plain)
    for name, value in plain_state.items():
        np.testing.assert_array_equal(new[name], value)


@pytest.mark.parametrize("cuts", [[4], [1, 2, 9]])
def test_chunks_of_any_size_give_what_the_whole_gives(cuts):
    x, slots = features(12), state(12)
    averaged = [[0, 1], [2]]
    whole, _ = step(x, slots, averaged)
    evaluations, counts = [], []
    for part in np.split(np.arange(12), cuts):
        piece = {name: value[:, part] for name, value in slots.items()}
        evaluations.append(
            averaging.averaging_lstm_step(x[:, part], piece, network(), LAYERS, averaged)
        )
        counts.append(len(part))
    parts = [output for output, _ in averaging.in_lockstep(evaluations, counts)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-5, atol=1e-6)


def test_chunks_of_several_dtypes_average_in_the_widest():
    def evaluation(values):
        means = yield cells.linear(values[None], np.ones((1, 1), values.dtype), 0 * values[:1])
        return means

    values = [np.array([1e-9, 2.0]), np.array([1.0], "float32")]
    means = averaging.in_lockstep([evaluation(v) for v in values], [2, 1])
    assert [m.dtype.name for m in means] == ["float64", "float32"]
    np.testing.assert_allclose(means[0], (3 + 1e-9) / 3, rtol=1e-15)


def test_averaged_cells_are_numbers_or_indices_per_layer():
    assert averaging.averaged_cells(2, 2, 4) == [[0, 1], [0, 1]]
    assert averaging.averaged_cells([1, [3, 0, 3]], 2, 4) == [[0], [0, 3]]
    assert averaging.averaged_cells(np.int64(2), 1, 4) == [[0, 1]]
    assert averaging.averaged_cells(np.array([1, 0]), 2, 4) == [[0], []]
    assert averaging.averaged_cells([4, [np.int32(3)]], 2, 4) == [[0, 1, 2, 3], [3]]


@pytest.mark.parametrize(
    "wrong",
    [5, -1, 2.0, None, True, "12", [1], [1, -1], [1, 2.0], [1, None], [1, 5]]
    + [[[4], 0], [[-1], 0], [["a"], 0], [[0.0], 0], [[True], 0], [[[0]], 0]],
    ids=str,
)
def test_what_names_no_cells_is_refused(wrong):
    with pytest.raises(ValueError, match=re.escape(f"Received: {wrong!r}") + "$"):
        averaging.averaged_cells(wrong, 2, 4)


def test_evaluations_that_do_not_wait_for_each_other_are_an_error():
    def once():
        yield np.ones((1, 1), "float32")

    def twice():
        yield np.ones((1, 1), "float32")
        yield np.ones((1, 1), "float32")

    with pytest.raises(RuntimeError, match="equally often"):
        averaging.in_lockstep([once(), twice()], [1, 1])

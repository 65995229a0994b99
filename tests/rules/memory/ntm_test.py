"""NTM-BFGS and NTM-L-BFGS with their learned controller."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import assert_same, fit, make_model, weights

from l2l_tf import LearnedOptimizer, rules

SMALL = {"hidden_size": 4, "layers": 2, "averaging_cells": 1, "seed": 2}
MEMORY_RULES = [rules.NTMBFGS, rules.NTMLBFGS]


def gradients(count, steps, seed=0):
    return np.random.default_rng(seed).normal(size=(steps, count))


def updates_of(rule, rows, start=None):
    """The rule's update for each row of gradients; the variable follows the updates."""
    x = np.zeros(rows.shape[1]) if start is None else start
    state, received = rule.init([x]), []
    for step, row in enumerate(rows):
        (update,), state = rule.update([row], state, [x], rules.Context(step))
        received.append(np.asarray(update))
        x = x + received[-1]
    return np.stack(received), state


def with_memory(cls, **arguments):
    """A rule whose heads write enough to be seen."""
    rule = cls(**SMALL, **arguments)
    params = dict(rule.meta_params)
    for name in ("write_kernel", "query_kernel"):
        params[name] = 10 * params[name]
    return rule.bind(params)


@pytest.mark.parametrize("read", ["previous", "same_step"])
@pytest.mark.parametrize("update_from", ["controller", "read", "sum"])
@pytest.mark.quick("controller-previous", "sum-same_step")
def test_a_window_of_all_steps_equals_the_matrix(read, update_from):
    arguments = {"read": read, "update_from": update_from, "read_heads": 2}
    rows = gradients(8, 10)
    dense, _ = updates_of(with_memory(rules.NTMBFGS, **arguments), rows)
    window, _ = updates_of(with_memory(rules.NTMLBFGS, window=10, **arguments), rows)
    short, _ = updates_of(with_memory(rules.NTMLBFGS, window=2, **arguments), rows)
    np.testing.assert_allclose(window, dense, rtol=1e-12, atol=1e-14)
    assert np.abs(short - dense).max() > 1e-8


@pytest.mark.parametrize("cls", MEMORY_RULES)
@pytest.mark.parametrize("read", ["previous", "same_step"])
@pytest.mark.quick("same_step-NTMBFGS", "previous-NTMLBFGS")
def test_permuting_coordinates_permutes_updates(cls, read):
    rule = with_memory(cls, read=read, update_from="sum")
    rows, order = gradients(9, 6), np.random.default_rng(1).permutation(9)
    plain, _ = updates_of(rule, rows)
    permuted, _ = updates_of(rule, rows[:, order])
    np.testing.assert_allclose(permuted, plain[:, order], rtol=1e-10)


@pytest.mark.parametrize("cls", MEMORY_RULES)
def test_a_coordinate_hears_of_another_variable_through_the_memory(cls):
    # Without averaging cells nothing but the memory connects them.
    quiet = cls(**{**SMALL, "averaging_cells": 0}, update_from="read")
    rule = quiet.bind({k: 10 * v for k, v in quiet.meta_params.items()})
    x = [np.zeros(2), np.zeros(3)]
    received = []
    for loud in (1.0, 5.0):
        state = rule.init(x)
        for step in range(3):
            g = [np.full(2, 0.5), np.full(3, loud)]
            updates, state = rule.update(g, state, x, rules.Context(step))
        received.append(np.asarray(updates[0]))
    assert np.abs(received[0] - received[1]).max() > 1e-6


def test_the_read_is_the_last_steps_or_this_steps():
    rows = gradients(6, 3)
    previous, state = updates_of(with_memory(rules.NTMBFGS, read="previous"), rows)
    assert state.variables[0]["read"].shape == (1, 6)
    same, state = updates_of(with_memory(rules.NTMBFGS, read="same_step"), rows)
    assert "read" not in state.variables[0]
    assert np.abs(previous - same).max() > 1e-6


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_an_empty_memory_steps_by_the_learned_scale(scale):
    rule = rules.NTMBFGS(memory_scale=scale, update_from="read", output_scale=1.0, **SMALL)
    np.testing.assert_allclose(rule.meta_params["memory_log_scale"], np.log(scale), rtol=1e-6)
    x = np.zeros(5)
    (update,), state = rule.update([gradients(5, 1)[0]], rule.init([x]), [x], rules.Context())
    last = state.variables[0]["read"][0]
    np.testing.assert_allclose(update, -last, rtol=1e-12)
    doubled = rule.bind({**rule.meta_params, "memory_log_scale": np.float32(np.log(2 * scale))})
    (again,), _ = doubled.update([gradients(5, 1)[0]], rule.init([x]), [x], rules.Context())
    np.testing.assert_allclose(again, 2 * np.asarray(update), rtol=1e-6)


def test_a_matrix_that_is_too_large_is_refused_at_build():
    optimizer = LearnedOptimizer(rule=rules.NTMBFGS(max_coordinates=10, **SMALL))
    variables = [keras.Variable(np.zeros(8, "float32")), keras.Variable(np.zeros(4, "float32"))]
    with pytest.raises(ValueError, match="12 × 12.*GB.*ntm_lbfgs.*bytes per weight.*Received: 12"):
        optimizer.build(variables)
    LearnedOptimizer(rule=rules.NTMBFGS(max_coordinates=12, **SMALL)).build(variables)


@pytest.mark.parametrize("dtype, width", [("bfloat16", 2), ("float32", 4), ("float64", 8)])
def test_the_refusal_counts_bytes_of_the_states_dtype(dtype, width):
    # LSTM 16, touched 1, the last read 1, five steps of three pairs 30.
    per_weight, gigabytes = 48 * width, 100 * 48 * width / 1e9
    rule = rules.NTMBFGS(max_coordinates=10, **SMALL)
    with pytest.raises(ValueError, match=f" {per_weight} bytes per weight, {gigabytes:.3g} GB"):
        rule.init([np.zeros(100, "float32")], dtype)


@pytest.mark.parametrize("dtype, width", [("bfloat16", 2), ("float32", 4), ("float64", 8)])
def test_bytes_per_weight_are_the_bytes_of_the_state(dtype, width):
    for rule in (rules.NTMLBFGS(window=5, **SMALL), rules.NTMBFGS(**SMALL)):
        state = rule.init([np.zeros(40, "float32")], dtype)
        tensors = [*state.variables[0].values(), *state.shared.values()]
        held = sum(t.dtype.size * int(np.prod(t.shape)) for t in tensors if t.shape.rank)
        assert rule.bytes_per_weight(40, dtype) * 40 == held
        assert rule.bytes_per_weight(40) * width == rule.bytes_per_weight(40, dtype) * 4


@pytest.mark.parametrize("cls", MEMORY_RULES)
def test_accumulated_gradients_count_as_one_step_of_their_mean(cls):
    rule = with_memory(cls, update_from="sum")
    rows = gradients(5, 6).astype("float32")
    whole, halves = (keras.Variable(np.ones(5, "float32")) for _ in range(2))
    plain = LearnedOptimizer(rule=rule)
    accumulating = LearnedOptimizer(rule=rule, gradient_accumulation_steps=2)
    for first, second in rows.reshape(3, 2, 5):
        plain.apply([tf.constant((first + second) / 2)], [whole])
        for row in (first, second):
            accumulating.apply([tf.constant(row)], [halves])
    np.testing.assert_allclose(halves.numpy(), whole.numpy(), rtol=1e-5)


@pytest.mark.parametrize(
    "cls, arguments",
    [
        (rules.NTMBFGS, {"global_clipnorm": 0.1, "weight_decay": 0.01}),
        (
            rules.NTMLBFGS,
            {"use_ema": True, "ema_overwrite_frequency": 2, "gradient_accumulation_steps": 2},
        ),
    ],
)
@pytest.mark.quick("NTMLBFGS-arguments1")
def test_fit_under_jit_equals_fit_without(cls, arguments):
    models = [
        make_model(
            optimizer=LearnedOptimizer(rule=with_memory(cls, update_from="sum"), **arguments),
            jit_compile=jit,
        )
        for jit in (False, True)
    ]
    start = weights(models[0])
    for model in models:
        assert np.isfinite(fit(model)).all()
    assert np.abs(weights(models[0])[0] - start[0]).max() > 1e-4
    assert_same(weights(models[0]), weights(models[1]), rtol=1e-3, atol=1e-5)


def test_arguments_that_cannot_work_are_refused():
    for arguments in (
        {"read": "next"},
        {"update_from": "memory"},
        {"read_heads": 0},
        {"write_heads": 1.5},
        {"memory_scale": 0.0},
        {"window": 0},
        {"averaging_cells": [1]},
    ):
        with pytest.raises(ValueError, match="Received:"):
            rules.get("ntm_lbfgs", **arguments)
    with pytest.raises(ValueError, match="Received: max_coordinates=0"):
        rules.NTMBFGS(max_coordinates=0)

"""Celo, Celo-Adam and Celo2 against trajectories of their authors' code."""

import functools
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import LearnedOptimizer, rules
from l2l_tf.rules import chunks
from l2l_tf.rules.celo.published_weights import rule_from_published_weights

DATA = pathlib.Path(__file__).parents[2] / "data" / "celo"
KINDS = ("celo", "celo_adam", "celo2_base", "celo2")


@functools.cache
def golden(kind):
    with np.load(DATA / f"{kind}_golden.npz", allow_pickle=False) as arrays:
        return dict(arrays)


@functools.cache
def published(kind):
    if kind.startswith("celo2"):
        return rule_from_published_weights("celo2", golden(kind), orthogonalize=kind == "celo2")
    with np.load(DATA / f"{kind}_weights.npz", allow_pickle=False) as arrays:
        return rule_from_published_weights(kind, arrays)


def variables_at(kind, step):
    return [v for k, v in sorted(golden(kind).items()) if k.startswith(f"params_{step}_")]


def gradients_at(kind, step):
    return [v for k, v in sorted(golden(kind).items()) if k.startswith(f"grad_{step}_")]


def loss_at(kind, step):
    return golden(kind).get(f"loss_{step}", np.float32(1.0))


def horizon(kind):
    steps = golden(kind).get("num_steps")
    return None if steps is None else float(steps)


def learning_rate(kind):
    return float(golden(kind).get("learning_rate", 1.0))


def assert_parity(values, kind, step):
    for value, expected in zip(values, variables_at(kind, step), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.quick("celo_adam-False", "celo2-True")
def test_the_rule_follows_the_authors_trajectory(kind, jit):
    rule = published(kind)
    update = tf.function(rule.update, jit_compile=True, autograph=False) if jit else rule.update
    variables = variables_at(kind, 0)
    state = rule.init(variables)
    for step in range(int(golden(kind)["steps"])):
        total = np.float32(horizon(kind) or np.nan)
        context = rules.Context(tf.constant(step), tf.constant(loss_at(kind, step)), total)
        updates, state = update(gradients_at(kind, step), state, variables, context)
        variables = [
            v + learning_rate(kind) * np.asarray(u) for v, u in zip(variables, updates, strict=True)
        ]
        assert_parity(variables, kind, step + 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.quick("celo")
def test_the_optimizer_follows_the_authors_trajectory_in_a_manual_loop(kind):
    optimizer = LearnedOptimizer(
        learning_rate(kind), rule=published(kind), total_steps=horizon(kind)
    )
    variables = [keras.Variable(v) for v in variables_at(kind, 0)]
    for step in range(int(golden(kind)["steps"])):
        optimizer.scale_loss(tf.constant(loss_at(kind, step)))
        optimizer.apply([tf.constant(g) for g in gradients_at(kind, step)], variables)
        assert_parity([v.numpy() for v in variables], kind, step + 1)


def after_two_steps(rule, shapes):
    """Updates and state of a compiled step after another one."""
    generator = np.random.default_rng(0)
    variables = [tf.constant(generator.normal(size=s), tf.float32) for s in shapes]
    gradients = [generator.normal(size=s) for s in shapes]
    for gradient in gradients:
        gradient.flat[:3] = 0.0
    gradients = [tf.constant(g, tf.float32) for g in gradients]

    @tf.function(jit_compile=True, autograph=False)
    def step(state):
        context = rules.Context(tf.constant(0), tf.constant(1.0), tf.constant(100.0))
        return rule.update(gradients, state, variables, context)

    _, state = step(rule.init(variables))
    return tf.nest.flatten(step(state))


@pytest.mark.parametrize("kind", ["celo", "celo2_base", "celo2"])
def test_chunks_change_nothing(kind, monkeypatch):
    # Cut along the first, the second and the last axis, with and without a rest.
    shapes = [(61,), (13, 7), (3, 30), (2, 3, 5, 9)]
    rule = published(kind)
    whole = after_two_steps(rule, shapes)
    monkeypatch.setattr(chunks, "CHUNK", 16)
    chunked = after_two_steps(rule.for_steps(chunked=True), shapes)
    for expected, value in zip(whole, chunked, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["celo", "celo2_base"])
def test_a_large_variables_step_keeps_no_inputs(kind):
    rule, shape = published(kind).for_steps(chunked=True), (640, 512)
    names = rule.init([tf.zeros(shape)]).variables[0].items()
    slots, shared = {k: tf.Variable(v) for k, v in names}, rule.init([]).shared
    gradient = tf.ones(shape)

    @tf.function(jit_compile=True, autograph=False)
    def step(gradient):
        context = rules.Context(tf.constant(0), tf.constant(1.0), tf.constant(100.0))
        state = rules.RuleState([{k: tf.convert_to_tensor(v) for k, v in slots.items()}], shared)
        updates, state = rule.update([gradient], state, [gradient], context)
        for name, value in state.variables[0].items():
            slots[name].assign(value)
        return updates

    text = step.experimental_get_compiler_ir(gradient)(stage="optimized_hlo")
    assert "f32[3,640,512]" in text
    assert not [line for line in text.splitlines() if "copy(" in line and "[3,640,512]" in line]
    assert "f32[18,640,512]" not in text

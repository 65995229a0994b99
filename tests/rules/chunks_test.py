"""Programs that take steps alone: the same results, in chunks and computed as a whole."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import rules
from l2l_tf.rules import base, chunks, packing

COUNT = 61


@pytest.mark.parametrize(
    "state_dtype, view",
    [(None, chunks.VIEW), ("bfloat16", chunks.VIEW), ("bfloat16", None)],
    ids=["float32", "bfloat16", "bfloat16 in a Keras before 3.12"],
)
def test_chunks_change_nothing(state_dtype, view, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 16)
    monkeypatch.setattr(chunks, "VIEW", view)
    rule = rules.LSTM(hidden_size=4, layers=1, preprocess=None)
    generator = np.random.default_rng(0)
    variables = [tf.constant(generator.normal(size=[COUNT]), tf.float32)]
    gradient = generator.normal(size=[COUNT])
    gradient[:3] = 0.0  # Some never have one, and their slots differ from the others'.
    gradients = [tf.constant(gradient, tf.float32)]

    def after_two_steps(rule, min_floats):
        monkeypatch.setattr(chunks, "MIN_FLOATS", min_floats)

        @tf.function(jit_compile=True, autograph=False)
        def step(state):
            return rule.update(gradients, state, variables, rules.Context())

        _, state = step(rule.init(variables, state_dtype))
        return tf.nest.flatten(step(state))

    whole = after_two_steps(rule.for_steps(chunked=True), min_floats=10**9)
    chunked = after_two_steps(rule.for_steps(chunked=True), min_floats=1)
    tolerance = 1e-5 if state_dtype is None else 1e-2
    for expected, value in zip(whole, chunked, strict=True):
        assert value.dtype == expected.dtype and value.shape == expected.shape
        expected, value = (tf.cast(t, tf.float32) for t in (expected, value))
        assert np.ptp(expected) > 0
        np.testing.assert_allclose(value, expected, atol=tolerance)


@pytest.mark.parametrize("state_dtype", [None, "bfloat16"])
@pytest.mark.parametrize("name", ["gac_lstm", "gac_lstm(average_over=variable)", "ntm_lbfgs"])
@pytest.mark.quick("gac_lstm-None", "ntm_lbfgs-None")
def test_chunks_change_nothing_where_coordinates_hear_of_each_other(name, state_dtype, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 16)
    monkeypatch.setattr(chunks, "MIN_FLOATS", 1)
    monkeypatch.setattr(packing, "PACKED_COORDINATES", 10)
    rule = rules.from_text(name)
    rule = rule.bind({k: 3 * v for k, v in rule.meta_params.items()})
    generator = np.random.default_rng(0)
    shapes = [(COUNT,), (2,), (7, 5), ()]
    variables = [tf.constant(generator.normal(size=s), tf.float32) for s in shapes]
    gradients = [tf.constant(generator.normal(size=s), tf.float32) for s in shapes]

    def after_three_steps(rule):
        @tf.function(jit_compile=True, autograph=False)
        def step(state):
            return rule.update(gradients, state, variables, rules.Context(tf.constant(0)))

        state = rule.init(variables, state_dtype)
        for _ in range(3):
            updates, state = step(state)
        return tf.nest.flatten((updates, state))

    whole, chunked = (after_three_steps(r) for r in (rule, rule.for_steps(chunked=True)))
    tolerance = 1e-4 if state_dtype is None else 3e-2
    for expected, value in zip(whole, chunked, strict=True):
        assert value.dtype == expected.dtype and value.shape == expected.shape
        expected, value = (tf.cast(t, tf.float32) for t in (expected, value))
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["gac_lstm", "ntm_lbfgs"])
def test_slots_and_a_memory_are_written_in_place_layer_by_layer(name, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 16)
    monkeypatch.setattr(chunks, "MIN_FLOATS", 1)
    rule = rules.get(name, hidden_size=4).for_steps(chunked=True)
    state = rule.init([tf.zeros([COUNT])])
    slots, shared = (
        {k: tf.Variable(v) for k, v in given.items()}
        for given in (state.variables[0], state.shared)
    )
    gradient, iteration = tf.ones([COUNT]), tf.constant(0)

    @tf.function(jit_compile=True, autograph=False)
    def step(gradient, iteration):
        known = [{k: tf.convert_to_tensor(v) for k, v in of.items()} for of in (slots, shared)]
        state = rules.RuleState([known[0]], known[1])
        updates, state = rule.update([gradient], state, [gradient], rules.Context(iteration))
        for held, new in ((slots, state.variables[0]), (shared, state.shared)):
            for key, value in new.items():
                held[key].assign(value)
        return updates

    text = step.experimental_get_compiler_ir(gradient, iteration)(stage="optimized_hlo")
    assert f"f32[4,{COUNT}]" in text
    assert not [x for x in text.splitlines() if " copy(" in x and f"f32[4,{COUNT}]" in x]
    assert f"f32[16,{COUNT}]" not in text  # No layer's gates of all coordinates.


def test_chunks_are_written_in_place(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 16)
    monkeypatch.setattr(chunks, "MIN_FLOATS", 1)
    rule = rules.LSTM(hidden_size=4).for_steps(chunked=True)
    slots = {k: tf.Variable(v) for k, v in rule.init([tf.zeros([COUNT])]).variables[0].items()}
    gradient, iteration = tf.ones([COUNT]), tf.constant(0)

    @tf.function(jit_compile=True, autograph=False)
    def step(gradient, iteration):
        state = rules.RuleState([{k: tf.convert_to_tensor(v) for k, v in slots.items()}], {})
        context = rules.Context(iteration)
        updates, state = rule.update([gradient], state, [gradient], context)
        for name, value in state.variables[0].items():
            slots[name].assign(value)
        return updates

    text = step.experimental_get_compiler_ir(gradient, iteration)(stage="optimized_hlo")
    copies = [line for line in text.splitlines() if " copy(" in line]
    # Of a slot: four rows of all coordinates. Parts of it may be moved.
    assert f"f32[4,{COUNT}]" in text
    assert not [line for line in copies if f"f32[4,{COUNT}]" in line]


def compiled_step(rule, number):
    """One step of a rule on several variables, for XLA, and its iteration."""
    variables = [tf.fill([3, 5], 0.1 * (i + 1)) for i in range(number)]
    gradients = [tf.random.stateless_normal([3, 5], [0, i]) for i in range(number)]
    state = rule.init(variables)

    @tf.function(jit_compile=True, autograph=False)
    def step(iteration):
        context = rules.Context(iteration, tf.constant(1.0), tf.constant(100.0))
        return tf.nest.flatten(rule.update(gradients, state, variables, context))

    return step, tf.constant(0)


@pytest.mark.quick("lstm")
@pytest.mark.parametrize("name", ["lstm", "mixture"])
def test_what_variables_share_is_compiled_once(name):
    rule = rules.get(name)
    plain, few, many = (
        compiled_step(*given) for given in ((rule, 8), (rule.for_steps(), 4), (rule.for_steps(), 8))
    )

    def instructions(step, iteration):
        return step.experimental_get_compiler_ir(iteration)(stage="optimized_hlo").count(" = ")

    assert instructions(*many) < instructions(*plain)
    # Per variable more, it is slices and what belongs to each of them.
    assert instructions(*many) - instructions(*few) <= 4 * 30
    for a, b in zip(plain[0](plain[1]), many[0](many[1]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["annealed(inner=lstm)", "partition"])
def test_rules_of_rules_hand_on_how_they_are_evaluated(name, monkeypatch):
    asked = []

    def in_chunks(update, given, slots, dtype, iteration):
        asked.append(given[0].shape)
        return update(*given, slots)

    monkeypatch.setattr(base, "evaluate_in_chunks", in_chunks)
    rule, variable = rules.from_text(name), np.zeros(2 * chunks.CHUNK, "float32")
    for made in (rule, rule.for_steps(), rule.for_steps(chunked=True)):
        made = made.bind(rule.meta_params)
        made.update([variable], made.init([variable]), [variable], rules.Context())
    assert asked == [(2 * chunks.CHUNK,)]


def test_rules_of_little_state_and_few_coordinates_are_evaluated_at_once():
    assert chunks.worth_chunks(10**6, 80)
    assert not chunks.worth_chunks(10**6, 2)
    assert not chunks.worth_chunks(10**3, 80)
    assert not chunks.worth_chunks(tf.constant(10**6), 80)

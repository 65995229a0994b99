"""Tables of embeddings beside all else: how much they may do, and when that is cut."""

import keras
import numpy as np
import pytest
from helpers.stepping import uncontrolled

from l2l_tf import LearnedOptimizer, rules
from l2l_tf.rules.layout import layout_of
from l2l_tf.rules.spectral import groups, influence
from l2l_tf.rules.spectral.signals import Measured

TABLE, KERNEL = layout_of((40, 8), "tokens/embeddings"), layout_of((8, 8), "dense/kernel")
BIAS = layout_of((8,), "dense/bias")
SIZES = np.array([0.02, 0.02, 0.004], "float32")


def factors(descent, met, layouts=(TABLE, KERNEL, BIAS)):
    """Factors in the first step, in which means are what is measured."""
    descent, met = np.array(descent, "float32"), np.array(met, "float32")
    none = np.zeros_like(met)
    measured = Measured(none, none, none, none, none, none, none, descent, met)
    old, ones = influence.influence_state(layouts), np.ones_like(met)
    sizes = SIZES[: len(met)]
    factor, state = influence.influenced(measured, sizes, list(layouts), old, ones, ones)
    return np.asarray(factor), state


def test_a_table_that_does_more_than_its_share_is_cut_to_it_and_nothing_else_is():
    numbers = np.array([320, 64, 8], "float32")
    done = np.array([6.0, 2.0, 1.0], "float32")
    factor, state = factors(done / (SIZES * numbers), [1.0, 1.0, 1.0])
    np.testing.assert_allclose(state["influences"], done, rtol=1e-6)
    np.testing.assert_allclose(factor, [0.3 * 3.0 / 6.0, 1.0, 1.0], rtol=1e-6)
    # Against the gradient counts as along it.
    turned, _ = factors(-done / (SIZES * numbers), [1.0, 1.0, 1.0])
    np.testing.assert_allclose(turned, factor, rtol=1e-6)


def test_a_table_is_cut_less_the_fewer_of_its_rows_are_met():
    found = [factors([1.0, 1e-3, 0.0], [met, 1.0, 1.0])[0][0] for met in (1.0, 0.5, 0.05, 0.0)]
    np.testing.assert_allclose(found, 0.1 ** np.array([1.0, 0.5, 0.05, 0.0]), rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6, 1e20])
def test_the_unit_of_the_loss_does_not_matter(scale):
    descent = np.array([1.0, 5.0, 3.0])
    expected, _ = factors(descent, [1.0, 1.0, 1.0])
    assert 0.1 < expected[0] < 1.0
    np.testing.assert_allclose(factors(scale * descent, [1.0] * 3)[0], expected, rtol=1e-5)


def test_nothing_is_cut_where_nothing_can_be_compared():
    assert not influence.influence_state([KERNEL, BIAS])
    assert not influence.influence_state([TABLE, TABLE])
    np.testing.assert_array_equal(factors([1.0, 1.0], [1.0, 1.0], [TABLE, TABLE])[0], 1.0)
    # Factors of low rank beside zeros: nothing but the table has a gradient yet.
    np.testing.assert_array_equal(factors([1.0, 0.0, 0.0], [1.0, 1.0, 1.0])[0], 1.0)
    np.testing.assert_array_equal(factors([0.0, 0.0, 0.0], [0.0, 1.0, 1.0])[0], 1.0)


def test_rows_are_met_where_they_have_more_than_a_penaltys_gradient():
    generator = np.random.default_rng(0)
    rows = np.array([0, 3, 4, 17, 39])
    gradient = np.full((40, 8), 1e-7, "float32")
    gradient[rows] += generator.normal(size=(5, 8))
    group = groups.Group(0, [0], [(40, 8)], [TABLE], "float32")
    slots = {name: np.zeros((1, 40, 8), "float32") for name in group.slot_shapes()}
    zeros = np.zeros((1, 40, 8), "float32")
    means, _ = group.measure(gradient[None], zeros, slots, np.ones((1, 1, 1), "float32"))
    assert float(means[groups.MEASURED - 1, 0]) == pytest.approx(5 / 40)


def steps(scale, rows):
    """How far rows go in ten steps of `scale · table[i] + codes[i]` into a dense layer.

    Args:
        scale: What the rows are multiplied by.
        rows: How many of 40 rows are met in each step.
    """
    layouts = [TABLE, KERNEL]
    rule = uncontrolled(rules.get("spectral", weight_decay=0.0)).laid_out(layouts)
    generator = np.random.default_rng(0)
    table = generator.uniform(-0.05, 0.05, (40, 8)).astype("float32")
    kernel, start = (generator.normal(size=(8, 8)) / 3).astype("float32"), table.copy()
    codes = generator.normal(size=(40, 8)).astype("float32")
    state = rule.init([table, kernel])
    for step in range(10):
        seen = generator.permutation(40)[:rows]
        hidden = scale * table[seen] + codes[seen]
        back = hidden @ kernel - np.eye(8, dtype="float32")[seen % 8]
        gradients = [np.zeros_like(table), hidden.T @ back / rows]
        gradients[0][seen] = scale * back @ kernel.T / rows
        context = rules.Context(step, float((back**2).mean()), 500.0)
        updates, state = rule.update(gradients, state, [table, kernel], context)
        table, kernel = table + np.asarray(updates[0]), kernel + np.asarray(updates[1])
    return np.abs(table - start)[seen].max()


def test_a_scaled_table_whose_rows_are_all_met_goes_less_far():
    assert steps(100.0, rows=40) < 0.5 * steps(1.0, rows=40)
    assert steps(100.0, rows=2) > 0.7 * steps(1.0, rows=2)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_vectors_with_next_to_no_gradient_are_told_from_those_with_little(scale):
    layouts = [TABLE, KERNEL, BIAS, BIAS, BIAS]
    sizes = np.array([0.02, 0.02, 0.004, 0.004, 0.004], "float32")
    powers = scale * np.array([1e-20, 1e-20, 1e-4, 1e-12, 1e-16], "float32")
    found = np.asarray(influence.effect(powers, sizes, layouts))
    # The last one's share of what vectors do is 1e-6, a tenth of the bound.
    np.testing.assert_allclose(found, [1.0, 1.0, 1.0, 1.0, 0.1], rtol=1e-3)


def test_nothing_is_without_effect_where_no_vector_has_a_gradient():
    sizes, none = np.array([0.02, 0.004], "float32"), np.zeros(2, "float32")
    np.testing.assert_array_equal(influence.effect(none, sizes, [KERNEL, BIAS]), 1.0)
    np.testing.assert_array_equal(influence.effect(none + 1.0, sizes[:1], [KERNEL]), 1.0)


@pytest.mark.parametrize(("size", "grows"), [(1e-9, False), (1e-3, True)])
def test_steps_along_rounding_errors_are_small_and_do_not_grow_however_they_agree(size, grows):
    rule = uncontrolled(rules.get("spectral")).laid_out([KERNEL, BIAS, BIAS])
    generator = np.random.default_rng(0)
    variables = [np.zeros(shape, "float32") for shape in ((8, 8), (8,), (8,))]
    state = rule.init(variables)
    for step in range(100):
        kernel = generator.normal(size=(8, 8)).astype("float32")
        gradients = [kernel, np.full((8,), size, "float32"), np.full((8,), 1e-2, "float32")]
        context = rules.Context(step, 1.0, float("nan"))
        updates, state = rule.update(gradients, state, variables, context)
    _, little, usual = np.asarray(state.shared["log_rate"])
    assert (little > 1.0) == grows and (little <= 0.0) != grows
    assert usual > 1.0
    _, little, usual = (np.abs(update).max() for update in updates)
    assert little > 0.9 * usual if grows else little < 1e-2 * usual


def test_offsets_ahead_of_a_normalization_and_those_of_keys_are_without_effect():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 3))
    hidden = keras.layers.Conv2D(16, 3, padding="same", name="ahead")(inputs)
    hidden = keras.layers.ReLU()(keras.layers.BatchNormalization()(hidden))
    hidden = keras.layers.Reshape((36, 16))(hidden)
    hidden = keras.layers.MultiHeadAttention(2, 8, name="attention")(hidden, hidden)
    outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling1D()(hidden))
    model, optimizer = keras.Model(inputs, outputs), LearnedOptimizer(jit_compile=False)
    model.compile(optimizer, loss="mse", jit_compile=False)
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(64, 6, 6, 3)), generator.normal(size=(64, 3))
    model.fit(x.astype("float32"), y.astype("float32"), epochs=2, batch_size=32, verbose=0)
    rule, shared = optimizer.rule, optimizer.shared_state()
    variables = model.trainable_variables
    layouts = [layout_of(v.shape, v.path) for v in variables]
    found = influence.effect(shared["power"].numpy(), rule._sizes(layouts), layouts)
    paths = [v.path for v, of in zip(variables, np.asarray(found), strict=True) if of < 0.2]
    assert [path.split("/", 1)[-1] for path in paths] == ["bias", "key/bias"], paths

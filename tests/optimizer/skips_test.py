"""LearnedOptimizer: steps that are skipped are counted, and said where they are many."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import RULES, make_model

from l2l_tf import LearnedOptimizer
from l2l_tf.optimizer.skips import BATCHES_BETWEEN

ROWS = np.ones((1200, 5), "float32")
TARGETS = np.ones((1200, 1), "float32")


def words(do):
    """How many warnings of skipped steps `do` gives, and their texts."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        do()
    return [str(w.message) for w in caught if "steps were skipped" in str(w.message)]


def compiled(policy="float32", optimizer=None, **arguments):
    keras.config.set_dtype_policy(policy)
    try:
        optimizer = optimizer or LearnedOptimizer(rule=RULES["rnnprop"](), total_steps=60)
        return make_model(optimizer=optimizer, **arguments)
    finally:
        keras.config.set_dtype_policy("float32")


def fit(model, bad, batches=100, epochs=1):
    """Train on batches of four rows, those whose numbers are in `bad` with a NaN."""
    rows = ROWS[: 4 * batches].copy()
    rows[[4 * b for b in bad]] = np.nan
    model.fit(rows, TARGETS[: 4 * batches], 4, epochs, verbose=0, shuffle=False)


@pytest.mark.parametrize(
    ("bad", "batches", "said"),
    [
        (range(0, 100, 2), 100, 1),
        (range(20), 20, 1),
        (range(0, 100, 12), 100, 0),  # Nine of a hundred.
        ([*range(100, 109), *range(240, 249)], 300, 0),  # Never more than nine of the last hundred.
        ([], 100, 0),
    ],
)
@pytest.mark.parametrize("arguments", [{}, {"steps_per_execution": 4}, {"run_eagerly": True}])
@pytest.mark.quick("arguments0-bad0-100-1", "arguments0-bad3-300-0", "arguments1-bad1-20-1")
def test_many_skipped_steps_are_said_once_in_fit(bad, batches, said, arguments):
    model = compiled(**arguments)
    found = words(lambda: (fit(model, bad, batches), fit(model, bad, batches)))
    assert len(found) == said
    assert all("enable_check_numerics" in text for text in found)
    assert int(model.optimizer.skipped_steps) == 2 * len(bad)


@pytest.mark.parametrize("every", [2, 12])
def test_an_eager_loop_is_told_as_well(every):
    optimizer = LearnedOptimizer(rule=RULES["sgd"]())
    variable = keras.Variable(np.ones(2, "float32"))

    def loop():
        for step in range(150):
            optimizer.apply([tf.fill([2], np.nan if step % every == 0 else 1.0)], [variable])

    assert len(words(loop)) == (every == 2)


def test_a_traced_loop_asks_by_itself():
    optimizer = LearnedOptimizer(rule=RULES["sgd"]())
    variable = keras.Variable(np.ones(2, "float32"))
    optimizer.build([variable])
    optimizer.watch_skips()
    step = tf.function(lambda g: optimizer.apply([g], [variable]), autograph=False)
    for _ in range(20):
        step(tf.fill([2], np.nan))
    assert len(words(lambda: (optimizer.watch_skips(), optimizer.watch_skips()))) == 1


def test_what_is_known_of_skipped_steps_goes_with_the_state_they_belong_to():
    optimizer = LearnedOptimizer(rule=RULES["sgd"]())
    variable = keras.Variable(np.ones(2, "float32"))

    def loop():
        for _ in range(6):
            optimizer.apply([tf.fill([2], np.nan)], [variable])
        optimizer.reset()

    assert not words(lambda: (loop(), loop()))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_training_batch_by_batch_says_it_too(policy):
    model = compiled(policy, jit_compile=False)
    bad = np.full_like(ROWS[:4], np.nan)

    def train():
        for _ in range(3 * BATCHES_BETWEEN):
            model.train_on_batch(bad, TARGETS[:4])

    (said,) = words(train)
    assert "were skipped" in said


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.quick("False")
def test_steps_that_overflow_under_mixed_float16_are_counted(jit):
    model = compiled("mixed_float16", jit_compile=jit)
    outer, inner = model.optimizer, model.optimizer.inner_optimizer
    outer.build(model.trainable_variables)
    outer.dynamic_scale.assign(2.0**40)  # Overflows until it was halved often enough.
    seen = []
    for _ in range(40):
        kernel = model.trainable_variables[0].numpy()
        model.train_on_batch(ROWS[:4], TARGETS[:4])
        seen.append(np.array_equal(kernel, model.trainable_variables[0].numpy()))
    halved = 40 - int(np.log2(outer.dynamic_scale.numpy()))
    assert sum(seen) == halved == int(inner.skipped_steps) > 7
    assert int(inner.iterations) == 40


def test_annealing_ends_with_the_run_though_steps_overflow():
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 20, 0.0)
    model = compiled("mixed_float16", LearnedOptimizer(schedule, rule=RULES["rnnprop"]()))
    model.optimizer.build(model.trainable_variables)
    model.optimizer.dynamic_scale.assign(2.0**24)
    fit(model, [], batches=20)
    assert 3 < int(model.optimizer.inner_optimizer.skipped_steps) < 15
    np.testing.assert_allclose(float(model.optimizer.learning_rate), 0.0, atol=1e-6)


def test_a_loss_of_a_step_that_overflowed_is_forgotten():
    model = compiled("mixed_float16", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.dynamic_scale.assign(2.0**60)
    model.train_on_batch(ROWS[:4], TARGETS[:4])
    (loss,) = [v for v in model.optimizer.inner_optimizer.variables if v.name == "loss"]
    assert int(model.optimizer.inner_optimizer.skipped_steps) == 1 and np.isnan(loss.numpy())


@pytest.mark.parametrize("name", ["adam", "lstm", "celo2"])
def test_slots_know_nothing_of_a_step_that_was_skipped(name):
    results = []
    for bad in ([np.nan, np.inf], []):
        optimizer = LearnedOptimizer(rule=RULES[name]())
        variable = keras.Variable(np.ones((2, 2), "float32"))
        for size in (*bad, 1.0, -3.0):
            optimizer.apply([tf.fill([2, 2], size)], [variable])
        results.append(variable.numpy())
    np.testing.assert_array_equal(*results)


def refusing(**arguments):
    return LearnedOptimizer(rule=RULES["rnnprop"](), nonfinite="raise", **arguments)


@pytest.mark.parametrize("arguments", [{}, {"steps_per_execution": 4}, {"run_eagerly": True}])
@pytest.mark.quick("arguments0")
def test_fit_ends_at_the_first_skipped_step_where_that_is_wished(arguments, tmp_path):
    model = compiled(optimizer=refusing(), **arguments)
    with pytest.raises(FloatingPointError, match="Received: skipped steps=1, .* step 8$"):
        fit(model, [7], batches=20)
    assert int(model.optimizer.iterations) == 8
    assert all(np.isfinite(w).all() for w in model.get_weights())
    with pytest.raises(FloatingPointError, match="step 12$"):
        fit(model, [3], batches=4)  # The last batch of all.
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    fit(loaded, [], batches=4)  # What was skipped before it was saved is known.
    with pytest.raises(FloatingPointError, match="skipped steps=1, "):
        fit(loaded, [2], batches=4)


def test_loops_of_ones_own_end_likewise():
    optimizer = refusing()
    variable = keras.Variable(np.ones(2, "float32"))
    optimizer.build([variable])
    with pytest.raises(FloatingPointError, match="Received: skipped steps=1, .* step 1$"):
        optimizer.apply([tf.fill([2], np.inf)], [variable])
    optimizer.apply([tf.fill([2], 1.0)], [variable])
    step = tf.function(lambda g: optimizer.apply([g], [variable]), autograph=False)
    for size in (np.nan, 1.0, np.nan):
        step(tf.fill([2], size))
    with pytest.raises(FloatingPointError, match="Received: skipped steps=2, .* step 5$"):
        optimizer.watch_skips()
    optimizer.reset()
    optimizer.watch_skips()
    model = compiled(optimizer=refusing(), jit_compile=False)
    model.train_on_batch(ROWS[:4], TARGETS[:4])
    with pytest.raises(FloatingPointError):
        model.train_on_batch(np.full_like(ROWS[:4], np.nan), TARGETS[:4])


def test_a_loss_that_is_not_finite_ends_fit_at_its_epoch_where_that_is_wished():
    def loss(targets, outputs):
        return keras.ops.mean((targets - outputs) ** 2) + np.float32("inf")

    model = make_model(optimizer=refusing())
    model.compile(model.optimizer, loss)
    with pytest.raises(FloatingPointError, match="Received: loss=inf"):
        fit(model, [], batches=4, epochs=3)
    assert int(model.optimizer.iterations) == 4 and int(model.optimizer.skipped_steps) == 0
    skipping = make_model(optimizer=LearnedOptimizer(rule=RULES["rnnprop"]()))
    skipping.compile(skipping.optimizer, loss)
    fit(skipping, [], batches=4, epochs=3)
    assert all(np.isfinite(w).all() for w in skipping.get_weights())


def test_a_loss_scale_that_looks_for_its_size_is_no_error_but_data_are():
    model = compiled("mixed_float16", refusing(), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.dynamic_scale.assign(2.0**24)
    fit(model, [], batches=30)
    assert 3 < int(model.optimizer.inner_optimizer.skipped_steps) < 15
    with pytest.raises(FloatingPointError, match="Received: skipped steps=40, "):
        fit(model, range(60), batches=60)


def test_another_choice_is_refused():
    with pytest.raises(ValueError, match="Received: nonfinite='stop'"):
        LearnedOptimizer(rule="adam", nonfinite="stop")
    assert LearnedOptimizer(rule="adam").nonfinite == "skip"
    copied = LearnedOptimizer.from_config(refusing().get_config())
    assert copied.nonfinite == "raise"

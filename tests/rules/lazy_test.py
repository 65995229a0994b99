"""`lazy`: a rule that is asked now and then, and what happens in between."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from l2l_tf import LearnedOptimizer, presets, rules


class Counting(rules.UpdateRule):
    """Steps of 1 against the gradient's sign; a variable counts how often it is asked."""

    coordinatewise = False

    def __post_init__(self):
        super().__post_init__()
        vars(self)["asked"] = tf.Variable(0)
        vars(self)["contexts"] = []

    def init(self, variables, state_dtype=None):
        return rules.RuleState([{"steps": ops.zeros((), "float32")} for _ in variables], {})

    def update(self, gradients, state, variables, context):
        self.asked.assign_add(1)
        if tf.executing_eagerly():
            self.contexts.append(
                {k: float(getattr(context, k)) for k in ("run_iteration", "total_steps")}
            )
        taken = [{"steps": s["steps"] + 1.0} for s in state.variables]
        return [-ops.sign(g) for g in gradients], rules.RuleState(taken, {})


def run(rule, gradients, losses=None, total=np.nan):
    """Updates of one variable of eight numbers."""
    variables = [np.ones((8,), "float32")]
    state, taken = rule.init(variables), []
    for iteration, gradient in enumerate(gradients):
        loss = np.nan if losses is None else losses[iteration]
        context = rules.Context(iteration, tf.constant(loss, tf.float32), total)
        (update,), state = rule.update([gradient], state, variables, context)
        taken.append(np.asarray(update))
    return taken, state


def drawn(number, seed=0):
    generator = np.random.default_rng(seed)
    return list(generator.normal(size=(number, 8)).astype("float32"))


@pytest.mark.parametrize("direction", ["momentum", "last"])
def test_one_that_is_always_asked_is_the_rule_itself(direction):
    inner = rules.from_text("adam(learning_rate=0.1)")
    lazy = rules.Lazy(inner, every=1, direction=direction)
    for own, other in zip(run(lazy, drawn(20))[0], run(inner, drawn(20))[0], strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-6)


def test_between_decisions_a_variable_moves_by_as_much_along_its_momentum():
    gradients = drawn(9)
    taken, state = run(rules.Lazy(Counting(), every=4), gradients)
    momentum = np.zeros(8)
    for step, (gradient, update) in enumerate(zip(gradients, taken, strict=True)):
        momentum += 0.1 * (gradient - momentum)
        corrected = momentum / (1.0 - 0.9 ** (step + 1))
        if step % 4 == 0:
            np.testing.assert_array_equal(update, -np.sign(gradient))
            size = np.linalg.norm(update) / np.linalg.norm(corrected)
        else:
            np.testing.assert_allclose(update, -size * corrected, rtol=1e-4)
    assert float(state.shared["lazy_decisions"]) == 3.0
    assert float(state.variables[0]["inner_steps"]) == 3.0


def test_the_last_update_is_taken_again():
    gradients = drawn(6)
    taken, _ = run(rules.Lazy(Counting(), every=3, direction="last"), gradients)
    for step, update in enumerate(taken):
        np.testing.assert_array_equal(update, -np.sign(gradients[step - step % 3]))


def test_what_is_not_asked_is_not_computed():
    rule = Counting()
    lazy = rules.Lazy(rule, every=5)
    variables = [np.ones((8,), "float32")]
    state = lazy.init(variables)

    @tf.function(autograph=False)
    def step(gradient, state, iteration):
        return lazy.update([gradient], state, variables, rules.Context(iteration))

    for iteration, gradient in enumerate(drawn(20)):
        _, state = step(gradient, state, tf.constant(iteration))
    assert rule.asked.numpy() == 4


def test_the_inner_rule_counts_its_own_decisions():
    rule = Counting()
    run(rules.Lazy(rule, every=4), drawn(40), total=40.0)
    assert [c["run_iteration"] for c in rule.contexts] == list(range(10))
    np.testing.assert_allclose([c["total_steps"] for c in rule.contexts], 10.0, rtol=1e-5)


def test_decisions_become_rarer_as_the_loss_converges():
    losses = 10.0 * 0.95 ** np.arange(200)
    rule = Counting()
    run(rules.Lazy(rule, every=10, schedule="growing"), drawn(200), losses)
    constant = Counting()
    run(rules.Lazy(constant, every=10, schedule="growing"), drawn(200), np.full(200, 10.0))
    assert constant.asked.numpy() == 200
    assert 20 < rule.asked.numpy() < 60
    untold = Counting()
    run(rules.Lazy(untold, every=10, schedule="growing"), drawn(200))
    assert 60 < untold.asked.numpy() < 200


def test_on_a_plateau_it_is_asked_at_once():
    noise = 1.0 + 0.02 * np.random.default_rng(1).normal(size=300)
    falling = 10.0 * 0.97 ** np.arange(100)
    losses = noise * np.concatenate([falling, np.full(200, falling[-1])])
    asked = {}
    for number in (100, 300):
        rule = Counting()
        run(rules.Lazy(rule, every=20, schedule="plateau"), drawn(number), losses)
        asked[number] = rule.asked.numpy()
    assert asked[100] <= 10
    assert asked[300] - asked[100] > 18


def test_in_fit_it_trains_and_saves_its_state(tmp_path):
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(256, 8)).astype("float32")
    labels = (rows[:, 0] > 0).astype("int32")
    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(2)]
    )
    rule = rules.Lazy(presets.load_preset("spectral-general"), every=4)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(LearnedOptimizer(rule=rule), loss)
    losses = model.fit(rows, labels, batch_size=32, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.rule.get_config() == rule.get_config()
    for own, other in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(own.numpy(), other.numpy())


@pytest.mark.parametrize("argument", ["every=0", "schedule=never", "direction=up", "inner=3"])
def test_arguments_out_of_range_are_said(argument):
    with pytest.raises(ValueError, match="Received"):
        rules.from_text(f"lazy({argument})")

"""Two nets against each other: their optimizers notice, and their steps do not grow."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments.adversarial.nets import GAMES, play
from l2l_tf import LearnedOptimizer, presets, rules


def player(optimizer=None):
    """A variable and its optimizer."""
    variable = keras.Variable(np.ones(3, "float32"))
    optimizer = optimizer or LearnedOptimizer()
    optimizer.build([variable])
    return variable, optimizer


def move(variable, optimizer):
    optimizer.apply([tf.ones(3)], [variable])


def contested(*players):
    return [bool(optimizer._contested.numpy()) for _, optimizer in players]


def test_optimizers_of_one_traced_program_are_in_a_game_from_the_first_step_on():
    players = player(), player()

    @tf.function(autograph=False)
    def step():
        for one in players:
            move(*one)

    step()
    assert contested(*players) == [True, True]


def test_a_step_under_autograph_says_nothing(caplog):
    variable, optimizer = player()

    @tf.function
    def step():
        move(variable, optimizer)

    step()
    assert caplog.messages == []


def test_optimizers_that_take_turns_are_in_a_game():
    players = player(), player()
    for turn in (0, 1, 0):
        assert contested(*players) == [False, False]
        move(*players[turn])
    assert contested(*players) == [True, True]


def test_one_after_another_and_alone_they_are_not():
    def train(one):
        step = tf.function(lambda: move(*one), autograph=False)
        for _ in range(3):
            step()
            move(*one)

    players = player(), player()
    for one in players:
        train(one)
    assert contested(*players) == [False, False]


def test_two_optimizers_of_the_same_variables_are_not_against_each_other():
    first = player()
    second = first[0], LearnedOptimizer()
    second[1].build([first[0]])
    for one in (first, second, first, second):
        move(*one)
    assert contested(first, second) == [False, False]


def test_who_says_that_there_is_no_game_is_believed():
    players = player(), player()
    players[0][1].contest(False)

    @tf.function(autograph=False)
    def step():
        for one in players:
            move(*one)

    step()
    assert contested(*players) == [False, True]
    players[0][1].contest()
    assert contested(*players) == [True, True]


def batch_by_batch(turns, combined, scaled=False):
    """Whether two models are in a game, of which one may contain the other, frozen."""

    def optimizer():
        made = LearnedOptimizer(rule="rnnprop")
        return keras.optimizers.LossScaleOptimizer(made) if scaled else made

    judge = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    judge.compile(optimizer(), "mse", jit_compile=False)
    layers = [keras.layers.Input((2,)), keras.layers.Dense(3)]
    if combined:
        judge.trainable = False
        layers.append(judge)
    maker = keras.Sequential(layers)
    maker.compile(optimizer(), "mse", jit_compile=False)
    for turn in turns:
        judge.trainable = turn == "judge"
        model, width = (judge, 3) if turn == "judge" else (maker, 2)
        model.train_on_batch(np.ones((4, width)), np.ones((4, 1)))
    inner = [getattr(m.optimizer, "inner_optimizer", m.optimizer) for m in (judge, maker)]
    return [bool(optimizer._contested.numpy()) for optimizer in inner]


@pytest.mark.parametrize(
    "turns, combined, scaled, expected",
    [
        (("judge", "judge", "maker", "judge"), True, False, True),
        (("judge", "maker", "judge"), True, True, True),
        (("judge", "judge", "maker", "maker"), True, False, False),  # One after another.
        (("judge", "maker", "judge", "maker"), False, False, False),  # They share nothing.
    ],
)
def test_models_that_take_turns_batch_by_batch_are_in_a_game_where_one_contains_the_other(
    turns, combined, scaled, expected
):
    assert batch_by_batch(turns, combined, scaled) == [expected] * 2


class Adversarial(keras.Model):
    """The train step of Keras's own examples, two optimizers in it."""

    def __init__(self):
        super().__init__()
        self.nets = [keras.layers.Dense(2), keras.layers.Dense(1)]

    def compile(self, optimizers):
        super().compile(optimizer=None)
        self.optimizers = optimizers

    def train_step(self, data):
        generator, discriminator = self.nets
        with tf.GradientTape(persistent=True) as tape:
            loss = tf.reduce_mean(discriminator(data)) - tf.reduce_mean(
                discriminator(generator(data))
            )
            opposite = -loss
        for net, value, optimizer in zip(self.nets, (loss, opposite), self.optimizers, strict=True):
            weights = net.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))
        return {"loss": loss}


def test_a_train_step_with_two_optimizers_is_a_game():
    model, optimizers = Adversarial(), [LearnedOptimizer(), LearnedOptimizer()]
    model.compile(optimizers)
    model.fit(np.ones((64, 2), "float32"), batch_size=16, epochs=2, verbose=0)
    assert all(bool(o._contested.numpy()) for o in optimizers)
    assert all(o._shared["log_rate"].numpy().max() == 0.0 for o in optimizers)


@pytest.fixture
def eagerly():
    """Nothing is traced, so that a rule's values can be looked at."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_the_rule_hears_of_it_and_of_no_loss(eagerly):
    seen = []

    class Listener(rules.SGD):
        def coordinate_update(self, gradient, state, variable, context):
            seen.append((bool(context.contested), bool(np.isnan(context.loss))))
            return super().coordinate_update(gradient, state, variable, context)

    variable, optimizer = player(LearnedOptimizer(rule=Listener(0.1)))
    for _ in range(2):
        optimizer.observe_loss(1.0)
        move(variable, optimizer)
        optimizer.contest()
    assert seen == [(False, False), (True, True)]


def test_step_sizes_do_not_grow_in_a_game():
    """Gradients that agree for ever, as a discriminator's that is ahead."""

    def grown(contest):
        rule = presets.load_preset("spectral-general")
        variables = [np.ones((4, 3), "float32")]
        state = rule.init(variables)
        for iteration in range(30):
            context = rules.Context(iteration, contested=contest)
            updates, state = rule.update([variables[0] * 0 + 1], state, variables, context)
            variables = [variables[0] + np.asarray(updates[0])]
        return np.asarray(state.shared["log_rate"]).max()

    assert grown(False) > 0.2 and grown(True) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_default_keeps_both_nets_alive(seed):
    ring = play(GAMES["ring"], LearnedOptimizer, 1500, seed)
    assert ring["centres"] >= 7
    made = play(GAMES["digits"], LearnedOptimizer, 1500, seed)
    assert made["spread"] > 0.6 and made["discriminator"] > 0.5

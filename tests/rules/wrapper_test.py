"""Rules made of rules: what is inside is told all that it is told alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import LearnedOptimizer, rules
from l2l_tf.meta.estimators.imitation import _Lesson
from l2l_tf.meta.estimators.lookahead import _Hindsight
from l2l_tf.meta.estimators.reinforce import _Policy
from l2l_tf.rules.wrapper import Composite, SeededWrapper, Wrapper

PATHS = ["net/embedding/embeddings", "net/dense/kernel", "net/dense/bias"]
SHAPES = [(6, 4), (4, 3), (3,)]


class Calls(rules.SGD):
    """A rule that XLA cannot compile and that sees gradients as Keras's optimizers do."""

    supports_jit = False
    sees_constraints = False


def spectral():
    return rules.Spectral(hidden_size=2, seed=3)


def policy(inner):
    silence = [np.zeros((2, *shape), "float32") for shape in SHAPES]
    return _Policy(inner, steps=2).copied(noise=silence)


def centred(update):
    """A kernel's update less its mean over inputs."""
    return update if update.ndim < 2 else update - update.mean(axis=0, keepdims=True)


# Each around one rule so that its updates are that rule's, or a simple function of them.
AROUND = {
    "annealed": rules.Annealed,
    "centred": rules.Centred,
    "guarded": rules.Guarded,
    "lazy": lambda inner: rules.Lazy(inner, every=1),
    "partition": lambda inner: rules.Partition("sgd", inner),
    "imitation": lambda inner: _Lesson(inner, rules.SGD(0.1)),
    "lookahead": _Hindsight,
    "reinforce": policy,
}
ADDED = {"centred": centred}
# The values of a state's scalars, where they are not what `init` gives.
STATE = {"imitation": {"led": 0.0}}


def laid_out(rule):
    layouts = [rules.layout_of(s, p) for s, p in zip(SHAPES, PATHS, strict=True)]
    return rule.laid_out(layouts)


def updates_of(rule, told=None):
    """Two updates of three variables, of a rule that knows their layouts."""
    generator = np.random.default_rng(0)
    variables = [
        tf.constant(generator.normal(size=shape).astype("float32") / 10) for shape in SHAPES
    ]
    state, found = rule.init(variables), []
    shared = {k: tf.zeros_like(state.shared[k]) + v for k, v in (told or {}).items()}
    state = rules.RuleState(state.variables, {**state.shared, **shared})
    for step in range(2):
        gradients = [tf.constant(generator.normal(size=s).astype("float32")) for s in SHAPES]
        updates, state = rule.update(gradients, state, variables, rules.Context(iteration=step))
        found.append([np.asarray(u) for u in updates])
    return found


@pytest.fixture(scope="module")
def bare():
    return updates_of(laid_out(spectral()))


@pytest.mark.parametrize("name", AROUND)
def test_a_rule_inside_another_does_what_it_does_alone(name, bare):
    found = updates_of(laid_out(AROUND[name](spectral())), STATE.get(name))
    change = ADDED.get(name, lambda update: update)
    for one, other in zip(found, bare, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, change(b))


def test_layouts_decide_here(bare):
    without = updates_of(spectral())
    assert not np.array_equal(without[0][0], bare[0][0])


@pytest.mark.parametrize("name", AROUND)
def test_a_rule_of_rules_is_compiled_only_if_all_of_them_can_be(name):
    around = AROUND[name]
    assert around(spectral()).supports_jit and not around(Calls()).supports_jit


@pytest.mark.parametrize("name", AROUND)
def test_constraints_are_seen_where_a_rule_inside_sees_them(name):
    around = AROUND[name]
    assert around(spectral()).sees_constraints
    assert around(Calls()).sees_constraints is False


@pytest.mark.parametrize("name", AROUND)
def test_rules_inside_know_that_a_program_takes_steps(name):
    made = AROUND[name](spectral()).for_steps(chunked=True)
    assert made.steps_alone and made.chunked
    assert all(rule.steps_alone and rule.chunked for rule in made.rules.values())


def test_every_rule_of_rules_is_tried():
    def below(cls):
        return {cls, *(c for direct in cls.__subclasses__() for c in below(direct))}

    known = {c for c in below(Composite) if c.__module__.startswith("l2l_tf.")}
    tried = {type(around(spectral())) for around in AROUND.values()}
    assert known - {Composite, Wrapper, SeededWrapper} == tried


def test_an_embedding_moves_under_partition_as_it_does_alone():
    moved = []
    for rule in (spectral(), rules.Partition("lstm", spectral())):
        keras.utils.set_random_seed(1)
        layer = keras.layers.Embedding(6, 4)
        layer.build()
        before = layer.embeddings.numpy()
        LearnedOptimizer(rule=rule).apply([np.ones((6, 4), "float32")], [layer.embeddings])
        moved.append(layer.embeddings.numpy() - before)
    np.testing.assert_array_equal(*moved)

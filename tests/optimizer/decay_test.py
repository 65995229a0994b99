"""A rule's own weight decay obeys Keras's switches, and masks hold."""

import keras
import numpy as np
import pytest

from l2l_tf import LearnedOptimizer, rules


def decaying():
    rule = rules.get("spectral", weight_decay=1e3)
    return rule.bind({k: np.zeros_like(v) for k, v in rule.meta_params.items()})


def trained(optimizer, gradient, exclude=False):
    with keras.name_scope("dense"):
        kernel = keras.Variable(np.ones((6, 4), "float32"), name="kernel")
    if exclude:
        optimizer.exclude_from_weight_decay(var_names=["kernel"])
    optimizer.build([kernel])
    for _ in range(3):
        optimizer.apply([gradient], [kernel])
    return kernel.numpy()


def test_the_switches_turn_a_rules_own_decay_off():
    gradient = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    plain = trained(LearnedOptimizer(rule=decaying()), gradient)
    off = trained(LearnedOptimizer(rule=decaying(), weight_decay=0.0), gradient)
    excluded = trained(LearnedOptimizer(rule=decaying()), gradient, exclude=True)
    np.testing.assert_array_equal(off, excluded)
    assert np.abs(plain).mean() < 0.9 * np.abs(off).mean()


@pytest.mark.parametrize("path", ["dense/kernel", "embedding/embeddings", "dense/bias"])
def test_rows_whose_gradients_are_zeroed_stay(path):
    """With the default: frozen rows of an embedding, masks over a kernel."""
    generator = np.random.default_rng(1)
    scope, name = path.split("/")
    with keras.name_scope(scope):
        variable = keras.Variable(np.ones((8, 4), "float32"), name=name)
    optimizer = LearnedOptimizer()
    optimizer.build([variable])
    for _ in range(20):
        gradient = generator.normal(size=(8, 4)).astype("float32")
        gradient[::2] = 0.0
        optimizer.apply([gradient], [variable])
    values = variable.numpy()
    np.testing.assert_array_equal(values[::2], 1.0)
    assert (values[1::2] != 1.0).all()

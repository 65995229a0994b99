"""Models that are dropped leave nothing behind."""

import gc

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

from l2l_tf import LearnedOptimizer


def graphs():
    """Traced graphs that are still held."""
    gc.collect()
    return [o for o in gc.get_objects() if isinstance(o, FuncGraph)]


def fitted(optimizer):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0)


def looped(optimizer):
    variable = tf.Variable(tf.ones([3, 2]))
    for _ in range(2):
        optimizer.apply([tf.ones([3, 2])], [variable])


@pytest.mark.parametrize("train", [fitted, looped])
@pytest.mark.parametrize("preset", [None, "lstm-digits", "mixture-general"])
def test_no_graph_of_a_dropped_model_is_kept(train, preset):
    before = {id(graph) for graph in graphs()}
    train(LearnedOptimizer(preset=preset) if preset else LearnedOptimizer())
    assert not [graph.name for graph in graphs() if id(graph) not in before]

#!/usr/bin/env bash
# TensorFlow 2.21.0 with Keras 3.15.1, stock optimizers, one device, no strategy.
#
# Guess: a model that was trained by `fit` and dropped is gone, with the graphs that were traced for
# it, once garbage was collected.
# Behaviour: all graphs of its train step stay for good. Keras's optimizers sum gradients over
# replicas by ReplicaContext.all_reduce, on a single device too; that function has a gradient of its
# own (tf.custom_gradient), and what has one is registered in TensorFlow by a name, never taken out
# again, with its tensors, and through them the graph. Any tf.custom_gradient that is traced does the
# same; a traced function without one leaves nothing.
# Seen: 10 graphs more for each dropped model, however often garbage is collected; 0 for a function
# that computes and differentiates the same without an optimizer, 1 with a tf.custom_gradient in it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'keras==3.15.1' 'tensorflow-cpu==2.21.0'
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import gc

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph


def graphs():
    gc.collect()
    return sum(isinstance(o, FuncGraph) for o in gc.get_objects())


def kept(train):
    train()
    before = graphs()
    for _ in range(3):
        train()
    return (graphs() - before) / 3


def fitted():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(np.ones((8, 3)), np.ones((8, 2)), verbose=0)


def traced(step):
    variable = tf.Variable(tf.ones([3, 2]))

    def take():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(step(variable))
        variable.assign_sub(tape.gradient(loss, variable))

    tf.function(take, autograph=False)()


@tf.custom_gradient
def square(x):
    return x * x, lambda upstream: 2.0 * x * upstream


found = kept(fitted), kept(lambda: traced(tf.square)), kept(lambda: traced(square))
print("graphs kept of each: fit, function, function with a custom gradient:", *found)
assert found[0] == 10
assert found[1] == 0
assert found[2] >= 1
print("tensorflow", tf.__version__, "keras", keras.__version__, "as described")
PYTHON

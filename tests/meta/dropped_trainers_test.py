"""Trainers that are dropped leave nothing behind."""

import gc

import pytest
import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.framework.func_graph import FuncGraph

from l2l_tf import meta

RNNPROP = "rnnprop(hidden_size=3,layers=1)"
CASES = {
    "bptt": (RNNPROP, "bptt(unroll=2,num_tasks=2)", {}),
    "checkpointing": (RNNPROP, "bptt(unroll=2,num_tasks=2,gradient_checkpointing=1)", {}),
    "pes": (RNNPROP, "pes(unroll=2,num_tasks=2)", {"ema_decay": 0.9}),
    "joint": ("gac_lstm(hidden_size=3)", "bptt(unroll=2,num_tasks=2)", {}),
    "dual": (RNNPROP, "bptt(unroll=2,num_tasks=2)", {"meta_optimizer": "dual"}),
}


def left():
    """Identities of traced graphs, and names of functions' own gradients, that are held."""
    gc.collect()
    gc.collect()  # Gradients go with what the first one found, and graphs with them.
    graphs = {id(o) for o in gc.get_objects() if isinstance(o, FuncGraph)}
    return graphs, {n for n in ops.gradient_registry.list() if n.startswith("CustomGradient-")}


def trained(rule, estimator, changes):
    trainer = meta.Trainer(
        rule,
        ["quadratic(dimension=2)"],
        estimator,
        trajectories=(4,),
        meta_steps=2,
        num_validation_tasks=1,
        jit_compile=False,
        **changes,
    )
    trainer.fit(verbose=0)
    return trainer


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name != "bptt")) for name in CASES],
)
def test_no_graph_and_no_gradient_of_a_dropped_trainer_is_kept(name):
    graphs, gradients = left()
    trainer = trained(*CASES[name])
    held, registered = left()
    assert held - graphs, "nothing was traced: the next lines would hold of themselves"
    assert name == "pes" or registered - gradients
    del trainer
    held, registered = left()
    assert not held - graphs and not registered - gradients


def test_gradients_of_others_are_kept():
    @tf.custom_gradient
    def doubled(x):
        return 2 * x, lambda upstream: 7 * upstream

    @tf.function
    def loop(x):
        return tf.while_loop(lambda i, x: i < 2, lambda i, x: (i + 1, doubled(x)), (0, x))[1]

    loop(tf.constant(1.0))
    trained(*CASES["bptt"])
    left()
    with tf.GradientTape() as tape:
        x = tf.constant(1.0)
        tape.watch(x)
        y = loop(x)
    assert float(tape.gradient(y, x)) == 49.0

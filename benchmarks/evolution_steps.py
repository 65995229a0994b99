"""Steps of many small optimizees at once, as evolution strategies take them."""

import numpy as np
import tensorflow as tf

from l2l_tf import rules, tasks
from l2l_tf.meta import estimators
from l2l_tf.tasks.perceptron import InMemoryMLP
from tools.timing import interleaved

UNROLL = 20
PARTICLES = 16
BATCH = 64
WIDTHS = (64, 32, 10)


class DigitsShapedMLP(InMemoryMLP):
    """64-32-10 on random rows of the digits' shape: 2,410 weights."""

    def __init__(self):
        super().__init__(hidden=WIDTHS[1], activation="relu", batch_size=BATCH)

    def splits(self):
        generator = np.random.default_rng(0)
        rows = generator.random((1024, WIDTHS[0]), "float32")
        labels = np.arange(1024, dtype="int32") % 10
        return {split: (tf.constant(rows), tf.constant(labels)) for split in tasks.SPLITS}


def measure(repeats):
    """Rows with meta-steps and optimizee steps per second of ES and PES.

    The products of the optimizees alone, forward and backward, at the rates of the same
    batched shapes, are what a step cannot be faster than: `share_of_products`.

    Returns:
        List of dicts: `estimator`, `rule`, `meta_steps_per_second`, `inner_steps_per_second`,
        `share_of_products`.
    """
    task = DigitsShapedMLP()
    calls = {}
    for name in ("es", "pes"):
        for rule_name in ("mixture", "celo"):
            rule = rules.get(rule_name)
            estimator = estimators.ESTIMATORS[name](unroll=UNROLL, num_tasks=PARTICLES // 2)
            calls[name, rule_name] = _estimate(estimator, rule, task)
    calls["products"] = _products()
    seconds = interleaved(calls, repeats, 0.1)
    limit = PARTICLES * UNROLL / (seconds.pop("products") * UNROLL)
    return [
        {
            "estimator": name,
            "rule": rule,
            "meta_steps_per_second": 1 / taken,
            "inner_steps_per_second": PARTICLES * UNROLL / taken,
            "share_of_products": PARTICLES * UNROLL / taken / limit,
        }
        for (name, rule), taken in seconds.items()
    ]


def _estimate(estimator, rule, task):
    carried = estimator.begin(rule, task, tasks.as_seed(0))
    drawn = estimator.batches(task, carried, 0)
    values = {name: tf.constant(value) for name, value in rule.meta_params.items()}

    @tf.function(jit_compile=True, autograph=False)
    def estimate(values, carried, drawn):
        bound = rule.bind(values)
        return estimator.estimate(bound, task, carried, drawn, 0, 5 * UNROLL).meta_gradient

    return lambda: next(iter(estimate(values, carried, drawn).values())).numpy()


def _products():
    """Forward and backward products of one step of all optimizees, nothing else."""

    def normal(*shape):
        return tf.random.stateless_normal((PARTICLES, *shape), [0, 0])

    layers = [
        (normal(BATCH, inputs), normal(inputs, outputs), normal(BATCH, outputs))
        for inputs, outputs in zip(WIDTHS, WIDTHS[1:], strict=False)
    ]

    @tf.function(jit_compile=True, autograph=False)
    def products():
        results = []
        for index, (features, kernel, upstream) in enumerate(layers):
            results.append(tf.matmul(features, kernel))
            results.append(tf.matmul(features, upstream, transpose_a=True))
            if index:
                results.append(tf.matmul(upstream, kernel, transpose_b=True))
        return results

    return lambda: products()[0].numpy()

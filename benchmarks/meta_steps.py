"""Meta-steps per second of truncated BPTT, beside the straightforward version."""

import time

import numpy as np
import tensorflow as tf

from benchmarks import baseline_bptt
from l2l_tf import rules, tasks
from l2l_tf.meta import estimators
from l2l_tf.meta.batches import batches
from l2l_tf.meta.unroll import begin
from l2l_tf.tasks.perceptron import InMemoryMLP
from tools.timing import interleaved, peak_bytes

UNROLL = 20
# Steps between states that are kept where the others are computed again: near √UNROLL.
CHECKPOINTING = 5
CHECKPOINTED = f"TruncatedBPTT, gradient_checkpointing={CHECKPOINTING}"


class MnistShapedMLP(InMemoryMLP):
    """784-20-10 on random rows of MNIST's shape: the same work without the files."""

    def splits(self):
        generator = np.random.default_rng(0)
        rows = generator.random((1280, 784), "float32")
        labels = np.arange(1280, dtype="int32") % 10
        return {split: (tf.constant(rows), tf.constant(labels)) for split in tasks.SPLITS}


def problems():
    """Dict name → (task, tasks side by side, rule, p of its preprocessing)."""
    return {
        "quadratic, 128 tasks": (tasks.get("quadratic"), 128, rules.LSTM(preprocess=None), None),
        "mnist-shaped mlp, 1 task": (MnistShapedMLP(), 1, rules.LSTM(), 10.0),
    }


def measure(repeats, wanted=None):
    """Rows with meta-steps per second.

    Args:
        repeats: Rounds of interleaved timing.
        wanted: Names of problems; None: all.

    Returns:
        List of dicts: `problem`, `estimator`, `weights`, `meta_steps_per_second`,
        `ns_per_weight_step`, `first_seconds`, `peak_bytes`.
    """
    rows = []
    for problem, (task, count, rule, p) in problems().items():
        if wanted and problem not in wanted:
            continue
        trajectory = begin(rule, task, tasks.as_seed(0), count)
        drawn = batches(task, trajectory.seed, count, 0, UNROLL + 1)
        weights = sum(int(np.prod(t.shape)) for t in trajectory.params)
        values = {name: tf.constant(value) for name, value in rule.meta_params.items()}
        calls, first = {}, {}
        bptt = estimators.TruncatedBPTT(unroll=UNROLL, num_tasks=count)
        calls["TruncatedBPTT"] = _estimate(bptt, rule, task, values)
        again = estimators.TruncatedBPTT(
            unroll=UNROLL, num_tasks=count, gradient_checkpointing=CHECKPOINTING
        )
        calls[CHECKPOINTED] = _estimate(again, rule, task, values)
        plain = tf.function(
            lambda values, trajectory, drawn, task=task, p=p: baseline_bptt.meta_step(
                task, values, trajectory.params, trajectory.model_state, drawn, UNROLL, p
            ),
            autograph=False,
        )
        calls["straightforward"] = lambda plain=plain, t=trajectory, d=drawn, v=values: plain(
            v, t, d
        )[0].numpy()
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            first[name] = time.perf_counter() - started
        peaks = {name: peak_bytes(call) for name, call in calls.items()}
        seconds = interleaved(calls, repeats, 0.2)
        rows += [
            {
                "problem": problem,
                "estimator": name,
                "weights": weights,
                "meta_steps_per_second": 1 / seconds[name],
                "ns_per_weight_step": 1e9 * seconds[name] / weights / UNROLL,
                "first_seconds": first[name],
                "peak_bytes": peaks[name],
            }
            for name in calls
        ]
    return rows


def _estimate(estimator, rule, task, values):
    carried = estimator.begin(rule, task, tasks.as_seed(0))
    drawn = estimator.batches(task, carried, 0)

    @tf.function(jit_compile=True, autograph=False)
    def estimate(values, carried, drawn):
        bound = rule.bind(values)
        return estimator.estimate(bound, task, carried, drawn, 0, 5 * UNROLL).meta_gradient

    return lambda: next(iter(estimate(values, carried, drawn).values())).numpy()

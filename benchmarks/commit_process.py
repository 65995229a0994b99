"""Optimizers' steps with the code of another commit, each measured when it is told to.

    PYTHONPATH=TREE python -P benchmarks/commit_process.py --optimizer=mixture-general

Of this checkout it takes nothing: package and benchmarks are those of the tree. It says in a line
of JSON which steps it has, and for each line that it reads, the number of one, the processor
seconds of one such step. `benchmarks.commits` drives several.
"""

import itertools
import json
import sys
import time

import tensorflow as tf
from absl import app, flags

from benchmarks import steps
from l2l_tf import LearnedOptimizer, presets

FLAGS = flags.FLAGS
# Weights, and the variables that they are in.
SIZES = ((10**4, 1), (10**5, 10))
# Processor seconds of a round.
ROUND = 0.2

if __name__ == "__main__":
    flags.DEFINE_multi_string("optimizer", None, "Preset, rule or 'keras adam'.", required=True)


def main(argv):
    del argv
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    cases = list(itertools.product(FLAGS.optimizer, SIZES, (True, False)))
    made = [steps.Step(_maker(n), w, jit, variables) for n, (w, variables), jit in cases]
    print(json.dumps(cases), flush=True)
    for line in sys.stdin:
        print(json.dumps(_seconds(made[int(line)])), flush=True)


def _maker(name):
    if name in presets.list_presets():
        return lambda: LearnedOptimizer(preset=name)
    return steps.optimizers()[name]


def _seconds(step):
    taken, started = 0, time.process_time()
    while time.process_time() < started + ROUND:
        step()
        taken += 1
    return (time.process_time() - started) / taken


if __name__ == "__main__":
    app.run(main)

"""Meta-steps with the code of another commit, each measured when it is told to.

    PYTHONPATH=TREE python -P benchmarks/meta_process.py --optimizer='pes: spectral: digits_mlp'

Of this checkout it takes nothing: the package is that of the tree. `benchmarks.commits` drives
several with `--meta`, as it does `benchmarks.commit_process`.
"""

import json
import sys
import time

import tensorflow as tf
from absl import app, flags

from l2l_tf import meta

FLAGS = flags.FLAGS
UNROLL, TRAJECTORY = 20, 100

if __name__ == "__main__":
    flags.DEFINE_multi_string("optimizer", None, "ESTIMATOR: RULE: TASK.", required=True)


def main(argv):
    del argv
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    steps = [_step(*text.split(": ")) for text in FLAGS.optimizer]
    print(json.dumps(FLAGS.optimizer), flush=True)
    for line in sys.stdin:
        print(json.dumps(_seconds(steps[int(line)])), flush=True)


def _step(estimator, rule, task):
    trainer = meta.Trainer(rule, [task], estimator, trajectories=(TRAJECTORY,), meta_steps=10**6)
    for _ in range(2):
        trainer.step()
    return trainer.step


def _seconds(step):
    """Processor seconds of a meta-step, the mean over a trajectory."""
    number = TRAJECTORY // UNROLL
    started = time.process_time()
    for _ in range(number):
        step()
    return (time.process_time() - started) / number


if __name__ == "__main__":
    app.run(main)

"""Meta-trains the appendix's rules on ill-conditioned quadratics, one after another.

python -m experiments.appendix.train --output_dir=runs/appendix

Every rule gets the same tasks, meta-objective and number of meta-steps. A run that was
interrupted goes on from its newest checkpoint; one that is finished is left alone.
"""

import pathlib
import subprocess
import sys

from absl import app, flags

FLAGS = flags.FLAGS
SECANT = "controller=secant_lstm,read=same_step"
RULES = {
    "ntm_bfgs": f"ntm_bfgs({SECANT},layers=1)",
    "lstm": "lstm()",
    "ntm_lbfgs_20": f"ntm_lbfgs({SECANT},layers=1,read_heads=2,window=20)",
    "ntm_lbfgs_5": f"ntm_lbfgs({SECANT},layers=1,read_heads=2,window=5)",
    "gac_lstm": "gac_lstm()",
}
TASKS = [
    f"conditioned_quadratic(dimension={dimension},condition={condition})"
    for dimension, condition in ((10, 100.0), (10, 10000.0), (30, 10000.0))
]

if __name__ == "__main__":
    flags.DEFINE_string("output_dir", "runs/appendix", "A directory for the runs.")
    flags.DEFINE_multi_enum("only", [], sorted(RULES), "Rules to train; default: all.")
    flags.DEFINE_integer("meta_steps", 1500, "Meta-steps of each rule.", 1)


def command(rule, directory, meta_steps):
    """The `l2l-train` command line of one rule."""
    # Validated at the end only: the trainer's score is the log of the mean loss, which the
    # first steps rule, and would choose other weights than this meta-objective.
    # The mapped step of a memory rule is compiled anew by XLA for every meta-step.
    compiled = "--jit_compile" if rule == "lstm" else "--nojit_compile"
    return [
        *(sys.executable, "-m", "l2l_tf.cli.train"),
        *(f"--rule={RULES[rule]}", f"--output_dir={directory}", f"--meta_steps={meta_steps}"),
        *(f"--task={task}" for task in TASKS),
        *("--unroll=20", "--batch_size=16", "--log_loss", "--second_derivatives"),
        *("--trajectory=20", "--trajectory=40", "--trajectory=100"),
        *("--meta_learning_rate=0.003", f"--validate_every={meta_steps}", "--seed=0", compiled),
        *(("--resume",) if directory.is_dir() else ()),
    ]


def main(argv):
    del argv
    for rule in FLAGS.only or RULES:
        directory = pathlib.Path(FLAGS.output_dir) / rule
        subprocess.run(command(rule, directory, FLAGS.meta_steps), check=True)


if __name__ == "__main__":
    app.run(main)

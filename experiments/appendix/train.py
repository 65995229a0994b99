"""Meta-trains the appendix's rules, one after another.

python -m experiments.appendix.train --output_dir=runs/appendix
python -m experiments.appendix.train --output_dir=runs/appendix --on=networks

On ill-conditioned quadratics every rule gets the same tasks, meta-objective and number of
meta-steps. On networks they start from what was learned elsewhere. A run that was
interrupted goes on from its newest checkpoint; one that is finished is left alone.
"""

import pathlib
import subprocess
import sys

from absl import app, flags

from experiments import commands

FLAGS = flags.FLAGS
SECANT = "controller=secant_lstm,read=same_step"
# From "lstm" to "ntm_bfgs" two things change: a memory, and a controller that knows of secant
# pairs. The "plain" ones have the memory alone, "ntm_lbfgs_2" that controller and little memory.
RULES = {
    "ntm_bfgs": f"ntm_bfgs({SECANT},layers=1)",
    "lstm": "lstm()",
    **{
        f"ntm_lbfgs_{window}": f"ntm_lbfgs({SECANT},layers=1,read_heads=2,window={window})"
        for window in (20, 5, 2)
    },
    "gac_lstm": "gac_lstm()",
    "ntm_bfgs_plain": "ntm_bfgs()",
    "ntm_lbfgs_20_plain": "ntm_lbfgs(window=20)",
}
TASKS = [
    f"conditioned_quadratic(dimension={dimension},condition={condition})"
    for dimension, condition in ((10, 100.0), (10, 10000.0), (30, 10000.0))
]
# Name → what `l2l-train` is given besides the directory; `{runs}` is where all of them go.
# The plain LSTM beside them is `lstm-mnist-whole-run` of the paper's experiments.
NETWORKS = {
    # The preset that is shipped went on from a run of 6000 meta-steps that was ended at 3134.
    "gac-imitation": (
        *("--task=digits_mlp", "--rule=gac_lstm", "--estimator=imitation"),
        "--teacher=momentum(learning_rate=1.0,nesterov=True)",
        *("--unroll=20", "--trajectory=100", "--meta_steps=3000", "--meta_learning_rate=0.003"),
        *("--ema_decay=0.98", "--num_tasks=1", "--num_validation_tasks=1"),
        *("--validate_every=1000", "--checkpoint_every=500"),
    ),
    # The whole run in one unroll, under exact meta-gradients.
    "gac-lstm-mnist": (
        *("--start_from={runs}/gac-imitation/preset", "--task=mnist_mlp", "--num_tasks=1"),
        *("--unroll=100", "--trajectory=100", "--log_loss", "--loss_weights=linear"),
        *("--second_derivatives", "--meta_steps=200", "--meta_learning_rate=0.00005"),
        *("--ema_decay=0.9", "--validate_every=20", "--checkpoint_every=20"),
    ),
    **{
        f"ntm-lbfgs-{window}-mnist": (
            f"--rule=ntm_lbfgs({SECANT},layers=1,read_heads=2,window={window})",
            *("--start_from=ntm-lbfgs-quadratic", "--task=mnist_mlp", "--num_tasks=1"),
            *("--unroll=20", "--trajectory=100", "--log_loss", "--second_derivatives"),
            *("--meta_steps=1000", "--meta_learning_rate=0.002", "--ema_decay=0.98"),
            *("--num_validation_tasks=1", "--validate_every=100", "--checkpoint_every=100"),
        )
        for window in (5, 20)
    },
}

if __name__ == "__main__":
    flags.DEFINE_string("output_dir", "runs/appendix", "A directory for the runs.")
    flags.DEFINE_enum("on", "quadratics", ["quadratics", "networks"], "What to train on.")
    flags.DEFINE_multi_enum(
        "only", [], sorted([*RULES, *NETWORKS]), "Which of these to train; default: all."
    )
    flags.DEFINE_integer("meta_steps", 1500, "Meta-steps of each rule on quadratics.", 1)


def on_quadratics(rule, meta_steps):
    """What `l2l-train` is given for one rule, besides the directory."""
    # Validated at the end only: the trainer's score is the log of the mean loss, which the
    # first steps rule, and would choose other weights than this meta-objective.
    return [
        *(f"--rule={RULES[rule]}", f"--meta_steps={meta_steps}"),
        *(f"--task={task}" for task in TASKS),
        *("--unroll=20", "--num_tasks=16", "--log_loss", "--second_derivatives"),
        *("--trajectory=20", "--trajectory=40", "--trajectory=100"),
        *("--meta_learning_rate=0.003", f"--validate_every={meta_steps}", "--seed=0"),
    ]


def main(argv):
    del argv
    output = pathlib.Path(FLAGS.output_dir)
    known = RULES if FLAGS.on == "quadratics" else NETWORKS
    if unknown := [name for name in FLAGS.only if name not in known]:
        sys.exit(
            f"--only names, with --on={FLAGS.on}, some of {', '.join(known)}. "
            f"Received: {', '.join(unknown)}"
        )
    for name in FLAGS.only or known:
        quadratics = FLAGS.on == "quadratics"
        given = on_quadratics(name, FLAGS.meta_steps) if quadratics else NETWORKS[name]
        subprocess.run(commands.l2l_train(given, output, output / name), check=True)


if __name__ == "__main__":
    app.run(main)

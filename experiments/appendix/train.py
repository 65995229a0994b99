"""Meta-trains the appendix's rules, one after another.

python -m experiments.appendix.train --output_dir=runs/appendix
python -m experiments.appendix.train --output_dir=runs/appendix --on=networks

On ill-conditioned quadratics every rule gets the same tasks, meta-objective and number of
meta-steps. On networks training goes in stages, each from the preset of the one before. A run
that was interrupted goes on from its newest checkpoint; one that is finished is left alone.
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
# The whole run of 100 steps in one unroll, under exact meta-gradients.
_WHOLE_RUN = (
    *("--unroll=100", "--trajectory=100", "--log_loss", "--loss_weights=linear"),
    *("--second_derivatives", "--batch_size=1", "--validation_tasks=1", "--weight_averaging=0.95"),
)
_IMITATION = (
    *("--task=digits_mlp", "--rule=gac_lstm", "--estimator=imitation"),
    "--teacher=momentum(learning_rate=1.0,nesterov=True)",
    *("--meta_steps=3000", "--meta_learning_rate=0.003", "--weight_averaging=0.98"),
    *("--batch_size=1", "--validation_tasks=1", "--validate_every=1000", "--checkpoint_every=500"),
)


def _whole_run(task, meta_steps, rate):
    return (
        *(f"--task={task}", f"--meta_steps={meta_steps}", f"--meta_learning_rate={rate}"),
        *(*_WHOLE_RUN, "--validate_every=50", "--checkpoint_every=50"),
    )


def _memory(window):
    """Stages of the window that keeps so many steps, from what was learned on quadratics."""
    rule = f"--rule=ntm_lbfgs({SECANT},layers=1,read_heads=2,window={window})"
    start = (rule, "--start_from=ntm-lbfgs-quadratic")
    return (*start, *_whole_run("digits_mlp", 800, 1e-3)), _whole_run("mnist_mlp", 150, 3e-4)


# Name → stages. The plain LSTM beside them is `lstm-mnist` of the paper's experiments.
NETWORKS = {
    "gac-lstm-mnist": (
        _IMITATION,
        _whole_run("digits_mlp", 600, 5e-4),
        _whole_run("mnist_mlp", 400, 2e-4),
    ),
    "ntm-lbfgs-5-mnist": _memory(5),
    "ntm-lbfgs-20-mnist": _memory(20),
}

if __name__ == "__main__":
    flags.DEFINE_string("output_dir", "runs/appendix", "A directory for the runs.")
    flags.DEFINE_enum("on", "quadratics", ["quadratics", "networks"], "What to train on.")
    flags.DEFINE_multi_enum(
        "only", [], sorted([*RULES, *NETWORKS]), "Which of these to train; default: all."
    )
    flags.DEFINE_integer("meta_steps", 1500, "Meta-steps of each rule on quadratics.", 1)


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


def stage_commands(name, output):
    """The `l2l-train` command lines of a rule on networks, the last of them into `output/name`."""
    stages, before, lines = NETWORKS[name], (), []
    for number, arguments in enumerate(stages, 1):
        directory = output / (name if number == len(stages) else f"{name}-stage-{number}")
        resume = ("--resume",) if directory.is_dir() else ()
        lines.append(
            [
                *(sys.executable, "-m", "l2l_tf.cli.train", f"--output_dir={directory}"),
                *(*arguments, *before, *resume),
            ]
        )
        before = (f"--start_from={directory / 'preset'}",)
    return lines


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
        if FLAGS.on == "quadratics":
            subprocess.run(command(name, output / name, FLAGS.meta_steps), check=True)
            continue
        for line in stage_commands(name, output):
            subprocess.run(line, check=True)


if __name__ == "__main__":
    app.run(main)

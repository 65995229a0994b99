"""Meta-trains what the paper's experiments need, one after another.

python -m experiments.paper.train --only=lstm-mnist --output_dir=runs/paper

A run that was interrupted goes on from its newest checkpoint; one that is finished is left alone.
"""

import pathlib
import subprocess
import sys

from absl import app, flags

from experiments import commands
from experiments.paper.plan import RUNS

FLAGS = flags.FLAGS
# The kinds of networks of the transfer matrix, on digits: cheap enough to train on each.
TRANSFER_TASKS = {
    "1-layer": "digits_mlp",
    "2-layers": "digits_mlp(layers=2)",
    "relu": "digits_mlp(activation=relu)",
    "residual": "residual_net",
    "highway": "highway_net",
    "rnn": "row_rnn",
}
# The whole run in one unroll, under exact meta-gradients.
WHOLE_RUN = (
    *("--unroll=100", "--trajectory=100", "--log_loss", "--loss_weights=linear"),
    "--second_derivatives",
)
_CIFAR10 = (
    *("--unroll=20", "--trajectory=200", "--num_tasks=1", "--estimator=imitation"),
    *("--ema_decay=0.95", "--num_validation_tasks=1"),
)
# The labels that `lstm-cifar10-sub` is trained on, and none of those it is tested on.
_LABELS = {"": "", "-sub": ",labels=[5,6,7,8,9]"}
# Stage → batch size; of each of the two, meta-steps and how many of them between validations; what
# else is given. Two imitations of Adam, then `mixture-general` is the teacher, then without what
# updates have in common (rule `centred`).
_DEFAULT_AS_TEACHER = ("--teacher=mixture-general", "--known_horizon=0")
_CIFAR10_STAGES = {
    "cifar10-imitation": (
        *(32, {"": (300, 60), "-sub": (180, 60)}, "--rule=partition"),
        *("--teacher=adam(learning_rate=0.005)", "--meta_learning_rate=1e-3"),
    ),
    "cifar10-imitation-128": (
        *(128, {"": (120, 40), "-sub": (80, 40)}),
        *("--teacher=adam(learning_rate=0.004)", "--meta_learning_rate=5e-4"),
    ),
    "cifar10-distilled": (
        *(32, {"": (300, 50), "-sub": (180, 60)}),
        *(*_DEFAULT_AS_TEACHER, "--meta_learning_rate=1e-3"),
    ),
    "lstm-cifar10": (
        *(32, {"": (120, 30), "-sub": (120, 30)}, "--rule=centred(inner=partition)"),
        *(*_DEFAULT_AS_TEACHER, "--meta_learning_rate=5e-4"),
    ),
}


def _cifar10_commands():
    commands, before = {}, dict.fromkeys(_LABELS, "lstm-imitation")
    for stage, (batch_size, lengths, *given) in _CIFAR10_STAGES.items():
        for part, labels in _LABELS.items():
            meta_steps, every = lengths[part]
            commands[f"{stage}{part}"] = (
                f"--start_from={{runs}}/{before[part]}/preset",
                f"--task=cifar10_conv(batch_size={batch_size}{labels})",
                *(*_CIFAR10, f"--meta_steps={meta_steps}", *given),
                *(f"--validate_every={every}", f"--checkpoint_every={every}"),
            )
            before[part] = f"{stage}{part}"
    return commands


def _mnist_commands():
    """From random weights as the paper does it, at rates that random search suggests."""
    given = (
        *("--task=mnist_mlp", "--unroll=20", "--trajectory=100", "--num_tasks=1"),
        *("--validate_every=60", "--checkpoint_every=60"),
    )
    on = (
        *given,
        *("--log_loss", "--loss_weights=linear", "--ema_decay=0.98"),
        "--num_validation_tasks=16",
    )
    first = ("--rule=lstm", "--meta_steps=600", "--meta_learning_rate=0.04")
    return {
        "mnist-first": (*given, *first, "--num_validation_tasks=8"),
        "mnist-second": (
            *("--start_from={runs}/mnist-first/preset", *on),
            *("--meta_steps=1200", "--meta_learning_rate=0.015"),
        ),
        "lstm-mnist": (
            *("--start_from={runs}/mnist-second/preset", *on),
            *("--meta_steps=2000", "--meta_learning_rate=0.01"),
        ),
    }


# What differs between kinds of networks is to be seen, not how far a training from random weights
# got: the LSTMs but one start from one imitation.
_TRANSFER_LSTM = (
    *("--start_from={runs}/lstm-imitation/preset", "--ema_decay=0.95"),
    *("--num_tasks=2", "--num_validation_tasks=16"),
)
_TRANSFER = {
    "lstm": (
        *(*_TRANSFER_LSTM, *WHOLE_RUN, "--meta_learning_rate=2e-4", "--meta_steps=160"),
        *("--validate_every=40", "--checkpoint_every=40"),
    ),
    "rnnprop": (
        *("--rule=rnnprop", "--unroll=20", "--trajectory=100", "--log_loss"),
        *("--meta_learning_rate=3e-3", "--meta_steps=1200", "--num_tasks=2"),
        *("--validate_every=200", "--checkpoint_every=200", "--num_validation_tasks=16"),
    ),
}
# Where exact meta-gradients over the whole run explode or lead away.
_TRUNCATED = (
    *(*_TRANSFER_LSTM, "--unroll=20", "--trajectory=100", "--log_loss"),
    *("--meta_learning_rate=1e-4", "--meta_steps=600"),
    *("--validate_every=100", "--checkpoint_every=100"),
)
# Where these, too, lead away from the imitation: from random weights, at a larger meta-rate.
_FROM_RANDOM = (
    *("--rule=lstm", "--unroll=20", "--trajectory=100", "--log_loss", "--num_tasks=4"),
    *("--meta_learning_rate=3e-3", "--meta_steps=400", "--num_validation_tasks=16"),
    *("--validate_every=50", "--checkpoint_every=50"),
)
_TRANSFER_EXCEPTIONS = {
    ("lstm", "relu"): _TRUNCATED,
    ("lstm", "rnn"): _TRUNCATED,
    ("lstm", "residual"): _FROM_RANDOM,
}
TRANSFER_RULES = tuple(_TRANSFER)
# What random search found for the whole run from the imitation (experiments.paper.meta_rates).
LARGER_RATE_NETS = ("1-layer", "2-layers", "highway")
_LARGER_RATE = (
    *(*_TRANSFER_LSTM, *WHOLE_RUN, "--meta_learning_rate=0.0019", "--meta_steps=160"),
    *("--validate_every=20", "--checkpoint_every=20"),
)
_ART = ("--task=neural_art", "--unroll=32", "--trajectory=128", "--num_tasks=1")
_QUARTER_OF_ART = "neural_art(content_weight=0.25,style_weight=0.75,smoothness=0.25)"
# Name → what `l2l-train` is given besides the directory; `{runs}` is where all of them go.
COMMANDS = {
    "lstm-imitation": (
        *("--rule=lstm", "--task=digits_mlp", "--unroll=20", "--trajectory=100"),
        *("--estimator=imitation", "--teacher=momentum(learning_rate=1.0,nesterov=True)"),
        *("--meta_steps=2500", "--meta_learning_rate=5e-3", "--ema_decay=0.98"),
        *("--num_tasks=4", "--validate_every=250", "--checkpoint_every=250"),
    ),
    "lstm-quadratic-larger-rate": (
        *("--rule=lstm(preprocess=None)", "--task=quadratic", "--unroll=20", "--trajectory=100"),
        *("--num_tasks=128", "--meta_steps=2000", "--meta_learning_rate=0.02"),
        *("--validate_every=250", "--checkpoint_every=250", "--num_validation_tasks=256"),
    ),
    "lstm-quadratic-uniform": (
        *("--start_from={runs}/lstm-imitation/preset", "--task=quadratic_uniform", *WHOLE_RUN),
        *("--meta_steps=2000", "--meta_learning_rate=3e-4", "--ema_decay=0.95"),
        *("--num_tasks=1", "--validate_every=100", "--checkpoint_every=100"),
    ),
    **_mnist_commands(),
    "lstm-mnist-whole-run": (
        *("--start_from={runs}/lstm-imitation/preset", "--task=mnist_mlp", *WHOLE_RUN),
        *("--meta_steps=400", "--meta_learning_rate=5e-5", "--ema_decay=0.9"),
        *("--num_tasks=2", "--validate_every=20", "--checkpoint_every=20"),
    ),
    **_cifar10_commands(),
    "art-imitation": (
        *("--start_from={runs}/lstm-imitation/preset", *_ART, "--estimator=imitation"),
        *("--teacher=adam(learning_rate=0.1)", "--ema_decay=0.95", "--meta_steps=240"),
        *("--meta_learning_rate=1e-3", "--validate_every=60", "--checkpoint_every=60"),
        "--num_validation_tasks=2",
    ),
    "lstm-neural-art": (
        *("--start_from={runs}/art-imitation/preset", *_ART, "--log_loss"),
        *("--loss_weights=linear", "--ema_decay=0.95", "--meta_steps=240"),
        *("--meta_learning_rate=3e-4", "--validate_every=40", "--checkpoint_every=40"),
        "--num_validation_tasks=2",
    ),
    # From what ships, where the loss is a quarter, too: so is the gradient of a pixel at 128×128.
    "lstm-neural-art-two-scales": (
        *("--start_from=lstm-neural-art", *_ART, f"--task={_QUARTER_OF_ART}", "--log_loss"),
        *("--loss_weights=linear", "--ema_decay=0.9", "--meta_steps=80"),
        *("--meta_learning_rate=1e-3", "--validate_every=20", "--checkpoint_every=20"),
        "--num_validation_tasks=2",
    ),
    **{
        f"transfer-{rule}-{net}": (
            f"--task={task}",
            *_TRANSFER_EXCEPTIONS.get((rule, net), _TRANSFER[rule]),
        )
        for rule in TRANSFER_RULES
        for net, task in TRANSFER_TASKS.items()
    },
    **{
        f"transfer-lstm-{net}-larger-rate": (f"--task={TRANSFER_TASKS[net]}", *_LARGER_RATE)
        for net in LARGER_RATE_NETS
    },
}

if __name__ == "__main__":
    flags.DEFINE_string("output_dir", RUNS, "A directory for the runs.")
    flags.DEFINE_list("only", [], f"Which to train, of {', '.join(COMMANDS)}; default: all.")


def main(argv):
    del argv
    unknown = sorted(set(FLAGS.only) - set(COMMANDS))
    if unknown:
        sys.exit(f"--only names runs, of {', '.join(COMMANDS)}. Received: {', '.join(unknown)}")
    runs = pathlib.Path(FLAGS.output_dir)
    for name in FLAGS.only or COMMANDS:
        subprocess.run(commands.l2l_train(COMMANDS[name], runs, runs / name), check=True)


if __name__ == "__main__":
    app.run(main)

"""All experiments of the reviewer's questions, one after another; every one of them is resumable.

python -m experiments.review --only=lazy,meta-optimizers

What is finished is taken from where each experiment keeps it, so that an interrupted run goes on;
an experiment that fails does not keep the others from running. `--plan` says what would be run.
"""

import shlex
import subprocess
import sys

from absl import app, flags

FLAGS = flags.FLAGS
# Meta-trained at larger rates → row of the transfer matrix.
LARGER = {
    "transfer-lstm-residual": "lstm: residual",
    "transfer-lstm-1-layer-larger-rate": "lstm: 1 layer at a larger meta-rate",
    "transfer-lstm-2-layers-larger-rate": "lstm: 2 layers at a larger meta-rate",
    "transfer-lstm-highway-larger-rate": "lstm: highway at a larger meta-rate",
}
# Meta-trained on neural art at two scales, and what it is shown beside.
ART = "lstm-neural-art-two-scales"
ART_BESIDE = "experiments/paper/results/art/results.json"
# Name → commands, each a module and its arguments. In docs/review.md stand their questions.
EXPERIMENTS = {
    "cost": (("experiments.cost.run",),),
    "lazy": (
        ("experiments.lazy.run", "--nets=digits", "--seeds=2"),
        ("experiments.lazy.run", "--nets=mnist", "--seeds=1"),
    ),
    "reading": (("experiments.reading.run",),),
    "estimators": (
        ("experiments.estimators.bias_variance",),
        ("experiments.estimators.training", "--problems=quadratics,digits"),
        ("experiments.estimators.training", "--problems=mnist", "--report=mnist"),
    ),
    "meta-optimizers": (
        ("experiments.meta_optimizers.run", "--problems=quadratics"),
        ("experiments.meta_optimizers.run", "--problems=digits", "--report=digits"),
        (
            "experiments.meta_optimizers.run",
            *("--problems=quadratics", "--rule=spectral-general", "--report=shipped"),
        ),
    ),
    "refresh": (("experiments.refresh.run",),),
    "structures": (("experiments.structures.run",),),
    "sizes": (
        ("experiments.sizes.run", "--nets=20,200,2000"),
        ("experiments.sizes.run", "--nets=resnet20", "--resnet_learned=default"),
    ),
    "owed": (
        (
            "experiments.paper.train",
            f"--only=lstm-imitation,{','.join(LARGER)},lstm-quadratic-larger-rate",
        ),
        ("experiments.paper.run", "--only=transfer", f"--rows={','.join(LARGER.values())}"),
        ("experiments.paper.run", "--only=cifar10", "--more_seeds=3,4"),
        ("experiments.paper.train", f"--only={ART}"),
        (
            *("experiments.art.compare", f"--preset=runs/paper/{ART}/preset"),
            *(f"--beside={ART_BESIDE}", "--output_dir=experiments/art/results"),
        ),
    ),
}

if __name__ == "__main__":
    flags.DEFINE_list("only", [], f"Which to run, of {', '.join(EXPERIMENTS)}; default: all.")
    flags.DEFINE_bool("plan", False, "Print the commands and run none.")


def main(argv):
    del argv
    unknown = sorted(set(FLAGS.only) - set(EXPERIMENTS))
    if unknown:
        names = ", ".join(EXPERIMENTS)
        sys.exit(f"--only names experiments, of {names}. Received: {unknown}")
    failed = []
    for name in FLAGS.only or EXPERIMENTS:
        for module, *arguments in EXPERIMENTS[name]:
            command = shlex.join([module, *arguments])
            if FLAGS.plan:
                print(f"{name}: python -m {command}")
                continue
            print(f"{name}: {command} ...", flush=True)
            if subprocess.run([sys.executable, "-m", module, *arguments]).returncode:
                failed.append(command)
    if failed:
        sys.exit(f"These failed; run them again to go on: {', '.join(failed)}")


if __name__ == "__main__":
    app.run(main)

"""Two figures on the cards of shipped presets, from committed records: python -m tools.card_figures

`- Cost: …`, a step beside Keras's Adam, out of what `benchmarks.preset_steps` wrote, and
`- Beside tuned Adam: …`, its final train loss over that of Adam at its best learning rate, out of
what the command named there wrote. `metadata.json` gets the card's new checksum.
"""

import csv
import json
import math
import pathlib
import re
import statistics

from l2l_tf.presets import storage
from l2l_tf.presets.registry import SHIPPED
from tools.cards import write_card

ROOT = pathlib.Path(__file__).parents[1]
STEPS = ROOT / "benchmarks" / "results" / "preset_steps.json"
PAPER = "python -m experiments.paper.run --only="
DIGITS = (
    "l2l-evaluate --preset=lstm-digits --preset=lstm-digits-held-out --preset=mixture-general "
    "--preset=rnnprop-general --known_horizon --task=digits_mlp --steps=100 "
    "--output_dir=results/digits"
)
SUITE = (
    "l2l-evaluate --suite=general --half=report --contender=default=mixture-general@known_horizon "
    "--contender=untold=mixture-general --contender=rnnprop-general@known_horizon "
    "--contender=celo=CELO@known_horizon --contender=celo_adam=CELO_ADAM@known_horizon "
    "--contender=lstm-families --contender=rnnprop-families --output_dir=results/suite"
)
# Preset → command, record and what it was measured on.
RUNS = {
    "gac-lstm-mnist": (
        "python -m experiments.appendix.networks --runs=runs/appendix --output_dir=docs/appendix",
        "experiments/appendix/results/mnist.csv",
        "`mnist_mlp`",
    ),
    "lstm-cifar10": (
        f"{PAPER}cifar10 --more_seeds=3,4",
        "experiments/paper/results/cifar10.csv",
        "`cifar10_conv`",
    ),
    "lstm-cifar10-sub": (
        f"{PAPER}cifar10 --more_seeds=3,4",
        "experiments/paper/results/cifar10.csv",
        "`cifar10_conv`",
    ),
    "lstm-digits": (DIGITS, "results/digits/results.csv", "`digits_mlp`"),
    "lstm-digits-held-out": (DIGITS, "results/digits/results.csv", "`digits_mlp`"),
    "lstm-mnist": (
        f"{PAPER}mnist",
        "experiments/paper/results/mnist-base.csv",
        "`mnist_mlp`",
    ),
    "lstm-quadratic": (
        "l2l-evaluate --preset=lstm-quadratic --task=quadratic --functions=128 --steps=100 "
        "--output_dir=results/quadratic",
        "results/quadratic/results.csv",
        "`quadratic`",
    ),
    "lstm-quadratic-uniform": (
        f"{PAPER}quadratics",
        "experiments/paper/results/quadratic-uniform.csv",
        "`quadratic_uniform`",
    ),
}
# Preset → command, table of tasks, name in it.
SUITES = {
    "lstm-families": (SUITE, "results/suite/tasks.csv", "lstm-families"),
    "mixture-general": (SUITE, "results/suite/tasks.csv", "default"),
    "rnnprop-families": (SUITE, "results/suite/tasks.csv", "rnnprop-families"),
    "rnnprop-general": (SUITE, "results/suite/tasks.csv", "rnnprop-general@told"),
    "spectral-general": (
        "l2l-evaluate --suite=general --half=report --baselines=adam,adamw_cosine,adam_default "
        "--contender=default=spectral-general@known_horizon --contender=untold=spectral-general "
        "--output_dir=results/suite-default",
        "results/suite-default/tasks.csv",
        "default",
    ),
}
# Preset → name in the appendix's records, at the steps and the task of its meta-training.
MEMORIES = {"ntm-bfgs-quadratic": "ntm_bfgs", "ntm-lbfgs-quadratic": "ntm_lbfgs_20"}
MEMORIES_TASK = "conditioned_quadratic(dimension=10,condition=10000.0)"
MEMORIES_STEPS = 100
MEMORIES_COMMAND = (
    "python -m experiments.appendix.compare --runs=runs/appendix --output_dir=runs/appendix-results"
)
PICTURES = ("lstm-neural-art",)
_LINES = re.compile(r"^- (?:Cost|Beside tuned Adam): .*\n", re.MULTILINE)
# The last line of the list that a card begins with.
_WRITTEN = re.compile(r"^- Written: .*\n", re.MULTILINE)


def with_figures(name, card):
    """The text of a shipped preset's card with the two lines of today's records."""
    lines = f"- Cost: {cost(name)}\n- Beside tuned Adam: {beside_adam(name)}\n"
    return _WRITTEN.sub(lambda match: match[0] + lines, _LINES.sub("", card), count=1)


def cost(name):
    """What a step of a preset costs, a sentence and the command that measured it."""
    row = json.loads(STEPS.read_text())["presets"][name]
    jit, plain = row["jit"], row["no_jit"]
    return (
        f"{_text(jit['ns_per_weight'])} ns per weight and step, {_text(jit['times_adam'])} times "
        f"Keras Adam's (one kernel of {row['weights']:,} weights, one thread, by XLA; without it "
        f"{_text(plain['ns_per_weight'])} ns and {_text(plain['times_adam'])} times): "
        "`python -m benchmarks.preset_steps`"
    )


def beside_adam(name):
    """A preset's final train loss beside tuned Adam's, likewise.

    Raises:
        ValueError: If no record of the preset is named here.
    """
    if name in RUNS:
        command, path, task = RUNS[name]
        mine, adam, seeds, steps = _of_runs(ROOT / path, name)
        where = f"{task}, {steps} steps, medians of {seeds} seeds"
    elif name in SUITES:
        return _of_suite(*SUITES[name])
    elif name in MEMORIES:
        command = MEMORIES_COMMAND
        mine, adam = _of_memories(MEMORIES[name])
        where = f"`{MEMORIES_TASK}`, {MEMORIES_STEPS} steps, medians; losses above the least"
    elif name in PICTURES:
        command = f"{PAPER}art"
        mine, adam, pictures = _of_pictures(name)
        where = f"photographs that it never saw, 128 steps, means of {pictures}"
    else:
        raise ValueError(f"No record is named for the preset in {__file__}. Received: {name=}")
    times = f"{_text(mine / adam)} times its final train loss"
    return f"{times} ({where}: {mine:.3g} and {adam:.3g}): `{command}`"


def _of_runs(path, name):
    last = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["optimizer"] in (name, "adam"):
                last[row["optimizer"], row["seed"]] = row
    losses = {
        key: [float(row["train_loss"]) for (of, _), row in last.items() if of == key]
        for key in (name, "adam")
    }
    (steps,) = {int(row["step"]) for row in last.values()}
    (seeds,) = {len(found) for found in losses.values()}
    return *(statistics.median(losses[key]) for key in (name, "adam")), seeds, steps


def _of_suite(command, path, name):
    losses = {}
    with (ROOT / path).open(newline="") as file:
        for row in csv.DictReader(file):
            if row["optimizer"] in (name, "adam"):
                losses.setdefault(row["task"], {})[row["optimizer"]] = float(row["train_loss"])
    ratios = [found[name] / found["adam"] for found in losses.values()]
    lower = sum(ratio < 1 for ratio in ratios)
    return (
        f"{_text(statistics.median(ratios))} times its final train loss (the median of "
        f"{len(ratios)} tasks that it was not meta-trained on, the general suite's report half; "
        f"lower on {lower} of them): `{command}`"
    )


def _of_memories(key):
    found = json.loads((ROOT / "experiments/appendix/results/results.json").read_text())
    at = found["steps"].index(MEMORIES_STEPS)
    return tuple(found["problems"][MEMORIES_TASK][of]["excess"][at] for of in (key, "adam"))


def _of_pictures(name):
    path = ROOT / "experiments/paper/results/art/results.json"
    found = json.loads(path.read_text())["new photographs"]
    losses = [[run[-1] for run in found[of]["losses"]] for of in (name, "adam")]
    return *(statistics.fmean(ends) for ends in losses), len(losses[0])


def _text(value):
    """Three digits, in full from 0.001 on."""
    digits = max(0, 2 - math.floor(math.log10(value)))
    return f"{value:,.{digits}f}" if value >= 1e-3 else f"{value:.1e}"


def write(directory):
    """Write the card of a shipped preset anew, with its checksum; whether it had to be.

    Args:
        directory: `pathlib.Path`.
    """
    card = storage.read_card(directory)
    text = with_figures(directory.name, card)
    if text == card:
        return False
    write_card(directory, text)
    return True


if __name__ == "__main__":
    for path in sorted(SHIPPED.glob(f"*/{storage.METADATA}")):
        print(f"{path.parent.name}: {'written anew' if write(path.parent) else 'as it was'}")

"""Which rules are read on which problems."""

import dataclasses

from experiments.reading.runs import EPOCHS, LENGTH, NOTHING


@dataclasses.dataclass(frozen=True)
class Reading:
    """A rule, and what it is told of the run.

    Attributes:
        source: As `presets.resolve` takes it.
        told: One of `runs.TOLD`.
    """

    source: str
    told: str = NOTHING


@dataclasses.dataclass(frozen=True)
class Problem:
    """A task, the length of its runs, and who is read on it.

    Attributes:
        title: What it is, for tables and pictures.
        task: As `tasks.get` takes it.
        steps: Of a run.
        rules: Names of `READINGS`.
    """

    title: str
    task: str
    steps: int
    rules: tuple


READINGS = {
    "default, length told": Reading("spectral-general", LENGTH),
    "default, epochs told": Reading("spectral-general", EPOCHS),
    "default, not told": Reading("spectral-general"),
    "mixture, length told": Reading("mixture-general", LENGTH),
    "mixture, not told": Reading("mixture-general"),
    "lstm-digits": Reading("lstm-digits"),
    "lstm-mnist": Reading("lstm-mnist"),
    "lstm-quadratic": Reading("lstm-quadratic"),
    "lstm-quadratic-uniform": Reading("lstm-quadratic-uniform"),
    "rnnprop": Reading("rnnprop-general"),
    "gac-lstm-mnist": Reading("gac-lstm-mnist"),
    "gac-lstm, not averaged": Reading("gac-lstm-mnist(averaging_cells=0)"),
    "ntm-bfgs": Reading("ntm-bfgs-quadratic"),
    "ntm-lbfgs": Reading("ntm-lbfgs-quadratic"),
    "ntm-lbfgs, one step": Reading("ntm-lbfgs-quadratic(window=1)"),
    "BFGS": Reading("rule:ntm_bfgs(controller=bfgs,read=same_step)"),
    "BFGS from 0.01 I": Reading("rule:ntm_bfgs(controller=bfgs,read=same_step,memory_scale=0.01)"),
    "Adam(0.001)": Reading("adam(learning_rate=0.001)"),
    "Adam(0.1)": Reading("adam(learning_rate=0.1)"),
    "momentum(0.1)": Reading("momentum(learning_rate=0.1)"),
    "momentum(0.01)": Reading("momentum(learning_rate=0.01)"),
}
_DEFAULT = ("default, length told", "default, epochs told", "default, not told")
_MIXTURE = ("mixture, length told", "mixture, not told")
_LSTMS = ("rnnprop", "gac-lstm-mnist", "gac-lstm, not averaged")
_PLAIN = ("Adam(0.001)", "momentum(0.1)")
_MEMORIES = ("ntm-bfgs", "ntm-lbfgs")
_WINDOWS = (*_MEMORIES, "ntm-lbfgs, one step")
PROBLEMS = {
    "digits": Problem(
        "digits, 64-20-10",
        "digits_mlp",
        800,
        (*_DEFAULT, *_MIXTURE, "lstm-digits", *_LSTMS, *_PLAIN),
    ),
    "mnist": Problem(
        "MNIST, 784-20-10",
        "mnist_mlp",
        430,
        (*_DEFAULT, "lstm-mnist", *_LSTMS, *_PLAIN),
    ),
    # A loss that cannot fall: what shrinks here shrinks by the clock.
    "noisy": Problem(
        "digits, all labels random",
        "digits_mlp(label_noise=1.0)",
        800,
        (*_DEFAULT, "lstm-digits", "rnnprop", "gac-lstm-mnist", *_PLAIN),
    ),
    "quadratic": Problem(
        "the paper's quadratics",
        "quadratic",
        200,
        ("lstm-quadratic", *_MEMORIES, "BFGS from 0.01 I", "Adam(0.1)", "momentum(0.01)"),
    ),
    "uniform": Problem(
        "the quadratics of the paper's code",
        "quadratic_uniform",
        200,
        ("lstm-quadratic-uniform", *_WINDOWS, "BFGS", "Adam(0.1)", "momentum(0.1)"),
    ),
    "conditioned": Problem(
        "quadratics of condition 10,000",
        "conditioned_quadratic(dimension=30,condition=10000.0)",
        100,
        ("lstm-quadratic", *_WINDOWS, "BFGS", "Adam(0.1)", "momentum(0.1)"),
    ),
}


class UnknownProblemError(ValueError):
    """There is no problem of that name."""


def chosen(names):
    """Dict name → `Problem` of some of them.

    Raises:
        UnknownProblemError: If there is no such one, or none at all.
    """
    if not names or not set(names) <= set(PROBLEMS):
        known = ", ".join(PROBLEMS)
        raise UnknownProblemError(f"Problems are {known}. Received: --problems={','.join(names)}")
    return {name: PROBLEMS[name] for name in PROBLEMS if name in names}

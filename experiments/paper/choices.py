"""The method's own choices, measured: the weights w_t, and the second derivatives."""

import matplotlib.pyplot as plt
import numpy as np

from experiments.paper.meta_gradient import norms_by_step
from experiments.tables import markdown, number
from l2l_tf import presets, rules, tasks
from l2l_tf.core.files import write_csv
from l2l_tf.meta.estimators import TruncatedBPTT
from l2l_tf.meta.objective import LOSS_WEIGHTS
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.trainer import Trainer
from tools.timing import interleaved, peak_bytes

TITLE = "The method's choices"
TASK = "quadratic"
UNROLL, TASKS = 20, 128
# w_t and whether second derivatives are kept.
TRAININGS = (("all", False), ("final", False), ("linear", False), ("all", True))
# Title → task, preset (None: untrained), steps unrolled.
UNROLLS = {
    "quadratics, untrained, 20 steps": ("quadratic", None, 20),
    "quadratics, trained, 20 steps": ("quadratic", "lstm-quadratic", 20),
    "quadratics, trained, 100 steps": ("quadratic", "lstm-quadratic", 100),
    "digits, untrained, 20 steps": ("digits_mlp", None, 20),
    "digits, trained, 20 steps": ("digits_mlp", "lstm-digits", 20),
    "digits, trained, 100 steps": ("digits_mlp", "lstm-digits", 100),
}


def trainer(loss_weights, second_derivatives, meta_steps):
    """A `Trainer` of the paper's LSTM on quadratics."""
    return Trainer(
        rules.LSTM(preprocess=None),
        [tasks.get(TASK)],
        TruncatedBPTT(
            second_derivatives=second_derivatives,
            unroll=UNROLL,
            num_tasks=TASKS,
            loss_weights=loss_weights,
        ),
        settings=Settings(
            meta_steps=meta_steps,
            meta_learning_rate=4e-3,
            validate_every=max(1, meta_steps // 10),
            num_validation_tasks=256,
        ),
    )


def trained(loss_weights, second_derivatives, meta_steps):
    """Validations along one training, as data."""
    made = trainer(loss_weights, second_derivatives, meta_steps)
    made.fit(verbose=0)
    return {"history": made.validations, "skipped": made.skipped}


def costs():
    """Seconds and bytes of a meta-step without and with second derivatives."""
    made = {kept: trainer("all", kept, 10) for kept in (False, True)}
    seconds = interleaved({kept: m.step for kept, m in made.items()}, 5, 0.5)
    return {
        "seconds_per_meta_step": {str(kept): value for kept, value in seconds.items()},
        "bytes": {str(kept): peak_bytes(m.step) for kept, m in made.items()},
    }


def contributions(title, kind, second_derivatives):
    """Norms by step of one unroll, as data."""
    task, preset, steps = UNROLLS[title]
    if preset is None:
        rule = rules.LSTM(preprocess=None if task == "quadratic" else 10.0)
    else:
        rule = presets.load_preset(preset)
    count = 32 if task == "quadratic" else 2
    norms, _ = norms_by_step(
        rule, tasks.get(task), tasks.as_seed(5), steps, kind, count, second_derivatives
    )
    return {"norms": norms.tolist()}


def run(experiment):
    """The section as Markdown; its plot and records are written beside it."""
    steps, pieces = experiment.plan.choice_meta_steps, experiment.pieces
    histories = {
        (kind, kept): pieces.value(
            "choice-training", [kind, kept, steps], lambda k=kind, s=kept: trained(k, s, steps)
        )
        for kind, kept in TRAININGS
    }
    cost = pieces.value("choice-cost", [UNROLL, TASKS], costs)
    norms = {
        (title, kind, kept): pieces.value(
            "choice-norms",
            [title, UNROLLS[title], kind, kept],
            lambda a=(title, kind, kept): contributions(*a),
        )["norms"]
        for title in UNROLLS
        for kind in LOSS_WEIGHTS
        for kept in (False, True)
        if kept is False or kind != "linear"
    }
    write(histories, norms, experiment.output)
    return "\n".join(
        [
            "### How the weights and the second derivatives train\n",
            f"The paper's LSTM on quadratics, unroll {UNROLL}, {TASKS} functions, {steps} "
            "meta-steps of the same seeds; scored after 100 steps on 256 fresh functions.\n",
            training_table(histories),
            cost_sentence(cost),
            "### Does the last-only loss vanish over backpropagation through time?\n",
            "‖∂L/∂φ_t‖, φ_t the meta-parameters as step t uses them: the first step's over the "
            "last step's.\n",
            norms_table(norms),
            "\n![Contributions of the steps to the meta-gradient](choices.png)\n",
        ]
    )


def training_table(histories):
    """Best score, final loss there, and the final loss at the end of the training."""
    lines = []
    for (kind, kept), made in histories.items():
        best = min(made["history"], key=lambda h: h["score"])
        lines.append(
            [
                kind,
                "kept" if kept else "dropped",
                f"{best['score']:.3f}",
                number(best["final_loss_0"]),
                number(made["history"][-1]["final_loss_0"]),
                made["skipped"],
            ]
        )
    header = ["w_t", "second derivatives", "best score (log mean loss)"]
    return markdown([*header, "final loss there", "final loss at the end", "skipped"], lines)


def cost_sentence(cost):
    seconds = cost["seconds_per_meta_step"]
    text = (
        f"A meta-step takes {1e3 * seconds['False']:.0f} ms without and "
        f"{1e3 * seconds['True']:.0f} ms with second derivatives "
        f"({seconds['True'] / seconds['False']:.2f} times)"
    )
    size = cost["bytes"]
    if size["False"] and size["True"]:
        text += f", and {size['False'] / 1e6:.0f} and {size['True'] / 1e6:.0f} MB at its peak"
    return text + ".\n"


def norms_table(norms):
    lines = []
    for title in UNROLLS:
        cells = []
        for kind, kept in (("all", False), ("linear", False), ("final", False), ("final", True)):
            values = norms[title, kind, kept]
            cells.append(number(values[0] / values[-1]))
        lines.append([title, *cells])
    header = ["", "all", "linear", "last only", "last only, second derivatives kept"]
    return markdown(header, lines)


def write(histories, norms, output):
    """The records as CSV, the norms as a plot."""
    write_csv(
        output / "choices-training.csv",
        [
            {"weights": kind, "second_derivatives": kept, **h}
            for (kind, kept), made in histories.items()
            for h in made["history"]
        ],
    )
    write_csv(
        output / "choices-norms.csv",
        [
            {"unroll": t, "weights": k, "second_derivatives": s, "step": i + 1, "norm": v}
            for (t, k, s), values in norms.items()
            for i, v in enumerate(values)
        ],
    )
    figure, axes = plt.subplots(2, 3, figsize=(13, 7), layout="constrained")
    for axis, title in zip(axes.flat, UNROLLS, strict=True):
        for (name, kind, kept), values in norms.items():
            if name == title:
                label = f"w_t {kind}{', second derivatives' if kept else ''}"
                style = "--" if kept else "-"
                axis.semilogy(np.arange(1, len(values) + 1), values, style, label=label)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("step t of the unroll")
        axis.grid(True, color="#dddddd", linewidth=0.6)
    axes[0][0].set_ylabel("‖∂L/∂φ_t‖")
    axes[1][0].set_ylabel("‖∂L/∂φ_t‖")
    axes[0][0].legend(frameon=False, fontsize=8)
    figure.savefig(output / "choices.png", dpi=120)
    plt.close(figure)

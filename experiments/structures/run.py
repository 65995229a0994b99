"""All-around: what is learned on one structure or problem, on every other, and on all at once.

python -m experiments.structures.run

Each of three rules is meta-trained from random weights on each of nine tasks, with the same number
of meta-steps, and once on all of them in turn, with as many for each. Each then trains all nine
from the same starts beside tuned Adam. Writes structures.md with, of every rule, how much of each
specialist's lead the one that saw all keeps; structures.csv; and structures.png with a heat map for
each rule. Finished meta-trainings and runs are kept in --pieces.
"""

import pathlib

import matplotlib.pyplot as plt
import numpy as np
from absl import app, flags

from experiments.pieces import Pieces
from experiments.shared_step import SharedStep, draw_ratios, log_ratio
from experiments.tables import markdown
from l2l_tf import evaluation, meta, presets
from l2l_tf.core.files import write_csv, write_whole

STRUCTURES = {
    "dense": "digits_mlp",
    "residual": "residual_net",
    "highway": "highway_net",
    "recurrent": "row_rnn",
    "convolutional": "image_patches(dataset=mnist)",
    "attention": "image_attention(dataset=mnist)",
    "regression": "diabetes_mlp",
    "autoencoding": "image_autoencoder(dataset=mnist)",
    "reinforcement": "cart_pole",
}
RULES = {
    "lstm": "lstm(hidden_size=20,layers=2)",
    "rnnprop": "rnnprop(hidden_size=16,layers=1)",
    "spectral": "spectral(hidden_size=8)",
}
ALL, ADAM = "all", "adam"
STEPS, UNROLL, NUM_TASKS = 100, 20, 4
# Powers of ten by which a specialist has to be ahead for its lead to be kept or lost.
LEAD = 0.05
# Losses below are as good as none: a pole that is up in 99 of 100 steps.
FLOOR = 1e-2
RATES = {"lstm": 3e-3, "rnnprop": 1e-2, "spectral": 1e-2}

FLAGS = flags.FLAGS
if __name__ == "__main__":
    flags.DEFINE_list("rules", list(RULES), f"Of {', '.join(RULES)}.")
    flags.DEFINE_list("structures", list(STRUCTURES), f"Of {', '.join(STRUCTURES)}.")
    flags.DEFINE_integer("meta_steps", 200, "Meta-steps for each task.", 1)
    flags.DEFINE_integer("seeds", 3, "Runs of each on each.", 1)
    flags.DEFINE_string("pieces", "runs/structures", "Where what is finished is kept.")
    flags.DEFINE_string("output_dir", "experiments/structures/results", "For the report.")


def trained(name, structures, meta_steps, pieces):
    """A rule as it is after meta-training on tasks, each of which has `meta_steps`.

    Args:
        name: Key of `RULES`.
        structures: Keys of `STRUCTURES`.
        meta_steps: Int.
        pieces: `Pieces`.
    """
    texts = [STRUCTURES[s] for s in structures]
    rule = presets.resolve(RULES[name], untrained=True).rule

    def compute():
        trainer = meta.Trainer(
            rule,
            texts,
            meta.TruncatedBPTT(unroll=UNROLL, num_tasks=NUM_TASKS, log_loss=True),
            trajectories=(STEPS,),
            meta_steps=meta_steps * len(texts),
            meta_learning_rate=RATES[name],
            validate_every=max(meta_steps * len(texts) // 8, 1),
            num_validation_tasks=NUM_TASKS,
        )
        trainer.fit(verbose=0)
        print(f"{name} on {', '.join(structures)}: {trainer.best_score:.3f}", flush=True)
        kept = trainer.best_rule().meta_params
        return {k: np.asarray(v).tolist() for k, v in kept.items()}

    key = [RULES[name], texts, meta_steps, RATES[name], STEPS, UNROLL, NUM_TASKS]
    kept = pieces.value(f"trained-{name}", key, compute)
    return rule.bind({k: np.array(kept[k], "float32") for k in rule.meta_params})


def losses(name, rows, structure, seeds, pieces):
    """Dict what it was trained on → list over seeds of final train losses on a structure.

    Args:
        name: Key of `RULES`.
        rows: Dict what it was trained on → rule.
        structure: Key of `STRUCTURES`.
        seeds: Int.
        pieces: `Pieces`.
    """
    shared, found = None, {}
    for trained_on, rule in rows.items():

        def compute(rule=rule):
            nonlocal shared
            shared = shared or SharedStep(STRUCTURES[structure], rule, STEPS)
            return [shared.final_loss(rule, seed) for seed in range(seeds)]

        key = [STRUCTURES[structure], evaluation.learned(rule).identity, seeds, STEPS]
        found[trained_on] = pieces.value(f"used-{name}", key, compute)
    return found


def adams(structure, seeds, pieces):
    """List over seeds of tuned Adam's final train losses on a structure."""
    results = pieces.results(
        ADAM,
        STRUCTURES[structure],
        [ADAM],
        steps=STEPS,
        seeds=seeds,
        grid=evaluation.Grid(1e-3, 1e-1, per_decade=2),
        grid_seeds=1,
        records=1,
    )
    runs = results.runs(STRUCTURES[structure], ADAM).values()
    return [run[-1].train_loss for run in runs]


def matrix_of(found, reference):
    """`[trained on, structures]` of log10(loss / tuned Adam's); see `log_ratio`."""
    trained_on = list(next(iter(found.values())))

    def ratio(losses, theirs):
        return log_ratio(np.maximum(losses, FLOOR), np.maximum(theirs, FLOOR))

    return np.array([[ratio(found[s][row], reference[s]) for s in found] for row in trained_on])


def kept_of_leads(matrix):
    """List of `(lead, kept)`, one for each structure, of a matrix whose last row saw all.

    A specialist's lead is by how much it is ahead of tuned Adam on its own structure, in powers of
    ten; kept is the part of it that the last row has there. None where it is below `LEAD`.
    """
    leads = [-matrix[i, i] for i in range(len(matrix) - 1)]
    return [(lead, -matrix[-1, i] / lead if lead >= LEAD else None) for i, lead in enumerate(leads)]


def table(matrices, structures):
    """Markdown: of each rule and structure the specialist's lead, and what is kept of it."""
    lines = []
    for name, matrix in matrices.items():
        pairs = kept_of_leads(matrix)
        leads = [f"{lead:.2f}" for lead, _ in pairs]
        shares = ["–" if kept is None else f"{100 * kept:.0f} %" for _, kept in pairs]
        known = [min(max(kept, 0.0), 1.0) for _, kept in pairs if kept is not None]
        median = f"{100 * np.median(known):.0f} %" if known else "–"
        ahead = f"{int(np.sum(matrix[-1] < 0))} of {len(structures)}"
        lines.append([f"{name}, specialist's lead", *leads, ""])
        lines.append([f"{name}, kept by all at once (ahead on {ahead})", *shares, median])
    return markdown(["", *structures, "median"], lines)


def draw(matrices, structures, path):
    """A heat map for each rule, blue where ahead of tuned Adam."""
    count, rows = len(matrices), [*structures, ALL]
    size = (0.62 * len(structures) * count + 3.0, 0.5 * len(rows) + 1.8)
    figure, axes = plt.subplots(
        1, count, figsize=size, layout="constrained", squeeze=False, sharey=True
    )
    for axis, (name, matrix) in zip(axes[0], matrices.items(), strict=True):
        image = draw_ratios(axis, matrix)
        axis.set_title(name)
        axis.set_xticks(range(len(structures)), structures, rotation=55, ha="right", fontsize=8)
    axes[0][0].set_yticks(range(len(rows)), [f"trained on {row}" for row in rows], fontsize=8)
    figure.colorbar(image, ax=axes[0].tolist(), label="log10(loss / tuned Adam's)")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv):
    del argv
    pieces, structures = Pieces(FLAGS.pieces), FLAGS.structures
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    reference = {s: adams(s, FLAGS.seeds, pieces) for s in structures}
    records = [
        {"rule": ADAM, "trained": "tuned", "structure": s, "seed": seed, "train_loss": loss}
        for s, found in reference.items()
        for seed, loss in enumerate(found)
    ]
    matrices = {}
    for name in FLAGS.rules:
        rows = {s: trained(name, [s], FLAGS.meta_steps, pieces) for s in structures}
        rows[ALL] = trained(name, structures, FLAGS.meta_steps, pieces)
        found = {s: losses(name, rows, s, FLAGS.seeds, pieces) for s in structures}
        matrices[name] = matrix_of(found, reference)
        records += [
            {"rule": name, "trained": row, "structure": s, "seed": seed, "train_loss": loss}
            for s, of in found.items()
            for row, runs in of.items()
            for seed, loss in enumerate(runs)
        ]
        text = (
            "# All-around\n\n`python -m experiments.structures.run`: "
            f"{FLAGS.meta_steps} meta-steps for each task, {FLAGS.seeds} seeds. Lead: log10 of "
            f"tuned Adam's train loss after {STEPS} steps over that of the rule that was "
            "meta-trained on this task alone. Kept: the part of it that the rule has which was "
            "meta-trained on all, where the lead is 0.05 or more; the median has it in [0, 1].\n\n"
            f"{table(matrices, structures)}"
            "\n![Trained on × used on](structures.png)\n"
        )
        write_whole(output / "structures.md", text)
        write_csv(output / "structures.csv", records)
        draw(matrices, structures, output / "structures.png")
        print(text, flush=True)


if __name__ == "__main__":
    app.run(main)

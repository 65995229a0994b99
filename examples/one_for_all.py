"""A rule for one structure or for all: meta-trained on each of three, and on all of them at once.

A small rule is meta-trained from random weights on a dense net, a highway net and a recurrent one,
all on scikit-learn's digits, and once on all three in turn with as many meta-steps for each. Each
of the four then trains all three nets beside tuned Adam, by `evaluate`: same starts, same batches.
Prints final train losses, draws one_for_all.png, a heat map of log10 of them over tuned Adam's.

python examples/one_for_all.py
"""

import numpy as np
from matplotlib import pyplot

from l2l_tf import evaluation, meta

RULE = "rnnprop(hidden_size=8,layers=1)"
STRUCTURES = {"dense": "digits_mlp", "highway": "highway_net", "recurrent": "row_rnn"}
META_STEPS = 60
STEPS = 100
UNROLL = 20
SEEDS = 2


def trained(tasks):
    """A rule after `META_STEPS` meta-steps on each of the tasks, in turn."""
    trainer = meta.Trainer(
        RULE,
        tasks,
        meta.TruncatedBPTT(unroll=UNROLL, num_tasks=4, log_loss=True),
        trajectories=(STEPS,),
        meta_steps=META_STEPS * len(tasks),
        meta_learning_rate=0.02,
        validate_every=META_STEPS * len(tasks) // 3,
        num_validation_tasks=4,
        jit_compile=False,  # XLA takes longer to compile than these few meta-steps do.
    )
    trainer.fit(verbose=0)
    print(f"meta-trained on {', '.join(tasks)}: validation score {trainer.best_score:.2f}")
    return trainer.best_rule()


rules = {f"trained on {name}": trained([task]) for name, task in STRUCTURES.items()}
rules["trained on all"] = trained(list(STRUCTURES.values()))
results = evaluation.evaluate(
    list(STRUCTURES.values()),
    [*(evaluation.learned(rule, name) for name, rule in rules.items()), "adam"],
    steps=STEPS,
    seeds=SEEDS,
    grid=evaluation.Grid(1e-2, 1e-1, per_decade=2),
    grid_seeds=1,
    records=1,
    jit_compile=False,
)
losses = {}
for task in STRUCTURES.values():
    for row in results.summary(task):
        losses.setdefault(row.contestant.optimizer, []).append(row.train_loss.median)
print(f"\nMedian train loss after {STEPS} steps:\n{'':22}", *(f"{s:>10}" for s in STRUCTURES))
for name in [*rules, "adam"]:
    print(f"{name:22}", *(f"{loss:10.3g}" for loss in losses[name]))

ratios = np.log10([losses[name] for name in rules]) - np.log10(losses["adam"])
figure, axis = pyplot.subplots(figsize=(6, 4), layout="constrained")
image = axis.imshow(ratios, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
for (row, column), value in np.ndenumerate(ratios):
    colour = "white" if abs(value) > 0.6 else "black"
    axis.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour)
axis.set_xticks(range(len(STRUCTURES)), [f"used on\n{name}" for name in STRUCTURES])
axis.set_yticks(range(len(rules)), rules)
figure.colorbar(image, label="log10(loss / tuned Adam's): blue is ahead")
figure.savefig("one_for_all.png", dpi=110)

"""Who takes the meta-steps: Adam, the shipped default, the rule itself, or two rules in turn.

A small rule is meta-trained on random quadratics from random weights. Its meta-gradients are given
to Adam, to the default (`preset:spectral-general`), to the rule as it is at that meta-step (`self`)
or to a second one, which it trains in turn (`dual`). Rates and factors are those that
experiments/meta_optimizers found best. Prints validation scores (mean log loss along runs; lower is
better) for several first weights, draws two_optimizers.png.

python examples/two_optimizers.py
"""

from matplotlib import pyplot

from l2l_tf import meta

META_STEPS = 120
EVERY = 20
SEEDS = (1, 2)
optimizers = {
    "adam": {"meta_learning_rate": 0.1},
    "preset:spectral-general": {"meta_update_scale": 3.0},
    "self": {"meta_update_scale": 0.3},
    "dual": {"meta_update_scale": 0.3},
}
trainer = meta.Trainer(
    "rnnprop(hidden_size=8,layers=1)",
    ["quadratic"],
    meta.TruncatedBPTT(unroll=20, num_tasks=16, log_loss=True),
    trajectories=(100,),
    meta_steps=META_STEPS,
    validate_every=EVERY,
    num_validation_tasks=64,
)


def untrained(seed):
    return trainer.rule.bind(trainer.rule.initial_meta_params(seed))


figure, axis = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
scores = {}
for colour, (name, settings) in enumerate(optimizers.items()):
    scores[name] = []
    for seed in SEEDS:
        trainer.restart(untrained(seed), meta_optimizer=name, seed=seed, **settings)
        if trainer.partner:  # The second rule begins with weights of its own.
            trainer.partner.restart(untrained(seed + 1))
        trainer.fit(verbose=0)
        along = [entry["score"] for entry in trainer.validations]
        scores[name].append(along)
        label = name if seed == SEEDS[0] else None
        steps = [entry["meta_step"] for entry in trainer.validations]
        axis.plot(steps, along, "o-", ms=3, color=f"C{colour}", label=label)
    print(
        f"{name:24} "
        + "; ".join(
            f"seed {seed}: {along[0]:.2f} before, {min(along):.2f} at best, {along[-1]:.2f} at last"
            for seed, along in zip(SEEDS, scores[name], strict=True)
        ),
        flush=True,
    )
axis.set(xlabel="meta-steps", ylabel="validation score (mean log loss)")
figure.legend(title="what takes the meta-steps", loc="outside lower center", ncols=4)
figure.savefig("two_optimizers.png", dpi=110)

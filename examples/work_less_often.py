"""The default at every step, at every fourth, and orthogonalising at every fourth, beside Adam.

The rule `lazy` asks another one at some steps only and goes on along the momentum in between. With
`precondition_frequency` the default keeps all else and orthogonalises its kernels now and then.
All train a net on scikit-learn's digits by `fit`. Prints losses on all rows and what a step takes,
over Adam's, by `cost_report`. Draws work_less_often.png: losses, and quality against cost.

python examples/work_less_often.py
"""

import keras
import numpy as np
from matplotlib import pyplot
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer, cost_report, presets, rules

EPOCHS = 10
EVERY = 4
REPEATS = 9
BATCH = 64
x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")


def build():
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(256, "relu"), keras.layers.Dense(256, "relu")]
    return keras.Sequential([keras.layers.Input((64,)), *hidden, keras.layers.Dense(10)])


default = presets.default_preset()
lazy = rules.Lazy(presets.load_preset(default), every=EVERY)
less = f"spectral-general(precondition_frequency={EVERY})"
optimizers = {
    "the default": LearnedOptimizer(),
    f"the default, every {EVERY} steps": LearnedOptimizer(rule=lazy),
    f"orthogonalised every {EVERY} steps": LearnedOptimizer(rule=less),
    "Adam(1e-3)": keras.optimizers.Adam(1e-3),
    "Adam(1e-2)": keras.optimizers.Adam(1e-2),
}
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
figure, (curves, cost) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
final, along, times = {}, {}, {}
for name, optimizer in optimizers.items():
    report = cost_report(build(), optimizer, batch_size=BATCH, repeats=REPEATS)
    times[name] = report.break_even
    model = build()
    model.compile(optimizer, loss_of)
    losses = model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0).history["loss"]
    final[name] = model.evaluate(x, y, batch_size=len(x), verbose=0)
    along[name] = float(np.exp(np.mean(np.log(losses))))
    print(
        f"{name:30} loss {final[name]:.2g} at the end, {along[name]:.2g} along the run; a step "
        f"takes {report.optimizer_milliseconds:.2f} ms, {times[name]:.2f} times Adam's",
        flush=True,
    )
    curves.plot(range(1, EPOCHS + 1), losses, label=name)
    cost.plot(times[name], along[name], "o", ms=9, label=name)
curves.set(yscale="log", xlabel="epochs", ylabel="train loss (mean over the epoch)")
cost.set(yscale="log", xlabel="time of a step / Adam's (forward and backward included)")
cost.set_ylabel("geometric mean of the epochs' losses")
cost.set_xlim(left=0.0)
curves.legend(fontsize=8)
figure.savefig("work_less_often.png", dpi=110)

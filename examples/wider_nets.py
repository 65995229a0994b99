"""Nets ten and fifty times as wide as the paper's: its LSTM, the default and Adam.

A net of one hidden layer learns scikit-learn's digits by `fit`, with 20 hidden units, for which
the preset `lstm-digits` was meta-trained, and with more. Prints losses on all rows and what a step
takes, over Adam's, by `cost_report`. Draws wider_nets.png.

python examples/wider_nets.py
"""

import keras
from matplotlib import pyplot
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer, cost_report

UNITS = (20, 200, 1000)
EPOCHS = 7
BATCH = 128
REPEATS = 5
x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def build(units):
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(units, "sigmoid")
    return keras.Sequential([keras.layers.Input((64,)), hidden, keras.layers.Dense(10)])


learned = {
    "lstm-digits": lambda: LearnedOptimizer(preset="lstm-digits"),
    "the default": LearnedOptimizer,
}
optimizers = {
    **learned,
    "Adam(1e-3)": lambda: keras.optimizers.Adam(1e-3),
    "Adam(1e-2)": lambda: keras.optimizers.Adam(1e-2),
    "Adam(1e-1)": lambda: keras.optimizers.Adam(1e-1),
}
losses, times = {}, {}
for name, make in optimizers.items():
    losses[name], times[name] = [], []
    for units in UNITS:
        model, dearer = build(units), ""
        if name in learned:
            report = cost_report(model, make(), batch_size=BATCH, repeats=REPEATS)
            times[name].append(report.break_even)
            dearer = f", a step takes {report.break_even:.2f} times as long as Adam's"
        model.compile(make(), loss_of)
        model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
        losses[name].append(model.evaluate(x, y, batch_size=len(x), verbose=0))
        count = f"{units} units ({model.count_params():,} weights)"
        print(f"{name:12} {count:27} loss {losses[name][-1]:.2g}{dearer}", flush=True)

figure, (loss, cost) = pyplot.subplots(1, 2, figsize=(9, 4), layout="constrained")
for name in optimizers:
    loss.plot(UNITS, losses[name], "o-", label=name)
for name in learned:
    cost.plot(UNITS, times[name], "o-")
cost.axhline(1.0, color="grey", lw=1)
for axis in (loss, cost):
    axis.set(xscale="log", yscale="log", xlabel="hidden units")
    axis.set_xticks(UNITS, UNITS)
    axis.minorticks_off()
loss.set_ylabel(f"train loss after {EPOCHS} epochs")
cost.set_ylabel("time of a step / Adam's (grey)")
figure.legend(loc="outside lower center", ncols=5)
figure.savefig("wider_nets.png", dpi=110)

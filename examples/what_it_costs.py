"""What the default costs on two Keras models, beside Adam, and when that pays back in seconds.

`cost_report` takes steps without an optimizer, with Adam and with the default in turn, on copies of
a model. Prints its tables for a dense net and a conv net at batches of two sizes, and from how long
a run of Adam on the default is quicker if it needs half of Adam's steps. Draws what_it_costs.png:
time of a step, operations, and bytes of state.

python examples/what_it_costs.py
"""

import math

import keras
from matplotlib import pyplot

from l2l_tf import LearnedOptimizer, cost_report

BATCHES = (32, 256)
REPEATS = 5
SPEED_UP = 2.0
layers = keras.layers


def dense_net():
    hidden = [layers.Dense(256, "relu"), layers.Dense(256, "relu")]
    return keras.Sequential([layers.Input((784,)), *hidden, layers.Dense(10)])


def conv_net():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


reports = {}
for name, build in {"dense net": dense_net, "conv net": conv_net}.items():
    for batch in BATCHES:
        report = cost_report(build(), LearnedOptimizer(), batch_size=batch, repeats=REPEATS)
        reports[f"{name}\n{batch} rows"] = report
        seconds = report.break_even_seconds(SPEED_UP)
        print(f"\n{name}: {report}", flush=True)
        since = "never" if math.isinf(seconds) else f"from runs of Adam of {seconds:.0f} s on"
        print(f"With {SPEED_UP:g} times fewer steps, first steps counted, quicker: {since}.")

# What is drawn of a report: names of fields, without the part that says of what.
optimizers = {"no optimizer": "forward_backward", "Adam": "adam", "the default": "optimizer"}
panels = {
    "milliseconds": "ms a step, forward and backward included",
    "flops": "FLOP per weight (grey: forward + backward)",
    "state_bytes": "bytes of state per weight",
}
figure, axes = pyplot.subplots(1, 3, figsize=(12, 4), layout="constrained")
for axis, (unit, title) in zip(axes, panels.items(), strict=True):
    for place, (who, field) in enumerate(optimizers.items()):
        over = [1 if unit == "milliseconds" else r.weights for r in reports.values()]
        found = [getattr(r, f"{field}_{unit}", 0.0) for r in reports.values()]
        heights = [value / weights for value, weights in zip(found, over, strict=True)]
        at = [group + 0.27 * (place - 1) for group in range(len(reports))]
        bars = axis.bar(at, heights, 0.27, color=f"C{(7, 0, 1)[place]}", label=who)
        if (unit, field) == ("milliseconds", "optimizer"):
            axis.bar_label(bars, [f"{r.break_even:.2f} ×" for r in reports.values()], fontsize=9)
    axis.set_xticks(range(len(reports)), reports, fontsize=9)
    axis.set_title(title, fontsize=10)
axes[0].set_xlabel("above the bars: break-even, the default's time / Adam's", fontsize=9)
axes[0].margins(y=0.12)
axes[1].set_yscale("log")
axes[0].legend()
figure.savefig("what_it_costs.png", dpi=110)

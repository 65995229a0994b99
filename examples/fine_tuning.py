"""A net that knows the digits 0 to 4 learns 5 to 9, its first layers at a tenth of the rate.

Beside it Adam, and training from nothing. Prints held-out accuracies, draws fine_tuning.png.

python examples/fine_tuning.py
"""

import keras
from matplotlib import pyplot
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer

x, y = load_digits(return_X_y=True)
x = (x.reshape(-1, 8, 8, 1) / 16.0).astype("float32")
known, new = y < 5, y >= 5
few = 150  # Rows of the new digits; the others are held out.
EPOCHS = 15


def body():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
        ],
        name="body",
    )


def with_head(inner, name="head"):
    return keras.Sequential([inner, keras.layers.Dense(5, "softmax", name=name)])


pretrained = with_head(body())
pretrained.compile(LearnedOptimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
pretrained.fit(x[known], y[known], 32, epochs=10, verbose=0)
accuracy = pretrained.evaluate(x[known], y[known], verbose=0)[1]
print(f"on the digits 0 to 4, before: accuracy {accuracy:.3f}")

weights = pretrained.layers[0].get_weights()
slowly = LearnedOptimizer(learning_rate_multipliers={"conv2d": 0.1})
optimizers = {
    "fine-tuned, LearnedOptimizer(), body at 0.1": (True, slowly),
    "fine-tuned, LearnedOptimizer()": (True, LearnedOptimizer()),
    "fine-tuned, Adam(1e-3)": (True, keras.optimizers.Adam(1e-3)),
    "from nothing, LearnedOptimizer()": (False, LearnedOptimizer()),
}
accuracies = {}
figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
for name, (from_known, optimizer) in optimizers.items():
    inner = body()
    if from_known:
        inner.set_weights(weights)
    model = with_head(inner, "new_head")
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    rows, labels = x[new], y[new] - 5
    history = model.fit(
        rows[:few],
        labels[:few],
        32,
        EPOCHS,
        validation_data=(rows[few:], labels[few:]),
        verbose=0,
    ).history
    accuracies[name] = history["val_accuracy"][-1]
    print(f"{name:45} held-out accuracy on 5 to 9: {accuracies[name]:.3f}")
    axes.plot(range(1, EPOCHS + 1), history["val_accuracy"], label=name)
axes.set(xlabel="epochs", ylabel="held-out accuracy on the digits 5 to 9")
axes.legend(fontsize=8)
figure.savefig("fine_tuning.png", dpi=120)

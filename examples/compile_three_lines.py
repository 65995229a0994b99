"""A learned optimizer in `compile`: three lines train a model on scikit-learn's digits.

Prints the held-out loss and accuracy beside Adam's, as Keras has it.

python examples/compile_three_lines.py
"""

import keras
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer

x, y = load_digits(return_X_y=True)
x, split = (x / 16.0).astype("float32"), 1437
results = {}
for optimizer in (LearnedOptimizer(), keras.optimizers.Adam()):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:split], y[:split], batch_size=64, epochs=15, verbose=2)
    results[type(optimizer).__name__] = model.evaluate(x[split:], y[split:], verbose=0)

for name, (loss, accuracy) in results.items():
    print(f"{name}(): held-out loss {loss:.3f}, accuracy {accuracy:.3f}")

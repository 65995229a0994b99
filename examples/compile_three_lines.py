"""A learned optimizer in `compile`: three lines train a model on scikit-learn's digits.

python examples/compile_three_lines.py
"""

import keras
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer

x, y = load_digits(return_X_y=True)
x, split = (x / 16.0).astype("float32"), 1437
keras.utils.set_random_seed(0)

model = keras.Sequential([keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")])
model.compile(LearnedOptimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x[:split], y[:split], batch_size=64, epochs=15, verbose=2)

loss, accuracy = model.evaluate(x[split:], y[split:], verbose=0)
print(f"held-out loss {loss:.3f}, accuracy {accuracy:.3f}")

"""Small models and rules that several tests train."""

import keras
import numpy as np

from l2l_tf import rules

RULES = {
    "lstm": lambda: rules.LSTM(hidden_size=4, layers=2, seed=3),
    "rnnprop": lambda: rules.RNNProp(hidden_size=4, layers=1, seed=3),
    "celo": lambda: rules.Celo(scheduler_size=8, seed=3),
    "celo_adam": lambda: rules.CeloAdam(scheduler_size=8, seed=3),
    "celo2": lambda: rules.Celo2(step_size=0.01, seed=3),
    "adam": lambda: rules.Adam(0.01),
    "momentum": lambda: rules.Momentum(0.01, nesterov=True),
    "sgd": lambda: rules.SGD(0.01),
    "gac_lstm": lambda: rules.GACLSTM(hidden_size=4, averaging_cells=[1, [0, 3]], seed=3),
    "ntm_bfgs": lambda: rules.NTMBFGS(hidden_size=4, layers=1, update_from="sum", seed=3),
    "ntm_lbfgs": lambda: rules.NTMLBFGS(
        window=3, hidden_size=4, layers=1, read="same_step", update_from="sum", seed=3
    ),
}
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(64, 5)).astype("float32")
Y = (X.sum(axis=1, keepdims=True) > 0).astype("float32")


def make_model(**compile_arguments):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.layers.Input((5,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    )
    model.compile(loss="mse", **compile_arguments)
    return model


def fit(model, epochs=3, **arguments):
    history = model.fit(X, Y, 16, epochs, verbose=0, shuffle=False, **arguments)
    return history.history["loss"]


def weights(model):
    return [w.copy() for w in model.get_weights()]


def assert_same(a, b, **tolerance):
    for left, right in zip(a, b, strict=True):
        np.testing.assert_allclose(left, right, **tolerance)

"""Cells: what update rules are made of, as pure functions in `keras.ops`.

Per-coordinate tensors keep the coordinates on their *last* axis: `[n]` or
`[features, n]`. That layout was chosen by measurement (ARCHITECTURE.md).
"""

from l2l_tf.cells.accumulators import (
    bias_correction,
    exponential_mean,
    root_mean_square,
)
from l2l_tf.cells.linear import linear, linear_meta_params
from l2l_tf.cells.lstm import (
    lstm_layer_step,
    lstm_meta_params,
    lstm_step,
    stacked_lstm_step,
)
from l2l_tf.cells.newton_schulz import MINIMAX, gram_of, newton_schulz, whitened, whitening
from l2l_tf.cells.preprocessing import log_and_sign
from l2l_tf.cells.progress import fraction_done
from l2l_tf.cells.touched import only_where, touched
from l2l_tf.cells.written_gradients import undifferentiated

__all__ = [
    "MINIMAX",
    "bias_correction",
    "exponential_mean",
    "fraction_done",
    "gram_of",
    "linear",
    "linear_meta_params",
    "log_and_sign",
    "lstm_layer_step",
    "lstm_meta_params",
    "lstm_step",
    "newton_schulz",
    "only_where",
    "root_mean_square",
    "stacked_lstm_step",
    "touched",
    "undifferentiated",
    "whitened",
    "whitening",
]

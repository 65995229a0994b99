"""Cells: what update rules are made of, as pure functions in `keras.ops`.

Per-coordinate tensors keep the coordinates on their *last* axis: `[n]` or
`[features, n]`. That layout was chosen by measurement (ARCHITECTURE.md).
"""

from l2l_tf.cells.accumulators import (
    bias_correction,
    exponential_mean,
    root_mean_square,
)
from l2l_tf.cells.averaging import averaged_cells, averaging_lstm_step, in_lockstep
from l2l_tf.cells.celo_inputs import accumulate, celo_slot_shapes, input_blocks
from l2l_tf.cells.linear import linear, linear_meta_params
from l2l_tf.cells.loss_features import initial_loss_state, observe_loss
from l2l_tf.cells.lstm import lstm_meta_params, lstm_step, stacked_lstm_step
from l2l_tf.cells.memory import DenseMemory, WindowMemory
from l2l_tf.cells.newton_schulz import newton_schulz
from l2l_tf.cells.normalised_mlp import mlp_meta_params, normalised_mlp
from l2l_tf.cells.preprocessing import log_and_sign
from l2l_tf.cells.progress import fraction_done, progress_features
from l2l_tf.cells.scheduler import scheduler_meta_params, scheduler_step

__all__ = [
    "DenseMemory",
    "WindowMemory",
    "accumulate",
    "averaged_cells",
    "averaging_lstm_step",
    "bias_correction",
    "celo_slot_shapes",
    "exponential_mean",
    "fraction_done",
    "initial_loss_state",
    "in_lockstep",
    "input_blocks",
    "linear",
    "linear_meta_params",
    "log_and_sign",
    "lstm_meta_params",
    "lstm_step",
    "mlp_meta_params",
    "newton_schulz",
    "normalised_mlp",
    "observe_loss",
    "progress_features",
    "root_mean_square",
    "scheduler_meta_params",
    "scheduler_step",
    "stacked_lstm_step",
]

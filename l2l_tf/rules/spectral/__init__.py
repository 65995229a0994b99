"""An LSTM per variable steers steps whose size is right at any width by construction."""

from l2l_tf.rules.spectral.rule import Spectral

__all__ = ["Spectral"]

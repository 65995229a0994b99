"""An LSTM per variable steers a mixture of normalised and orthogonalised directions."""

from l2l_tf.rules.mixture.rule import Mixture

__all__ = ["Mixture"]

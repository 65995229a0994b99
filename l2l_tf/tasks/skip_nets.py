"""Networks whose layers add to what comes in: residual and highway networks."""

from collections.abc import Iterator

import tensorflow as tf

from l2l_tf.core.config import integer, number
from l2l_tf.tasks.base import Tensors
from l2l_tf.tasks.grey_images import GreyImages, affine
from l2l_tf.tasks.perceptron import ACTIVATIONS
from l2l_tf.tasks.registry import register_task


@register_task("residual_net")
class ResidualNet(GreyImages):
    """`h₁ = φ(W₁x + b₁)`, `h_{l+1} = h_l + φ(W h_l + b)`, then a linear layer to the scores.

    Fully connected residual layers after He et al. (2016), arXiv 1512.03385, without
    normalization.

    Args:
        dataset: "digits", "mnist" or "fashion_mnist".
        hidden: Units of every hidden layer.
        layers: Hidden layers, the first of which has no skip connection.
        activation: φ, one of `ACTIVATIONS`.
        batch_size: As the further arguments, see `InMemoryClassification`.

    Raises:
        ValueError: If an argument is out of range.
    """

    layers: int = integer(3, min=1)

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        params = self.dense(seed, 0, self.side**2, self.hidden)
        for layer in range(1, self.layers):
            params += self.skip_layer(seed, layer)
        return [*params, *self.dense(seed, self.layers, self.hidden, self.classes)], []

    def scores(
        self, params: Tensors, model_state: Tensors, rows: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, Tensors]:
        del model_state, training
        params = iter(params)
        hidden = ACTIVATIONS[self.activation](affine(rows, next(params), next(params)))
        for _ in range(1, self.layers):
            hidden = self.skip(hidden, params)
        return affine(hidden, next(params), next(params)), []

    def skip_layer(self, seed: tf.Tensor, layer: int) -> list[tf.Tensor]:
        """Fresh parameters of a layer with a skip connection."""
        return self.dense(seed, layer, self.hidden, self.hidden)

    def skip(self, hidden: tf.Tensor, params: Iterator[tf.Tensor]) -> tf.Tensor:
        """Output of such a layer, whose parameters `params`, an iterator, gives next."""
        return hidden + ACTIVATIONS[self.activation](affine(hidden, next(params), next(params)))


@register_task("highway_net")
class HighwayNet(ResidualNet):
    """`h_{l+1} = T ⊙ φ(W h_l + b) + (1 − T) ⊙ h_l`, gate `T = sigmoid(W_T h_l + b_T)`.

    Highway networks of Srivastava, Greff and Schmidhuber (2015), arXiv 1505.00387; the first
    layer has no gate.

    Args:
        dataset: As the further arguments, see `ResidualNet`.
        gate_bias: b_T to start from; negative: what comes in passes at first (the paper: −1
            to −4).

    Raises:
        ValueError: If an argument is out of range.
    """

    gate_bias: float = number(-1.0)

    def skip_layer(self, seed: tf.Tensor, layer: int) -> list[tf.Tensor]:
        gate, bias = self.dense(seed, self.layers + layer, self.hidden, self.hidden)
        return [*super().skip_layer(seed, layer), gate, bias + self.gate_bias]

    def skip(self, hidden: tf.Tensor, params: Iterator[tf.Tensor]) -> tf.Tensor:
        candidate = ACTIVATIONS[self.activation](affine(hidden, next(params), next(params)))
        gate = tf.sigmoid(affine(hidden, next(params), next(params)))
        return hidden + gate * (candidate - hidden)

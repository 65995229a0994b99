"""Neural art: the pixels of a picture are the parameters (Gatys et al. 2015)."""

import functools
from typing import Any

import tensorflow as tf

from l2l_tf import data
from l2l_tf.core.config import choice, integer, number, setting, several
from l2l_tf.tasks import squares, vgg16
from l2l_tf.tasks.base import SPLITS, Metrics, Task, Tensors, fold_in
from l2l_tf.tasks.registry import register_task

STARTS = ("noise", "content")
START_DEVIATION = 0.5


@register_task("neural_art")
class NeuralArt(Task):
    """A photograph painted in the style of a painting: Andrychowicz et al. (2016), section 3.4.

    With the features φ of VGG-16 and their Gram matrices G, for content c and style s:

        f(x) = α ‖φ(x) − φ(c)‖² / ‖φ(c)‖² + β mean_l ‖G_l(x) − G_l(s)‖² / ‖G_l(s)‖² + γ R(x)

    R is the mean of squared differences between neighbouring pixels. The first two terms are
    relative, so that they do not depend on the scale of the features; the paper names the three
    terms and no weights. Parameters x are `[size, size, 3]`, RGB with −1 for black and 1 for
    white, not clipped. By default they start from white noise, as in Gatys et al. (2015).

    Each seed draws a photograph of `photographs`: a random part of it for training, its middle
    otherwise.

    Args:
        size: Height and width of the picture, a multiple of 16; at most 192.
        style: Name of a painting.
        photographs: Split of the photographs.
        content_weight: α.
        style_weight: β.
        smoothness: γ.
        content_layer: Layer of `vgg16.LAYERS` for the content.
        style_layers: Layers for the style.
        start: "noise", N(0, 0.5²) for every coordinate, or "content".

    Raises:
        ValueError: If an argument is out of range, or no prepared painting has the name.
    """

    # The gradient is computed together with the loss, and is a constant to whoever
    # differentiates again.
    twice_differentiable = False
    jit_compile = False

    size: int = integer(64, min=16)
    style: str = setting("gogh_auvert", squares.check_painting)
    photographs: str = choice("train", SPLITS)
    content_weight: float = number(1.0, min=0)
    style_weight: float = number(3.0, min=0)
    smoothness: float = number(1.0, min=0)
    content_layer: str = choice("conv4_2", vgg16.LAYERS)
    style_layers: tuple = several(
        ("conv1_1", "conv2_1", "conv3_1", "conv4_1"), choice(None, vgg16.LAYERS)
    )
    start: str = choice("noise", STARTS)

    def __post_init__(self):
        super().__post_init__()
        if self.size % 16 or self.size > squares.SIDE:
            raise ValueError(
                f"`size` is a multiple of 16, at most {squares.SIDE}. Received: size={self.size}"
            )
        if len(set(self.style_layers)) < len(self.style_layers):
            raise ValueError(
                f"`style_layers` are layers, each once. Received: style_layers={self.style_layers}"
            )

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        content = self.content(seed)
        target = vgg16.features(content[None], [self.content_layer])[self.content_layer][0]
        if self.start == "content":
            return [as_parameters(content)], [target]
        noise = tf.random.stateless_normal([self.size, self.size, 3], fold_in(seed, 1))
        return [START_DEVIATION * noise], [target]

    def content(self, seed: tf.Tensor) -> tf.Tensor:
        """The photograph that `init` takes for a seed: `[size, size, 3]`, from 0 to 255."""
        kept = squares.photographs(self.photographs)
        return squares.drawn(kept, fold_in(seed, 0), self.size, crop=self.photographs == "train")

    def style_image(self) -> tf.Tensor:
        """The painting: `[size, size, 3]` float32, from 0 to 255."""
        return squares.painting(self.style, self.size)

    def picture(self, params: Tensors) -> tf.Tensor | None:
        pixels = tf.round(as_pixels(tf.convert_to_tensor(params[0])))
        return tf.cast(tf.clip_by_value(pixels, 0.0, 255.0), tf.uint8)

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        image = tf.convert_to_tensor(params[0])
        losses, terms = self._losses(image[None], model_state[0][None])
        return losses[0], model_state, {name: values[0] for name, values in terms.items()}

    def tasks_loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors]:
        return self._losses(params[0], model_state[0])[0], model_state

    def _losses(self, images, targets):
        """Losses `[tasks]` and their terms; one pass forth and one back, whoever asks."""

        @tf.custom_gradient
        def losses(images):
            with tf.GradientTape() as tape:
                tape.watch(images)
                terms = self._terms(images, targets)
                total = tf.reduce_sum(self._total(terms))
            gradient = tape.gradient(total, images)

            def backward(upstream, *_):
                return upstream[:, None, None, None] * gradient

            return (self._total(terms), *terms), backward

        total, *terms = losses(images)
        names = ("content", "style", "roughness")
        return total, dict(zip(names, (tf.stop_gradient(t) for t in terms), strict=True))

    def _total(self, terms):
        content, style, roughness = terms
        return (
            self.content_weight * content + self.style_weight * style + self.smoothness * roughness
        )

    def _terms(self, images, targets):
        layers = {self.content_layer, *self.style_layers}
        found = vgg16.features(as_pixels(images), layers)
        content = _relative(found[self.content_layer], targets)
        styles = [
            _relative(vgg16.gram(found[layer]), gram[None])
            for layer, gram in zip(self.style_layers, self._style_grams(), strict=True)
        ]
        down = images[:, 1:] - images[:, :-1]
        right = images[:, :, 1:] - images[:, :, :-1]
        roughness = sum(tf.reduce_mean(tf.square(d), axis=[1, 2, 3]) for d in (down, right))
        return content, tf.add_n(styles) / len(styles), roughness

    def _style_grams(self):
        layers = tuple(self.style_layers)
        return _grams(self.style, self.size, layers, data.default_directory())


@functools.lru_cache(maxsize=8)
def _grams(style, size, layers, directory):
    del directory  # Only what is kept depends on it.
    with tf.init_scope():
        image = tf.constant(squares.painting(style, size))[None]
        found = vgg16.features(image, layers)
        return [vgg16.gram(found[layer])[0] for layer in layers]


def as_parameters(pixels):
    """Pixels from 0 to 255 as parameters from −1 to 1."""
    return pixels / 127.5 - 1.0


def as_pixels(parameters):
    """Parameters as pixels from 0 to 255, not clipped."""
    return 127.5 * (parameters + 1.0)


def _relative(values, targets):
    """Squared distance over the target's squared norm, for each task."""
    axes = list(range(1, len(values.shape)))
    return tf.reduce_sum(tf.square(values - targets), axes) / tf.reduce_sum(
        tf.square(targets), axes
    )

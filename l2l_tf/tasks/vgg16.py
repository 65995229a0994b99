"""Features of VGG-16 (Simonyan and Zisserman 2014), with weights that do not change."""

import functools

import numpy as np
import tensorflow as tf

from l2l_tf import data

# Convolutions of each block; a layer is called as in Gatys et al. (2015): "conv4_2".
BLOCKS = (2, 2, 3, 3, 3)
LAYERS = tuple(f"conv{b}_{i}" for b, count in enumerate(BLOCKS, 1) for i in range(1, count + 1))
# Of the images that the weights were trained on, in RGB; pixels from 0 to 255.
MEAN = (123.7, 116.8, 103.9)


def features(images, layers, weights=None):
    """Activations after the rectifier of some layers, no deeper than they ask for.

    Pooling averages, as Gatys et al. (2015) advise for its gradients.

    Args:
        images: `[n, height, width, 3]`, RGB from 0 to 255; height and width are multiples of
            16 if layers of all five blocks are asked for.
        layers: Names out of `LAYERS`.
        weights: Dict layer → `(kernel, offset)`; by default those that were prepared.

    Returns:
        Dict layer → `[n, height', width', channels]`.

    Raises:
        DataNotPreparedError: If the weights are not there.
    """
    weights = prepared_weights() if weights is None else weights
    deepest = max(LAYERS.index(layer) for layer in layers)
    values, found = images - tf.constant(MEAN, images.dtype), {}
    for layer in LAYERS[: deepest + 1]:
        if layer.endswith("_1") and layer != "conv1_1":
            values = tf.nn.avg_pool2d(values, 2, 2, "VALID")
        kernel, offset = weights[layer]
        values = tf.nn.relu(tf.nn.conv2d(values, kernel, 1, "SAME") + offset)
        if layer in layers:
            found[layer] = values
    return found


def gram(activations):
    """Products of channels averaged over positions: `[n, h, w, c]` → `[n, c, c]`."""
    flat = tf.reshape(activations, [activations.shape[0], -1, activations.shape[-1]])
    return tf.matmul(flat, flat, transpose_a=True) / flat.shape[1]


def prepared_weights():
    """Dict layer → `(kernel [3, 3, in, out], offset [out])` float32, for RGB.

    Raises:
        DataNotPreparedError: If the weights are not in TFDS's directory.
    """
    return _read(data.model_file("vgg16"))


@functools.lru_cache(maxsize=2)
def _read(path):
    import h5py

    weights = {}
    with h5py.File(path, "r") as file:
        for layer in LAYERS:
            block, number = int(layer[4]), int(layer[6])
            name = "conv2d" if number == 1 else f"conv2d_{number - 1}"
            held = file[f"block{block}/layers/{name}/vars"]
            kernel, offset = held["0"][()], held["1"][()]
            if layer == "conv1_1":
                kernel = np.ascontiguousarray(kernel[:, :, ::-1])  # The file's is for BGR.
            weights[layer] = (kernel, offset)
    return weights

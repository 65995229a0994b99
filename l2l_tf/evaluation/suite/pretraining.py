"""Networks trained on some classes first, for tasks of fine-tuning."""

import functools
import random

import keras


@functools.cache
def trunk_weights(build, splits, epochs):
    """Weights of all layers but the last after training with Adam; computed once per process.

    Args:
        build: Function without arguments → a classifier with softmax scores.
        splits: Function without arguments → splits of the classes that are trained on.
        epochs: Passes over the training rows.

    Returns:
        List of arrays: the weights of all layers but the last.
    """
    state = random.getstate()
    random.seed(11)
    try:
        model = build()
    finally:
        random.setstate(state)
    model.compile(
        keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    rows, labels = splits()["train"]
    # Batches in a fixed order, so that every process arrives at the same network.
    model.fit(rows, labels, 64, epochs, shuffle=False, verbose=0)
    return [weight for layer in model.layers[:-1] for weight in layer.get_weights()]


def fine_tuned(build, splits, epochs):
    """A fresh model whose layers but the last are those of `trunk_weights`."""
    weights = trunk_weights(build, splits, epochs)
    model = build()
    position = 0
    for layer in model.layers[:-1]:
        count = len(layer.weights)
        # A layer's own seeds (of dropout) stay fresh.
        layer.set_weights(weights[position : position + count])
        position += count
    return model


def with_small_factors(model, rank):
    """The model with frozen weights and trained factors `A·B` beside its kernels (Hu et al. 2021).

    Factors are Keras's own (`enable_lora`), beside the kernels of dense layers and of attention.
    The last layer is trained whole.

    Args:
        model: A model whose last layer gives the scores.
        rank: Columns of A.

    Returns:
        The same model.
    """
    for layer in model.layers[:-1]:
        if isinstance(layer, keras.layers.MultiHeadAttention):
            parts = [layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense]
        else:
            parts = [layer]
        for part in parts:
            if isinstance(part, keras.layers.Dense | keras.layers.EinsumDense):
                part.enable_lora(rank)
                part.bias.trainable = False
            else:
                part.trainable = False
    return model

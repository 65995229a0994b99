"""The middle suite's development half: for choices between rules, presets and settings."""

import functools

from l2l_tf.evaluation.suite import (
    control,
    middle_models,
    middle_sequences,
    models,
    objectives,
    sources,
    texts,
)
from l2l_tf.evaluation.suite.entry import Entry
from l2l_tf.evaluation.suite.keras_task import KerasTask
from l2l_tf.evaluation.suite.moving_targets import ValueLearning
from l2l_tf.evaluation.suite.pretraining import fine_tuned, with_small_factors

CLASSIFY, REGRESS = objectives.cross_entropy, objectives.squared_error


def _entry(name, kind, steps, batch_size, build, splits, objective=CLASSIFY, jit_compile=False):
    make = functools.partial(KerasTask, name, build, splits, objective, batch_size)
    return Entry(name, kind, make, steps, jit_compile)


def _cifar10(size):
    return functools.partial(sources.images, "cifar10", size, rows=24576)


_DIGITS_MLP = functools.partial(models.mlp, 784, [512, 512], 10)
_digits = functools.partial(sources.images, "mnist", 28, flat=True)

ENTRIES = (
    _entry(
        "mnist_mlp_512",
        "wide MLP, pixels from 0 to 1: Keras's first example",
        1500,
        128,
        lambda: models.mlp(784, [512, 512], 10),
        lambda: sources.images("mnist", 28, rows=30000, flat=True, standard=False),
    ),
    _entry(
        "fashion_deep_mlp",
        "deep MLP, ReLU, nothing normalised",
        1000,
        64,
        lambda: models.mlp(784, [256] * 8, 10),
        lambda: sources.images("fashion_mnist", 28, rows=24576, flat=True),
    ),
    _entry(
        "cifar10_conv_autoencoder",
        "convolutional autoencoder, ReLU, nothing normalised",
        800,
        32,
        lambda: middle_models.conv_autoencoder((32, 32, 3), [32, 64]),
        lambda: sources.reconstruction(_cifar10(32)()),
        REGRESS,
    ),
    _entry(
        "library_skip_gram",
        "skip-gram: embeddings, softmax over 4,000 words",
        1500,
        128,
        lambda: middle_sequences.skip_gram(4000, 64),
        lambda: texts.skip_grams(texts.library("even"), 4000),
    ),
    _entry(
        "manual_gpt",
        "GPT on characters",
        600,
        16,
        lambda: middle_sequences.gpt(32, sources.CHARACTERS, 96, 4, 3),
        lambda: sources.characters(sources.manual(), 32),
        jit_compile=True,
    ),
    _entry(
        "cifar10_vit",
        "vision transformer",
        600,
        32,
        lambda: middle_sequences.vit((32, 32, 3), 8, 96, 4, 3, 10),
        _cifar10(32),
    ),
    _entry(
        "manual_lstm_words",
        "LSTM on words, softmax over 3,000",
        600,
        16,
        lambda: models.recurrent("lstm", 16, 3000, 192),
        lambda: texts.following_words(sources.manual(), 16, 3000),
    ),
    _entry(
        "cifar10_resnet14",
        "ResNet-14 with batch normalisation",
        500,
        32,
        lambda: middle_models.resnet((16, 16, 3), [16, 32, 64], 2, 10),
        _cifar10(16),
    ),
    _entry(
        "fashion_vae",
        "variational autoencoder, dense",
        1000,
        64,
        lambda: middle_models.dense_vae(784, [400, 200], 16),
        lambda: sources.reconstruction(
            sources.images("fashion_mnist", 28, rows=24576, flat=True, standard=False)
        ),
        objectives.variational,
        jit_compile=True,
    ),
    _entry(
        "fashion_unet_denoising",
        "U-Net that takes noise away",
        500,
        16,
        lambda: middle_models.unet((20, 20, 1), [16, 32, 64], 1),
        lambda: sources.with_noise(sources.images("fashion_mnist", 20)),
        REGRESS,
    ),
    _entry(
        "library_towers",
        "two towers: softmax in the batch, 4,000 embeddings each",
        1000,
        32,
        lambda: middle_sequences.two_towers(10, 4000, 32, 64, 32),
        lambda: texts.neighbouring_lines(texts.library("even"), 10, 4000),
        objectives.in_batch_softmax,
        jit_compile=True,
    ),
    _entry(
        "fashion_mlp_factors",
        "MLP of MNIST fine-tuned by small factors (LoRA)",
        800,
        64,
        lambda: with_small_factors(fine_tuned(_DIGITS_MLP, _digits, 1), 16),
        lambda: sources.images("fashion_mnist", 28, flat=True),
    ),
    Entry(
        "mountain_car_values",
        "value function, targets move",
        functools.partial(
            ValueLearning,
            "mountain_car_values",
            lambda: models.mlp(2, [256, 256], 1),
            lambda: control.transitions("mountain_car"),
            64,
        ),
        1500,
        jit_compile=True,
    ),
)

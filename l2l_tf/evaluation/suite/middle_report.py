"""The middle suite's report half: for the figures that are published, never for choices."""

import functools

from l2l_tf import data
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

CLASSIFY = objectives.cross_entropy


def _entry(name, kind, steps, batch_size, build, splits, objective=CLASSIFY, jit_compile=False):
    make = functools.partial(KerasTask, name, build, splits, objective, batch_size)
    return Entry(name, kind, make, steps, jit_compile)


@functools.cache
def _shakespeare():
    return data.load_text("tiny_shakespeare", "train")


_LETTERS_GPT = functools.partial(middle_sequences.gpt, 32, sources.ASCII, 96, 4, 2)


def _manual_letters():
    return sources.letters_after(sources.manual(), 32)


ENTRIES = (
    _entry(
        "fashion_mlp_1024",
        "wide MLP with dropout, pixels from 0 to 1",
        1000,
        64,
        lambda: middle_models.dropout_mlp(784, [1024, 512], 10, 0.3),
        lambda: sources.images("fashion_mnist", 28, rows=30000, flat=True, standard=False),
    ),
    _entry(
        "cifar10_deep_narrow_mlp",
        "deep narrow MLP, GELU, nothing normalised",
        1000,
        64,
        lambda: models.mlp(768, [96] * 12, 10, "gelu"),
        lambda: sources.images("cifar10", 16, rows=24576, flat=True),
        jit_compile=True,
    ),
    _entry(
        "cifar10_vgg",
        "plain conv net, nothing normalised",
        500,
        32,
        lambda: middle_models.vgg((16, 16, 3), [32, 64, 128], 128, 10),
        lambda: sources.images("cifar10", 16, rows=24576),
    ),
    _entry(
        "fashion_mixer",
        "MLP-Mixer",
        400,
        32,
        lambda: middle_models.mixer((28, 28, 1), 7, 96, 32, 4, 10),
        lambda: sources.images("fashion_mnist", 28, rows=24576),
    ),
    _entry(
        "mnist_conv_vae",
        "variational autoencoder, convolutional",
        800,
        32,
        lambda: middle_models.conv_vae((28, 28, 1), [32, 64], 16, 2),
        lambda: sources.reconstruction(sources.images("mnist", 28, rows=24576, standard=False)),
        objectives.variational,
    ),
    _entry(
        "digits_unet_segmentation",
        "U-Net with batch normalisation: a class at each pixel",
        400,
        16,
        lambda: middle_models.unet((28, 28, 3), [12, 24, 48], 11, normalised=True),
        sources.digits_on_pictures,
    ),
    _entry(
        "library_fasttext",
        "fastText: an average of 20,000 embeddings",
        1000,
        64,
        lambda: middle_sequences.averaged_words(32, 20000, 32, 40),
        lambda: texts.pieces_of_modules("odd", 32, 20000, 40),
        jit_compile=True,
    ),
    _entry(
        "shakespeare_gpt_words",
        "GPT on words, softmax over 4,000",
        600,
        16,
        lambda: middle_sequences.gpt(24, 4000, 96, 4, 2),
        lambda: texts.following_words(_shakespeare(), 24, 4000),
        jit_compile=True,
    ),
    _entry(
        "shakespeare_towers",
        "two towers: softmax in the batch, 6,000 embeddings each",
        1000,
        64,
        lambda: middle_sequences.two_towers(12, 6000, 48, 128, 64),
        lambda: texts.neighbouring_lines(_shakespeare(), 12, 6000),
        objectives.in_batch_softmax,
        jit_compile=True,
    ),
    _entry(
        "shakespeare_bilstm",
        "bidirectional LSTM: who speaks",
        500,
        32,
        lambda: middle_sequences.both_ways(24, 5000, 64, 64, 20),
        lambda: texts.speakers(_shakespeare(), 24, 5000, 20),
    ),
    _entry(
        "library_gru",
        "two GRUs on characters of Python",
        500,
        16,
        lambda: middle_sequences.stacked_gru(24, sources.CHARACTERS, 64, 128, 2),
        lambda: sources.characters(texts.library("odd"), 24),
    ),
    _entry(
        "library_translation",
        "encoder and decoder, normalised after each part: docstring to name",
        600,
        16,
        lambda: middle_sequences.encoder_decoder(32, 12, texts.LETTERS, 96, 4, 2),
        lambda: texts.names_of_docstrings(32, 12),
        objectives.translation,
        jit_compile=True,
    ),
    _entry(
        "shakespeare_gpt_factors",
        "GPT fine-tuned by small factors (LoRA)",
        500,
        16,
        lambda: with_small_factors(fine_tuned(_LETTERS_GPT, _manual_letters, 1), 8),
        lambda: sources.letters_after(_shakespeare(), 32),
        jit_compile=True,
    ),
    Entry(
        "pendulum_values",
        "value function, targets move",
        functools.partial(
            ValueLearning,
            "pendulum_values",
            lambda: models.mlp(3, [128, 128, 128, 128], 1, "tanh"),
            lambda: control.transitions("pendulum"),
            64,
        ),
        1500,
        jit_compile=True,
    ),
)

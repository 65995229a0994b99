"""The development half: tasks for choices between rules, presets and settings."""

import functools

from l2l_tf.evaluation.suite import models, objectives, sources
from l2l_tf.evaluation.suite.entry import Entry
from l2l_tf.evaluation.suite.keras_task import KerasTask
from l2l_tf.evaluation.suite.pretraining import fine_tuned

CLASSIFY, REGRESS = objectives.cross_entropy, objectives.squared_error


def _task(name, build, splits, objective, batch_size):
    return functools.partial(KerasTask, name, build, splits, objective, batch_size)


def _fashion(size, flat=False):
    return functools.partial(sources.images, "fashion_mnist", size, flat=flat)


def _mnist(size):
    return functools.partial(sources.images, "mnist", size, flat=True)


_CLOTHES_NET = functools.partial(models.conv_net, (14, 14, 1), (8, 16), 5)
_FIRST_CLOTHES = functools.partial(sources.images, "fashion_mnist", 14, labels=(0, 1, 2, 3, 4))


def _friedman(name, activation, batch_size):
    return _task(
        name,
        lambda: models.mlp(10, [32, 32], 1, activation),
        sources.friedman,
        REGRESS,
        batch_size,
    )


def _unicode(name):
    return _task(
        name,
        lambda: models.mlp(16, [48, 48], 6, "relu"),
        sources.unicode_classes,
        CLASSIFY,
        64,
    )


ENTRIES = (
    Entry("friedman_100", "tabular MLP, 100 steps", _friedman("friedman_100", "gelu", 32), 100),
    Entry("friedman", "tabular regression, GELU", _friedman("friedman", "gelu", 32), 1000),
    Entry("friedman_batch_1", "batch size 1", _friedman("friedman_batch_1", "tanh", 1), 1000),
    Entry("unicode", "tabular MLP", _unicode("unicode"), 1000),
    Entry("unicode_10000", "tabular MLP, 10,000 steps", _unicode("unicode_10000"), 10000),
    Entry(
        "friedman_raw",
        "badly scaled: units from 1e-2 to 1e3",
        _task(
            "friedman_raw",
            lambda: models.mlp(10, [32, 32], 1, "relu"),
            lambda: sources.friedman(scaled=False),
            REGRESS,
            32,
        ),
        1000,
    ),
    Entry(
        "mnist_highway",
        "highway net, 10 layers",
        _task("mnist_highway", lambda: models.highway(49, 24, 10, 10), _mnist(7), CLASSIFY, 64),
        500,
    ),
    Entry(
        "mnist_deep_relu",
        "deep MLP, ReLU",
        _task(
            "mnist_deep_relu",
            lambda: models.mlp(49, [32] * 8, 10, "relu"),
            _mnist(7),
            CLASSIFY,
            64,
        ),
        1000,
    ),
    Entry(
        "fashion_label_noise",
        "30 % label noise, GELU",
        _task(
            "fashion_label_noise",
            lambda: models.mlp(49, [64, 64], 10, "gelu"),
            lambda: sources.noisy(_fashion(7, flat=True)(), 0.3, 10),
            CLASSIFY,
            64,
        ),
        1000,
    ),
    Entry(
        "mnist_badly_initialised",
        "badly initialised: deviation 0.02",
        _task(
            "mnist_badly_initialised",
            lambda: models.badly_initialised(49, [48, 48, 48], 10, 0.02, "tanh"),
            _mnist(7),
            CLASSIFY,
            64,
        ),
        500,
    ),
    Entry(
        "fashion_autoencoder",
        "autoencoder",
        _task(
            "fashion_autoencoder",
            lambda: models.mlp(49, [32, 8, 32], 49, "elu"),
            lambda: sources.reconstruction(_fashion(7, flat=True)()),
            REGRESS,
            64,
        ),
        1000,
    ),
    Entry(
        "fashion_fine_tuned",
        "fine-tuning of a conv net",
        _task(
            "fashion_fine_tuned",
            lambda: fine_tuned(_CLOTHES_NET, _FIRST_CLOTHES, 3),
            lambda: sources.images("fashion_mnist", 14, labels=(5, 6, 7, 8, 9)),
            CLASSIFY,
            32,
        ),
        300,
    ),
    Entry(
        "mnist_matrix",
        "matrix factorisation",
        _task(
            "mnist_matrix",
            lambda: models.factorisation(600, 49, 6),
            lambda: sources.entries(_mnist(7)(), 600),
            REGRESS,
            256,
        ),
        1000,
    ),
    Entry(
        "fashion_conv",
        "conv net",
        _task(
            "fashion_conv",
            lambda: models.conv_net((14, 14, 1), [8, 16], 10),
            _fashion(14),
            CLASSIFY,
            32,
        ),
        500,
    ),
    Entry(
        "fashion_resnet",
        "ResNet with batch normalisation",
        _task(
            "fashion_resnet",
            lambda: models.resnet((14, 14, 1), [8, 16, 16], 10),
            _fashion(14),
            CLASSIFY,
            32,
        ),
        300,
    ),
    Entry(
        "manual_gru",
        "GRU on characters",
        _task(
            "manual_gru",
            lambda: models.recurrent("gru", 16, sources.CHARACTERS, 48),
            lambda: sources.characters(sources.manual(), 16),
            CLASSIFY,
            16,
        ),
        500,
    ),
    Entry(
        "manual_transformer",
        "transformer on characters",
        _task(
            "manual_transformer",
            lambda: models.transformer(16, sources.CHARACTERS, 32, 4, 2),
            lambda: sources.characters(sources.manual(), 16),
            CLASSIFY,
            16,
        ),
        500,
    ),
    Entry(
        "manual_words",
        "embeddings of words",
        _task(
            "manual_words",
            lambda: models.word_model(3, 512, 16),
            lambda: sources.next_words(sources.manual(), 3, 512),
            CLASSIFY,
            32,
        ),
        1000,
    ),
    Entry(
        "photograph",
        "regression net, tanh",
        _task(
            "photograph",
            lambda: models.mlp(2, [48, 48, 48], 3, "tanh"),
            sources.photograph,
            REGRESS,
            64,
        ),
        1000,
    ),
)

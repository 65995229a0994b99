"""The report half: tasks for the figures that are published, never for choices."""

import functools

from l2l_tf.evaluation.suite import models, objectives, sources
from l2l_tf.evaluation.suite.entry import Entry
from l2l_tf.evaluation.suite.keras_task import KerasTask
from l2l_tf.evaluation.suite.pretraining import fine_tuned

CLASSIFY, REGRESS = objectives.cross_entropy, objectives.squared_error


def _task(name, build, splits, objective, batch_size):
    return functools.partial(KerasTask, name, build, splits, objective, batch_size)


def _digits_of(*labels):
    splits = sources.table("digits")
    found = {}
    for split, (rows, classes) in splits.items():
        kept = (classes >= labels[0]) & (classes <= labels[-1])
        found[split] = (rows[kept], classes[kept] - labels[0])
    return found


@functools.cache
def _shakespeare():
    from l2l_tf import data

    return data.load_text("tiny_shakespeare", "train")


_DIGITS_NET = functools.partial(models.mlp, 64, [48, 48], 5, "relu")
_LOW_DIGITS = functools.partial(_digits_of, 0, 4)


def _iris(name, batch_size):
    return _task(
        name,
        lambda: models.mlp(4, [32, 32], 3, "relu"),
        lambda: sources.table("iris"),
        CLASSIFY,
        batch_size,
    )


def _diabetes(name):
    return _task(
        name,
        lambda: models.mlp(10, [32, 32], 1, "gelu"),
        lambda: sources.table("diabetes"),
        REGRESS,
        32,
    )


ENTRIES = (
    Entry("iris_100", "tabular MLP, 100 steps", _iris("iris_100", 16), 100),
    Entry("iris", "tabular MLP", _iris("iris", 16), 1000),
    Entry("diabetes", "tabular regression, GELU", _diabetes("diabetes"), 1000),
    Entry("diabetes_10000", "tabular regression, 10,000 steps", _diabetes("diabetes_10000"), 10000),
    Entry(
        "wine_batch_1",
        "batch size 1",
        _task(
            "wine_batch_1",
            lambda: models.mlp(13, [32], 3, "tanh"),
            lambda: sources.table("wine"),
            CLASSIFY,
            1,
        ),
        1000,
    ),
    Entry(
        "breast_cancer_raw",
        "badly scaled: columns as measured",
        _task(
            "breast_cancer_raw",
            lambda: models.mlp(30, [32, 32], 2, "relu"),
            lambda: sources.table("breast_cancer", scaled=False),
            CLASSIFY,
            32,
        ),
        1000,
    ),
    Entry(
        "breast_cancer_highway",
        "highway net, 10 layers",
        _task(
            "breast_cancer_highway",
            lambda: models.highway(30, 24, 10, 2),
            lambda: sources.table("breast_cancer"),
            CLASSIFY,
            32,
        ),
        500,
    ),
    Entry(
        "digits_deep_tanh",
        "deep MLP, tanh",
        _task(
            "digits_deep_tanh",
            lambda: models.mlp(64, [32] * 8, 10, "tanh"),
            lambda: sources.table("digits"),
            CLASSIFY,
            64,
        ),
        1000,
    ),
    Entry(
        "digits_label_noise",
        "30 % label noise, GELU",
        _task(
            "digits_label_noise",
            lambda: models.mlp(64, [64, 64], 10, "gelu"),
            lambda: sources.noisy(sources.table("digits"), 0.3, 10),
            CLASSIFY,
            64,
        ),
        1000,
    ),
    Entry(
        "digits_badly_initialised",
        "badly initialised: deviation 0.5",
        _task(
            "digits_badly_initialised",
            lambda: models.badly_initialised(64, [48, 48, 48], 10, 0.5),
            lambda: sources.table("digits"),
            CLASSIFY,
            64,
        ),
        500,
    ),
    Entry(
        "digits_autoencoder",
        "autoencoder",
        _task(
            "digits_autoencoder",
            lambda: models.mlp(64, [48, 8, 48], 64, "elu"),
            lambda: sources.reconstruction(sources.table("digits")),
            REGRESS,
            64,
        ),
        1000,
    ),
    Entry(
        "digits_fine_tuned",
        "fine-tuning",
        _task(
            "digits_fine_tuned",
            lambda: fine_tuned(_DIGITS_NET, _LOW_DIGITS, 20),
            lambda: _digits_of(5, 9),
            CLASSIFY,
            32,
        ),
        300,
    ),
    Entry(
        "digits_matrix",
        "matrix factorisation",
        _task(
            "digits_matrix",
            lambda: models.factorisation(500, 64, 8),
            lambda: sources.entries(sources.table("digits"), 500),
            REGRESS,
            256,
        ),
        1000,
    ),
    Entry(
        "cifar10_conv",
        "conv net",
        _task(
            "cifar10_conv",
            lambda: models.conv_net((16, 16, 3), [8, 16, 16], 10),
            lambda: sources.images("cifar10", 16),
            CLASSIFY,
            32,
        ),
        500,
    ),
    Entry(
        "cifar10_resnet",
        "ResNet with batch normalisation",
        _task(
            "cifar10_resnet",
            lambda: models.resnet((16, 16, 3), [8, 16, 16], 10),
            lambda: sources.images("cifar10", 16),
            CLASSIFY,
            32,
        ),
        300,
    ),
    Entry(
        "shakespeare_lstm",
        "LSTM on characters",
        _task(
            "shakespeare_lstm",
            lambda: models.recurrent("lstm", 16, sources.CHARACTERS, 48),
            lambda: sources.characters(_shakespeare(), 16),
            CLASSIFY,
            16,
        ),
        500,
    ),
    Entry(
        "shakespeare_transformer",
        "transformer on characters",
        _task(
            "shakespeare_transformer",
            lambda: models.transformer(16, sources.CHARACTERS, 32, 4, 2),
            lambda: sources.characters(_shakespeare(), 16),
            CLASSIFY,
            16,
        ),
        500,
    ),
    Entry(
        "shakespeare_words",
        "embeddings of words",
        _task(
            "shakespeare_words",
            lambda: models.word_model(3, 512, 16),
            lambda: sources.next_words(_shakespeare(), 3, 512),
            CLASSIFY,
            32,
        ),
        1000,
    ),
    Entry(
        "burgers",
        "physics-informed net, tanh",
        _task(
            "burgers",
            lambda: models.mlp(2, [20, 20, 20], 1, "tanh"),
            sources.collocation,
            objectives.burgers,
            64,
        ),
        1000,
    ),
)

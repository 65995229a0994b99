"""Keras's classes are extended where they are as expected, and left alone where they are not."""

import warnings

import keras
import pytest

import l2l_tf
from l2l_tf.optimizer import keras_extensions
from l2l_tf.optimizer.extending import Extension, install
from l2l_tf.optimizer.keras_extensions import EXTENSIONS


class Box:
    def lift(self, height):
        return height


def twice(self, original, height):
    return 2 * original(self, height)


def test_every_extension_is_installed_by_the_import():
    assert all("_extended_by_l2l_tf" in vars(e.owner) for e in EXTENSIONS)
    assert {e.owner for e in EXTENSIONS} == {
        keras.Model,
        next(cls for cls in keras.Model.__mro__ if "fit" in vars(cls)),
        next(cls for cls in keras.Model.__mro__ if "compile" in vars(cls)),
        next(cls for cls in keras.Model.__mro__ if "train_on_batch" in vars(cls)),
        keras.callbacks.CallbackList,
        keras.optimizers.LossScaleOptimizer,
    }


def test_a_method_is_extended_once():
    class Own(Box):
        pass

    for _ in range(2):
        install([Extension(Own, {"lift": (("self", "height"), twice)}, "lift by hand")])
    assert Own().lift(3) == 6 and Box().lift(3) == 3


@pytest.mark.parametrize("name, known", [("lift", ("self",)), ("lower", ("self", "height"))])
def test_a_method_that_has_changed_is_left_alone_with_a_warning(name, known):
    class Own(Box):
        pass

    with pytest.warns(UserWarning, match=f"lift by hand. Received: {name}"):
        install([Extension(Own, {name: (known, twice)}, "lift by hand")])
    assert Own().lift(3) == 3


def test_the_warning_about_fit_names_a_callback_that_can_be_imported():
    (fit,) = [e for e in EXTENSIONS if e.owner is keras.callbacks.CallbackList]
    assert "callbacks=[l2l_tf.RunLength()]" in fit.instead
    assert issubclass(l2l_tf.RunLength, keras.callbacks.Callback)


def test_nothing_is_warned_of_with_the_version_that_is_supported():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keras_extensions.install()

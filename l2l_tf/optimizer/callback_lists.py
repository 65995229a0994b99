"""Lists of callbacks within lists, such as one that a user made and gave to `fit`."""

from collections.abc import Iterable, Iterator
from typing import Any

import keras

from l2l_tf.optimizer.run_length import RunLength


class GivenList:
    """Stands for a user's `CallbackList` in the list that Keras makes where it is given none.

    Keras tells only its own list how many epochs and batches a run has. The user's list goes on
    as it is: it is not told anew, and no progress bar comes to it.

    Args:
        given: `keras.callbacks.CallbackList`.
    """

    def __init__(self, given: keras.callbacks.CallbackList):
        self.given = given

    def __getattr__(self, name: str) -> Any:
        return getattr(self.given, name)

    def set_params(self, params: dict) -> None:
        """Tell the user's own `RunLength` alone how long the run is."""
        for callback in every_callback(self.given.callbacks):
            if isinstance(callback, RunLength):
                callback.set_params(params)


def every_callback(callbacks: Iterable) -> Iterator:
    """The callbacks of a list and of the lists in it."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.CallbackList | GivenList):
            yield from every_callback(callback.callbacks)
        else:
            yield callback

"""Which callbacks may end a run before its last epoch."""

import types

import keras

FLAG = "stop_training"


def may_end_early(callback):
    """Whether a run with this callback is likely shorter than announced.

    True for Keras's `EarlyStopping` and `ReduceLROnPlateau`, whose users give an end that is
    late enough, and for a callback whose own code names `stop_training`, by which Keras is told
    to stop. `TerminateOnNaN` ends runs that are lost, and does not count.

    Args:
        callback: `keras.callbacks.Callback`.
    """
    if isinstance(callback, keras.callbacks.EarlyStopping | keras.callbacks.ReduceLROnPlateau):
        return True
    own = [cls for cls in type(callback).__mro__ if cls is not keras.callbacks.TerminateOnNaN]
    # `LambdaCallback` keeps what it is given as attributes.
    owners = [*own, callback]
    return any(_names_flag(_code_of(v)) for o in owners for v in list(vars(o).values()))


def _code_of(value):
    value = getattr(value, "__func__", value)  # Methods, static ones too.
    return getattr(value, "__code__", None)


def _names_flag(code):
    if not isinstance(code, types.CodeType):
        return False
    return FLAG in (*code.co_names, *code.co_consts) or any(map(_names_flag, code.co_consts))

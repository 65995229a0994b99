"""Names of the hand-crafted optimizers that learned ones are judged by.

All are the Keras optimizers that users have, with Keras's defaults except for the
learning rate; Rprop, Prodigy and DoWG, which Keras lacks, are this package's rules.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import keras

from l2l_tf import rules
from l2l_tf.core.unknown import unknown
from l2l_tf.evaluation.code import run_code
from l2l_tf.evaluation.contenders import Contender, CosineToZero, identity_of
from l2l_tf.optimizer import LearnedOptimizer
from l2l_tf.tasks.digest import digest_of

# The hand-crafted optimizers of the paper and of its time, compared unless others are named.
DEFAULT = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "rprop", "adam", "adamw")
# The one that speed-ups are told over.
REFERENCE = "adam"

_BASELINES: dict[str, Contender] = {}
_Make = TypeVar("_Make", bound=Callable)


def register_baseline(
    name: str, tuned: bool = True, coordinatewise: bool = True, **identity: Any
) -> Callable[[_Make], _Make]:
    """Decorator of `make(rate, total_steps)` → optimizer: known under `name` to flags.

    Args:
        name: Lower-case identifier.
        tuned: Whether the learning rate is tuned on each task.
        coordinatewise: Whether each coordinate's update depends on that coordinate alone.
        **identity: What else tells its cached runs from others of that name.

    Raises:
        ValueError: If the name is taken.
    """

    def decorate(make):
        if name in _BASELINES:
            raise ValueError(f"A baseline has that name already. Received: name={name!r}")
        _BASELINES[name] = Contender(
            name,
            make,
            tuned,
            coordinatewise=coordinatewise,
            identity=_identity(name, make, identity),
        )
        return make

    return decorate


def _identity(name, make, more):
    """What keys cached runs: its arguments, and its code, if that can be read."""
    try:
        return {"baseline": name, **more, "make": digest_of(make), "code": run_code(make)}
    except (TypeError, OSError):
        return None


def names() -> list[str]:
    """Sorted names of all registered baselines."""
    return sorted(_BASELINES)


def get(name: str) -> Contender:
    """The `Contender` registered under a name.

    Raises:
        ValueError: If there is none.
    """
    if name not in _BASELINES:
        raise ValueError(unknown("baseline", name, _BASELINES))
    return _BASELINES[name]


def _keras(name, optimizer, tuned=True, coordinatewise=True, cosine=False, config=None, **identity):
    """Register one of Keras's optimizers, with these arguments and Keras's defaults.

    Args:
        name: Its name here.
        optimizer: Class.
        tuned: See `register_baseline`; a rate that is not tuned is among the arguments.
        coordinatewise: See `register_baseline`.
        cosine: Whether its rate falls to zero along a cosine.
        config: Its arguments besides the rate.
        **identity: See `register_baseline`.
    """

    def make(rate, total_steps):
        rates = [CosineToZero(rate, total_steps) if cosine else rate] if tuned else []
        return optimizer(*rates, **(config or {}))

    register_baseline(name, tuned, coordinatewise, **identity)(make)


_keras("sgd", keras.optimizers.SGD)
_keras("momentum", keras.optimizers.SGD, config={"momentum": 0.9})
_keras("nesterov", keras.optimizers.SGD, config={"momentum": 0.9, "nesterov": True})
_keras("adagrad", keras.optimizers.Adagrad)
_keras("rmsprop", keras.optimizers.RMSprop)
_keras("adam", keras.optimizers.Adam)
_keras("adamw", keras.optimizers.AdamW)
_keras("adam_cosine", keras.optimizers.Adam, cosine=True)
_keras("adamw_cosine", keras.optimizers.AdamW, cosine=True)
_keras("nadam", keras.optimizers.Nadam)
_keras("lion", keras.optimizers.Lion)
# Muon for matrices and AdamW for all else, embeddings too, as Keras ships it.
_MUON = {"coordinatewise": False, "embeddings": "adamw"}
_keras("muon", keras.optimizers.Muon, **_MUON)
_keras("muon_cosine", keras.optimizers.Muon, cosine=True, **_MUON)
# As most users leave them; of the second, what is evaluated is the interpolated weights.
_keras("adam_default", keras.optimizers.Adam, tuned=False, config={"learning_rate": 1e-3})
_keras("schedule_free_adamw", keras.optimizers.ScheduleFreeAdamW, tuned=False)


@register_baseline("rprop", rule=identity_of(rules.Rprop()))
def _rprop(rate, total_steps):
    """Its learning rate is the first step size, as in torch."""
    del total_steps
    return LearnedOptimizer(rule=rules.Rprop(learning_rate=float(rate)))


def _parameter_free(name, rule):
    """Register a rule that finds its own step size."""
    options = {"tuned": False, "coordinatewise": False, "rule": identity_of(rule)}
    register_baseline(name, **options)(lambda rate, total_steps: LearnedOptimizer(rule=rule))


_parameter_free("prodigy", rules.Prodigy())
_parameter_free("dowg", rules.DoWG())

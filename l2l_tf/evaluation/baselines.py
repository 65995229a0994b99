"""Names of the hand-crafted optimizers that learned ones are judged by.

All are the Keras optimizers that users have, with Keras's defaults except for the
learning rate; Rprop, Prodigy and DoWG, which Keras lacks, are this package's rules.
"""

import keras

from l2l_tf import rules
from l2l_tf.evaluation.code import own_code
from l2l_tf.evaluation.contenders import Contender, CosineToZero, identity_of
from l2l_tf.optimizer import LearnedOptimizer

# The hand-crafted optimizers of the paper and of its time, compared unless others are named.
DEFAULT = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "rprop", "adam", "adamw")
# The one that speed-ups are told over.
REFERENCE = "adam"

_BASELINES = {}


def register_baseline(name, tuned=True, coordinatewise=True, **identity):
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
    """What keys cached runs: of a baseline of a user's own, its code too, if that can be read."""
    try:
        code = own_code(make)
    except (TypeError, OSError):
        return None
    return {"baseline": name, **more, **({"code": code} if code else {})}


def names() -> list[str]:
    """Sorted names of all registered baselines."""
    return sorted(_BASELINES)


def get(name: str) -> Contender:
    """The `Contender` registered under a name.

    Raises:
        ValueError: If there is none.
    """
    if name not in _BASELINES:
        raise ValueError(f"Unknown baseline; known ones are {names()}. Received: baseline={name!r}")
    return _BASELINES[name]


@register_baseline("sgd")
def _sgd(rate, total_steps):
    del total_steps
    return keras.optimizers.SGD(rate)


@register_baseline("momentum")
def _momentum(rate, total_steps):
    del total_steps
    return keras.optimizers.SGD(rate, momentum=0.9)


@register_baseline("nesterov")
def _nesterov(rate, total_steps):
    del total_steps
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)


@register_baseline("adagrad")
def _adagrad(rate, total_steps):
    del total_steps
    return keras.optimizers.Adagrad(rate)


@register_baseline("rmsprop")
def _rmsprop(rate, total_steps):
    del total_steps
    return keras.optimizers.RMSprop(rate)


@register_baseline("rprop", rule=identity_of(rules.Rprop()))
def _rprop(rate, total_steps):
    """Its learning rate is the first step size, as in torch."""
    del total_steps
    return LearnedOptimizer(rule=rules.Rprop(learning_rate=float(rate)))


@register_baseline("adam")
def _adam(rate, total_steps):
    del total_steps
    return keras.optimizers.Adam(rate)


@register_baseline("adamw")
def _adamw(rate, total_steps):
    del total_steps
    return keras.optimizers.AdamW(rate)


@register_baseline("adam_cosine")
def _adam_cosine(rate, total_steps):
    return keras.optimizers.Adam(CosineToZero(rate, total_steps))


@register_baseline("adamw_cosine")
def _adamw_cosine(rate, total_steps):
    return keras.optimizers.AdamW(CosineToZero(rate, total_steps))


@register_baseline("nadam")
def _nadam(rate, total_steps):
    del total_steps
    return keras.optimizers.Nadam(rate)


@register_baseline("lion")
def _lion(rate, total_steps):
    del total_steps
    return keras.optimizers.Lion(rate)


@register_baseline("muon", coordinatewise=False, embeddings="adamw")
def _muon(rate, total_steps):
    """Muon for matrices and AdamW for all else, embeddings too, as Keras ships it."""
    del total_steps
    return keras.optimizers.Muon(rate)


@register_baseline("muon_cosine", coordinatewise=False, embeddings="adamw")
def _muon_cosine(rate, total_steps):
    return keras.optimizers.Muon(CosineToZero(rate, total_steps))


@register_baseline("adam_default", tuned=False)
def _adam_default(rate, total_steps):
    """Adam as most users leave it."""
    del rate, total_steps
    return keras.optimizers.Adam(1e-3)


@register_baseline("schedule_free_adamw", tuned=False)
def _schedule_free_adamw(rate, total_steps):
    """Keras's, as users leave it: trained and evaluated at the interpolated weights."""
    del rate, total_steps
    return keras.optimizers.ScheduleFreeAdamW()


@register_baseline("prodigy", tuned=False, coordinatewise=False, rule=identity_of(rules.Prodigy()))
def _prodigy(rate, total_steps):
    del rate, total_steps
    return LearnedOptimizer(rule=rules.Prodigy())


@register_baseline("dowg", tuned=False, coordinatewise=False, rule=identity_of(rules.DoWG()))
def _dowg(rate, total_steps):
    del rate, total_steps
    return LearnedOptimizer(rule=rules.DoWG())

"""Update rules: pure functions from gradients and state to updates."""

from l2l_tf.cells import undifferentiated
from l2l_tf.rules.annealed import Annealed
from l2l_tf.rules.base import (
    UNKNOWN,
    Context,
    CoordinatewiseRule,
    RuleState,
    UpdateRule,
)
from l2l_tf.rules.celo import Celo, Celo2, CeloAdam
from l2l_tf.rules.centred import Centred
from l2l_tf.rules.guarded import Guarded
from l2l_tf.rules.hand_crafted import SGD, Adam, Momentum, Rprop
from l2l_tf.rules.layout import Layout, layout_of
from l2l_tf.rules.lazy import Lazy
from l2l_tf.rules.lstm import LSTM
from l2l_tf.rules.memory import (
    GACLSTM,
    NTMBFGS,
    NTMLBFGS,
    controller_names,
    register_controller,
)
from l2l_tf.rules.mixture import Mixture
from l2l_tf.rules.parameter_free import DoWG, Prodigy
from l2l_tf.rules.partition import Partition
from l2l_tf.rules.registry import (
    deserialize,
    from_text,
    get,
    names,
    register_rule,
    serialize,
)
from l2l_tf.rules.rnnprop import RNNProp
from l2l_tf.rules.spectral import Spectral

__all__ = [
    "GACLSTM",
    "LSTM",
    "Layout",
    "NTMBFGS",
    "NTMLBFGS",
    "SGD",
    "UNKNOWN",
    "Adam",
    "Annealed",
    "Celo",
    "Celo2",
    "CeloAdam",
    "Centred",
    "Context",
    "CoordinatewiseRule",
    "DoWG",
    "Guarded",
    "Lazy",
    "Mixture",
    "Momentum",
    "Partition",
    "Prodigy",
    "RNNProp",
    "Rprop",
    "RuleState",
    "Spectral",
    "UpdateRule",
    "controller_names",
    "deserialize",
    "from_text",
    "get",
    "layout_of",
    "names",
    "register_controller",
    "register_rule",
    "serialize",
    "undifferentiated",
]

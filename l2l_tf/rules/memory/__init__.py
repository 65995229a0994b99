"""Rules that share information across coordinates: by averages, and by an external memory."""

from l2l_tf.rules.memory import analytic_controllers, secant_controller  # noqa: F401  Registered.
from l2l_tf.rules.memory.controllers import controller_names, register_controller
from l2l_tf.rules.memory.gac_lstm import GACLSTM
from l2l_tf.rules.memory.ntm import NTMBFGS, NTMLBFGS

__all__ = ["GACLSTM", "NTMBFGS", "NTMLBFGS", "controller_names", "register_controller"]

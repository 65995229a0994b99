"""The LSTM with global averaging cells: some of its cells are averaged across coordinates."""

from keras import ops

from l2l_tf.core.config import choice, integer, number, optional, setting
from l2l_tf.rules.base import Context, Slots, Tensor, Tensors
from l2l_tf.rules.dtypes import compute_dtype_for
from l2l_tf.rules.memory.averaging import in_lockstep
from l2l_tf.rules.memory.controllers import Signal
from l2l_tf.rules.memory.joint import Group, JointRule
from l2l_tf.rules.packing import packing_groups
from l2l_tf.rules.registry import register_rule

AVERAGE_OVER = ("all", "variable")


@register_rule("gac_lstm")
class GACLSTM(JointRule):
    """Coordinatewise LSTM with global averaging cells, Andrychowicz et al. (2016), appendix.

    The rule `lstm` except that, in every layer, `averaging_cells` emit the mean of their
    activation over all coordinates. Permuting coordinates permutes the updates.

    Args:
        hidden_size: Cells per layer (paper's LSTM: 20).
        layers: LSTM layers (paper's LSTM: 2).
        averaging_cells: Averaged cells: a number per layer, or a list with a number or a
            list of indices for each layer.
        average_over: "all" coordinates of all variables together (the paper's), or those
            of each "variable" by itself.
        preprocess: The paper's p for `log_and_sign`, or None to feed the gradient itself.
        output_scale: Factor on the output.
        controller: "lstm", or "l2_clipping": −∇ cut to an L2 norm of `output_scale`.
        seed: Seed of the untrained meta-parameters.

    Raises:
        ValueError: If an argument is out of range.
    """

    hidden_size: int = integer(20, min=1)
    layers: int = integer(2, min=1)
    averaging_cells: int | list = setting(2)
    average_over: str = choice("all", AVERAGE_OVER)
    preprocess: float | None = optional(number(10.0, above=0))
    output_scale: float = number(0.1)
    controller: str = setting("lstm")
    seed: int = integer(0)

    def groups(self, variables: Tensors) -> list[tuple[list[int], str]]:
        if self.average_over == "variable":
            groups = [[index] for index in range(len(variables))]
        else:
            groups = packing_groups(variables, self.floats_per_coordinate())
        return [(group, compute_dtype_for(variables[group[0]])) for group in groups]

    def joint_update(
        self, meta_params: list[Slots], groups: list[Group], shared: Slots, context: Context
    ) -> tuple[list[tuple[Tensor, Slots]], Slots]:
        counts = [ops.shape(group.gradient)[0] for group in groups]
        total, controller = sum(counts), self.controller_part
        evaluations = []
        for params, count, group in zip(meta_params, counts, groups, strict=True):
            heard = total if self.average_over == "all" else count
            signal = Signal(group.gradient, group.variable, group.slots, heard)
            if group.large:
                emission = controller.emit_in_chunks(params, signal, group.dtype, context.iteration)
            else:
                emission = controller.emit(params, signal, None)
            evaluations.append(emission)
        if self.average_over == "all":
            emissions = in_lockstep(evaluations, counts)
        else:
            emissions = [in_lockstep([e], [c])[0] for e, c in zip(evaluations, counts, strict=True)]
        return [(emission.update, emission.slots) for emission in emissions], shared

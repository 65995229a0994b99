"""The rule `spectral`."""

import functools
import itertools
from typing import Self

import numpy as np
from keras import ops

from l2l_tf.cells import linear, linear_meta_params, lstm_meta_params, lstm_step
from l2l_tf.cells.run_signals import (
    LOSS_SIGNALS,
    PROGRESS_SIGNALS,
    annealing_set_by_hand,
    loss_signals,
    loss_state,
    progress_signals,
)
from l2l_tf.cells.squares import TINY, bounded, inverse_root
from l2l_tf.core.config import integer, number
from l2l_tf.rules.barrier import optimization_barrier
from l2l_tf.rules.base import Context, MetaParams, RuleState, Tensors, UpdateRule, state_dtype_for
from l2l_tf.rules.dtypes import widest_dtype
from l2l_tf.rules.layout import EMBEDDING, FILTERS, KERNEL, Layout, layout_of
from l2l_tf.rules.registry import register_rule
from l2l_tf.rules.spectral.direction import corrected, kernel_directions, size_of_kernel
from l2l_tf.rules.spectral.groups import (
    MEASURED,
    Factors,
    decays,
    groups_of,
    is_matrix,
    of_groups,
    of_variables,
)
from l2l_tf.rules.spectral.guard import all_learned, guard_state, guarded
from l2l_tf.rules.spectral.influence import effect, influence_state, influenced
from l2l_tf.rules.spectral.noise import (
    MOST_GROWTH,
    size_by_losses,
    size_by_noise,
    size_by_rows,
    weighed,
)
from l2l_tf.rules.spectral.passes import (
    agreed_by_others,
    closing,
    factor_of_decay,
    hurry,
    regret,
    share_of_new_rows,
)
from l2l_tf.rules.spectral.sides import Sides
from l2l_tf.rules.spectral.signals import (
    CONTROLS,
    VARIABLE_SIGNALS,
    Controls,
    Measured,
    static_signals,
    variable_signals,
)

# Against another player gradients turn with the other's moves: a step along old ones comes too
# late, and that they agree is no reason for longer steps.
CONTESTED_KEEP = 0.5
# Of so many steps a run whose length is unknown warms up as if it had them.
USUAL_STEPS = 250.0


@register_rule("spectral")
class Spectral(UpdateRule):
    """Steps of the right size at any width, steered by an LSTM; nothing is left to tune.

    A kernel that maps m numbers to n moves along the mean of its gradients with all singular
    values brought near 1 (three Newton–Schulz iterations where Muon, Jordan et al. 2024, has
    five), times √(n/m): by the spectral condition (Yang, Simon and Bernstein 2023, arXiv
    2310.17813) the effect of such a step does not depend on the width. Everything else moves along
    Adam's direction: offsets, gains and embeddings, each row of which is a vector of its own, by
    the same amount whatever their number; a kernel with one output by 2/m of a kernel's step, one
    with one input as an offset, which it is to every output. What a variable maps is its `Layout`.

    `update = −α·d − min(α·λ, ½)·p`, α = size · annealing · guard · e^(r + control)

    The decay acts where d and p have the same sign (cautious weight decay: Chen et al. 2025,
    arXiv 2510.12402): it takes off what the step takes off anyway, and pulls no weight back from
    where the loss wants it.

    `annealing` is set by hand: a warm-up, then a line to `total_steps`, or 1/√t where that is
    unknown, with shorter steps towards the end of each epoch; in a run of more than three passes
    over its data steps are shorter by √(3/passes) and kernels decay more, thirty passes and more
    counting as thirty, and a run of t < 1000 steps as one of at most 3·t/100 passes. With n < 16
    rows in a batch steps are (n/16)^1.5 as long, ⅛ at least, with n > 128 √(n/128), 4 at most.
    Where the length is unknown a variable's are (10·|m|²/|g|²)^¼ times as long, 0.7 at least and 1
    at most, m being the mean of its gradients g, and all steps shorter by the root of half of what
    is left of the loss, 1/20 at least, where it is that of a few rows. Each variable's r is a sum
    over the steps so far: it grows while the gradient agrees with the step before it (their cosine,
    over its own usual size) and shrinks where it turns against it, as the step size of
    hypergradient descent does (Baydin et al. 2018); with n < 16 large gradients count for more in
    that. Whatever size it starts from, it soon is near the one at which gradients neither agree nor
    turn. In a run of more than three passes, what a batch's own rows gave to that agreement a pass
    before does not count, but for a share of 3/passes: it is what other rows do not share. A table
    of embeddings does at most three tenths of what all that is none does to the loss, to first
    order and before r, or takes a tenth of its step, if all its rows are met in every batch; the
    fewer are, the less is cut.
    `guard` cuts all steps while the loss rises above what it was, and where the loss is below 1e-6
    of the first one, steps are shorter by the root of what is left of that.

    An LSTM sees the run's progress, its loss and each variable's statistics, all free of units,
    and puts out eight controls of each variable: α, how r grows, both decays, λ, and how rows
    and columns of a kernel are scaled. All are deviations: untrained, the rule is as set by hand.

    Bytes of state: 8 per coordinate; of a kernel 4 more per row and column; 8 · `hidden_size` + 32
    per variable, 40 where there are embeddings.

    Args:
        hidden_size: Cells of the LSTM.
        kernel_size: Step of kernels before annealing and the learned factors.
        embedding_size: Step of embeddings, likewise.
        vector_size: Step of everything else.
        weight_decay: λ of embeddings before the learned factor; that of kernels is six to twenty
            times as large, the more the more often rows come again. None for vectors, nor where a
            `Layout` says so.
        adaptation: How much r changes in a step at most; more at the beginning of a run that is
            known to be short.
        precondition_frequency: Steps from one orthogonalisation of kernels to the next; those
            between go along the direction of the last one, by steps that are as new as ever.
        seed: Seed of the untrained meta-parameters.

    Raises:
        ValueError: If an argument is out of range.
    """

    hidden_size: int = integer(16, min=1)
    kernel_size: float = number(0.02, above=0)
    embedding_size: float = number(0.02, above=0)
    vector_size: float = number(0.004, above=0)
    weight_decay: float = number(1e-2, min=0)
    adaptation: float = number(0.05, min=0)
    precondition_frequency: int = integer(1, min=1)
    seed: int = integer(0)
    layouts = None

    def laid_out(self, layouts: list[Layout]) -> Self:
        return self.copied(layouts=list(layouts))

    def fresh_meta_params(self, generator: np.random.Generator) -> MetaParams:
        signals = PROGRESS_SIGNALS + LOSS_SIGNALS + VARIABLE_SIGNALS
        lstm = lstm_meta_params(generator, signals, self.hidden_size)
        output = linear_meta_params(generator, self.hidden_size, CONTROLS, 0.01)
        return {
            **{f"lstm_{k}": v for k, v in lstm.items()},
            **{f"output_{k}": v for k, v in output.items()},
            "direct_kernel": np.zeros((CONTROLS, signals), "float32"),
        }

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        # What is one number or a few for each variable is kept for all of them at once: a slot
        # each would cost an operation to read, one to write, and their compilation.
        count, dtype = len(variables), widest_dtype(variables)
        layouts = self._layouts(variables)
        groups, slots = groups_of(variables, layouts), influence_state(layouts)
        for group in groups:
            of_group = state_dtype_for(variables[group.indices[0]], state_dtype)
            shapes = group.slot_shapes().items()
            slots.update(group.named({name: ops.zeros(of, of_group) for name, of in shapes}))
        if kernels := [group for group in groups if group.matrix]:
            of_sides = state_dtype_for(variables[kernels[0].indices[0]], state_dtype)
            slots["side_squares"] = ops.zeros((Sides(kernels).size,), of_sides)
        shared = {
            **{k: ops.convert_to_tensor(v) for k, v in {**loss_state(), **guard_state()}.items()},
            **{name: ops.zeros((*shape, count), dtype) for name, shape in _STEERING.items()},
            "scheduler_hidden": ops.zeros((self.hidden_size, count), "float32"),
            "scheduler_cell": ops.zeros((self.hidden_size, count), "float32"),
            **slots,
        }
        return RuleState([{} for _ in variables], shared)

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        layouts, old = self._layouts(variables), state.shared
        groups, dtype = groups_of(variables, layouts), widest_dtype(variables)
        stacked = [bounded(group.stack(gradients)) for group in groups]
        values = [group.stack(variables) for group in groups]
        slots = [group.slots(old) for group in groups]
        before = of_groups([corrected(old["masses"])], groups)
        found = [
            group.measure(*given)
            for group, *given in zip(
                groups, stacked, values, slots, (of[0] for of in before), strict=True
            )
        ]
        means = of_variables([of for of, _ in found], groups, dtype)
        sides = list(itertools.chain(*(of for _, of in found if of is not None)))
        factors, powers, shared = self._steer(self._measured(means, old), layouts, old, context)
        owned = [Factors(*own) for own in of_groups(factors, groups)]
        advanced = [
            group.advance(*given)
            for group, *given in zip(groups, stacked, slots, owned, strict=True)
        ]

        def in_full(tensors):
            if not self.steps_alone or not tensors:
                return tensors
            return optimization_barrier(tensors, context.iteration)

        orthogonalised = functools.partial(self._orthogonalised, old["masses"], context)
        self._direct(
            groups, advanced, slots, sides, factors, powers, old, shared, in_full, orthogonalised
        )
        updates = []
        for group, value, (direction, new), own in zip(
            groups, values, advanced, owned, strict=True
        ):
            update = -own.rate * direction
            if self.weight_decay and group.decays:
                # Nothing is taken off weights that the step lets grow: decay alone would keep
                # a model with few kernels from its optimum.
                shrinking = ops.where(direction * value > 0.0, value, 0.0)
                update = update - own.shrink * shrinking
            updates.append(update)
            named = group.named(new).items()
            shared.update({name: ops.cast(v, old[name].dtype) for name, v in named})
        several = [i for i, group in enumerate(groups) if group.count > 1]
        for i, update in zip(several, in_full([updates[i] for i in several]), strict=True):
            updates[i] = update
        apart = [None] * len(variables)
        for group, update in zip(groups, updates, strict=True):
            for index, part in zip(group.indices, group.unstack(update), strict=True):
                apart[index] = part
        return apart, RuleState([{} for _ in variables], shared)

    def _measured(self, means, old):
        """`Measured` out of `[MEASURED, variables]` means; see `Group.measure`."""
        power, mean_power, direction_power, weight_power, *products, met = ops.unstack(
            means, num=MEASURED
        )
        inverse, gathered = inverse_root(power), old["masses"][0]
        return Measured(
            gradient_power=power,
            mean_power=mean_power / ops.square(ops.where(gathered > 0.0, gathered, 1.0)),
            cosine=products[0] * inverse * inverse_root(direction_power),
            mean_cosine=products[1] * inverse * inverse_root(mean_power),
            weight_power=weight_power,
            row_spread=old["spreads"][0],
            column_spread=old["spreads"][1],
            descent=products[0],
            met=met,
        )

    def _orthogonalised(self, masses, context, means, scales, last):
        """`kernel_directions`, or the last ones where no new ones are due."""
        if self.precondition_frequency == 1:
            return kernel_directions(means, scales)
        due = ops.cast(context.run_iteration, "int32") % self.precondition_frequency == 0
        # Before the first step there is no last direction, whenever that is.
        due = ops.logical_or(due, ops.min(masses) <= 0.0)
        return ops.cond(due, lambda: kernel_directions(means, scales), lambda: list(last))

    def _direct(
        self, groups, advanced, slots, sides, factors, powers, old, shared, in_full, orthogonalised
    ):
        """Give kernels their directions, in `advanced`, and the next state of their sides."""
        kernels = [i for i, group in enumerate(groups) if group.matrix]
        if not kernels:
            shared["spreads"] = old["spreads"]
            return
        of_sides = Sides([groups[i] for i in kernels])
        squares = ops.cast(old["side_squares"], shared["power"].dtype)
        squares, scales, seen = of_sides.step(
            squares, sides, factors, shared["power"], powers, in_full
        )
        shared["side_squares"] = ops.cast(squares, old["side_squares"].dtype)
        spreads = [ops.zeros((2, group.count), squares.dtype) for group in groups]
        for dtype in dict.fromkeys(groups[i].dtype for i in kernels):
            alike = [place for place, i in enumerate(kernels) if groups[i].dtype == dtype]
            found = orthogonalised(
                [advanced[kernels[place]][0] for place in alike],
                [scales[place] for place in alike],
                [slots[kernels[place]]["direction"] for place in alike],
            )
            for place, direction in zip(alike, found, strict=True):
                index = kernels[place]
                new = {**advanced[index][1], "direction": direction}
                advanced[index], spreads[index] = (direction, new), seen[place]
        shared["spreads"] = of_variables(spreads, groups, old["spreads"].dtype)

    def _layouts(self, variables):
        layouts = self.layouts
        if layouts is None:
            return [layout_of(v.shape) for v in variables]
        if len(layouts) != len(variables):
            raise ValueError(
                f"The rule was laid out for {len(layouts)} variables. "
                f"Received: {len(variables)} variables"
            )
        return layouts

    def _steer(self, measured, layouts, old, context):
        """What every variable does in this step.

        Returns:
            `(factors, powers, shared)`: `Factors`; p and q of `Sides.step`; and the next shared
            state. All are `[variables]` each.
        """
        trend, loss = loss_signals(context.loss, old)
        guard, caution = guarded(loss, old)
        power, usual = measured.gradient_power, old["power"]
        usual_power = usual / ops.maximum(old["masses"][1], 1e-6)
        ratio = ops.sqrt(power / ops.maximum(usual_power, TINY))
        growth = ops.where(usual > TINY, ratio, ops.ones_like(ratio))
        # The gradient's agreement with the last step, over the size that it usually has.
        cosine = weighed(measured.cosine, growth, context)
        sums = old["cosines"] + 0.1 * (ops.stack([cosine, ops.square(cosine)]) - old["cosines"])
        agreement = sums[0] * ops.rsqrt(sums[1] + 1e-12)
        own = self._signals_of_variables(measured, growth, agreement, old, layouts)
        controls, scheduler = self._schedule(own, trend, old, context)
        dtype = power.dtype
        annealing = annealing_set_by_hand(
            context.run_iteration, context.total_steps, line=True, usual_steps=USUAL_STEPS
        )
        annealing = ops.cast(annealing * closing(context), dtype)
        share = share_of_new_rows(context)
        new = ops.cast(share, dtype)
        learned, left = all_learned(loss)
        longer, faster = (ops.cast(of_short, dtype) for of_short in hurry(context))
        pace = annealing * faster
        agreed = agreed_by_others(agreement, sums, measured, usual_power, share, loss, context)
        sizes = ops.cast(self._sizes(layouts), dtype)
        seen = effect(usual_power, sizes, layouts)
        grown = ops.logical_or(learned, seen < 1.0)
        pace = pace * self._growth_of_rates(agreed, controls, context, grown)
        log_rate = ops.clip(old["log_rate"] + pace, -12.0, 12.0)
        decay = ops.cast(self.weight_decay * self._decay_factors(layouts, share), dtype)
        decay = decay * ops.exp(4.0 * ops.tanh(controls.weight_decay / 4.0))
        keep, keep_square = self._keeps(controls, context)
        masses = old["masses"] + ops.stack([keep, keep_square]) * (1.0 - old["masses"])
        factor, influence = influenced(measured, sizes, layouts, old, keep_square, masses[1])
        rate = sizes * seen * factor * annealing * ops.cast(caution, dtype)
        left = left * size_by_losses(loss, context) * size_by_rows(context)
        rate = rate * longer * ops.sqrt(new) * ops.cast(left, dtype)
        rate = rate * size_by_noise(measured, usual_power, context)
        rate = rate * ops.exp(log_rate + 3.0 * ops.tanh(controls.rate / 3.0))
        # A sudden gradient enters the means at no more than that many times the usual size.
        bound = ops.minimum(1.0, MOST_GROWTH / ops.maximum(growth, 1e-6))
        steering = {
            "masses": masses,
            "log_rate": log_rate,
            "power": usual + keep_square * (power * ops.square(bound) - usual),
            "cosines": sums,
            **influence,
            **scheduler,
        }
        factors = Factors(
            pull=keep * bound,
            stay=1.0 - keep,
            pull_square=keep_square * ops.square(bound),
            stay_square=1.0 - keep_square,
            corrected=corrected(masses),
            rate=rate,
            shrink=ops.minimum(rate * decay, 0.5),
        )
        powers = [
            0.4 * ops.sigmoid(controls.row_power - 2.0),
            0.5 * ops.tanh(controls.column_power + 0.3),
        ]
        kept = {k: ops.cast(v, old[k].dtype) for k, v in steering.items()}
        return factors, powers, {**loss, **guard, **kept}

    def _signals_of_variables(self, measured, growth, agreement, old, layouts):
        matrices = np.array([float(is_matrix(layout)) for layout in layouts], "float32")
        among = ops.cast(agreement, "float32") * ops.convert_to_tensor(matrices)
        together = ops.sum(among) / max(matrices.sum(), 1.0)
        return variable_signals(
            measured,
            growth,
            agreement,
            ops.cast(together, agreement.dtype),
            old["log_rate"],
            static_signals(layouts),
            ops.convert_to_tensor([layout.fan_in for layout in layouts], agreement.dtype),
        )

    def _decay_factors(self, layouts, share):
        """What the weight decay of each variable is multiplied by, `[variables]` float32."""
        decaying = ops.convert_to_tensor([decays(layout) for layout in layouts], "float32")
        kernels = ops.convert_to_tensor([is_matrix(layout) for layout in layouts], "bool")
        return decaying * ops.where(kernels, factor_of_decay(share), 1.0)

    def _growth_of_rates(self, agreement, controls, context, grown):
        """What is added to r, before annealing, `[variables]`; no more where it has `grown`."""
        dtype = agreement.dtype
        age = ops.maximum(ops.cast(context.run_iteration, dtype), 0.0)
        pace = self.adaptation * ops.rsqrt(1.0 + age / 200.0)
        trust = ops.exp(2.0 * ops.tanh(controls.trust / 2.0))
        trust = ops.where(agreement < 0.0, ops.cast(regret(context), dtype) * trust, trust)
        wanted = trust * agreement + ops.tanh(controls.growth)
        # Where all is learned gradients agree for ever, while weights grow without bound.
        wanted = ops.where(grown, ops.minimum(wanted, 0.0), wanted)
        return pace * ops.where(context.contested, ops.zeros_like(wanted), wanted)

    def _sizes(self, layouts):
        """Step of each variable before annealing and all that is learned, float32."""
        kernels = sum(is_matrix(layout) for layout in layouts)

        def size(layout):
            if is_matrix(layout):
                return self.kernel_size * size_of_kernel(layout, kernels)
            if layout.kind in (KERNEL, FILTERS) and layout.rows > 1:
                return 2.0 * self.kernel_size / layout.rows
            return self.embedding_size if layout.kind == EMBEDDING else self.vector_size

        return np.array([size(layout) for layout in layouts], "float32")

    def _keeps(self, controls, context):
        """Weights of a step in the means of gradients and of their squares, `[variables]` each."""
        keep = 0.05 * ops.exp(2.0 * ops.tanh(controls.mean_decay / 2.0))
        keep = ops.where(context.contested, ops.full_like(keep, CONTESTED_KEEP), keep)
        keep_square = 0.01 * ops.exp(2.0 * ops.tanh(controls.square_decay / 2.0))
        iteration = ops.cast(context.iteration, keep.dtype) + 1.0
        return keep, ops.maximum(keep_square, ops.power(iteration, -0.8))

    def _schedule(self, own, trend, old, context):
        """The LSTM's step: `(controls, state)`, `Controls` and a dict."""
        run = [progress_signals(context.run_iteration, context.total_steps), trend]
        run = ops.repeat(ops.concatenate(run)[:, None], own.shape[1], axis=1)
        signals, params = ops.concatenate([run, own]), self.meta_params
        hidden, cell = lstm_step(
            signals,
            old["scheduler_hidden"],
            old["scheduler_cell"],
            params["lstm_kernel"],
            params["lstm_bias"],
        )
        controls = linear(hidden, params["output_kernel"], params["output_bias"])
        controls = controls + ops.matmul(params["direct_kernel"], signals)
        controls = Controls(*ops.unstack(ops.cast(controls, old["power"].dtype), num=CONTROLS))
        return controls, {"scheduler_hidden": hidden, "scheduler_cell": cell}


# State of every variable that is kept for all of them at once, `[…, variables]`: the weight that
# means have gathered so far, r, the usual power of the gradient, the mean of the agreement and
# of its square, the means of the logarithms of a kernel's rows and columns.
_STEERING = {"masses": (2,), "log_rate": (), "power": (), "cosines": (2,), "spreads": (2,)}

"""The unrolled training of several optimizees by one rule, as a graph."""

from typing import Any, NamedTuple

import tensorflow as tf

from l2l_tf.core.transforms import computed_again, mapped
from l2l_tf.rules import UNKNOWN, Context, layout_of
from l2l_tf.tasks import fold_in


class Trajectory(NamedTuple):
    """What is carried from one unroll to the next; values only, no gradient.

    Attributes:
        params: List of tensors `[num_tasks, …]`.
        model_state: List of tensors `[num_tasks, …]`.
        rule_state: `RuleState`: of one flat variable for coordinatewise rules, else
            every tensor with a leading task axis.
        seed: int32 `[2]`, from which the batches come.
    """

    params: Any
    model_state: Any
    rule_state: Any
    seed: Any


def begin(rule, task, seed, num_tasks, packed=True, first=0):
    """A fresh trajectory of `num_tasks` fresh optimizees.

    Args:
        rule: `UpdateRule`.
        task: `Task`.
        seed: int32 `[2]`.
        num_tasks: Number of optimizees.
        packed: Whether a coordinatewise rule sees the optimizees as one flat variable;
            False where each of them has meta-parameters of its own.
        first: Number of the first optimizee, scalar int, where there are others elsewhere.

    Returns:
        A `Trajectory`.
    """
    params, model_state = task.init_tasks(fold_in(seed, 0), num_tasks, first)
    if rule.coordinatewise and packed:
        rule_state = rule.init([_flatten(params)])
    else:
        first = [p[0] for p in params]
        rule_state = _laid_out(rule, task, first).init(first)
        rule_state = tf.nest.map_structure(
            lambda t: tf.repeat(tf.convert_to_tensor(t)[None], num_tasks, axis=0), rule_state
        )
    return Trajectory(params, model_state, rule_state, fold_in(seed, 1))


def _laid_out(rule, task, params):
    """The rule with the layouts of one optimizee's parameters."""
    paths = task.variable_paths or [""] * len(params)
    return rule.laid_out([layout_of(p.shape, path) for p, path in zip(params, paths, strict=True)])


def unroll(
    rule,
    task,
    trajectory,
    train_batches,
    meta_batches,
    start,
    total_steps,
    steps,
    second_derivatives=False,
    meta_params=None,
    gradient_checkpointing=0,
    carry_gradient=False,
    in_all=None,
):
    """Let `rule` train the optimizees of a trajectory for `steps` steps.

    Args:
        rule: `UpdateRule`, bound to the meta-parameters to differentiate.
        task: `Task`.
        trajectory: `Trajectory`, before the first of these steps.
        train_batches: Batches `[steps + 1, num_tasks, …]`: those the optimizees train on;
            the last one only measures the loss after the last step.
        meta_batches: Batches `[steps, num_tasks, …]` on which the loss *after* each step is
            measured; None measures it on the batch that is trained on next (the paper's).
        start: Steps taken before, scalar.
        total_steps: Length of the run for the rule, scalar; NaN if unknown.
        steps: Number of steps, int.
        second_derivatives: Whether the optimizees' gradients are differentiated too;
            False stops them, as the paper does.
        meta_params: Dict name → `[num_tasks, …]`, meta-parameters of each optimizee's own rule;
            None where the rule's own serve all of them.
        gradient_checkpointing: Steps k, a divisor of `steps`, of a part of which a backward pass
            keeps only the beginning and computes the rest again: states of `steps`/k + k steps in
            memory instead of `steps`, for the time of one more forward pass (Chen et al. 2016,
            "Training deep nets with sublinear memory cost"). 0 keeps every step.
        carry_gradient: Whether the trajectory after the steps keeps its gradient.
        in_all: Number of optimizees, where there are others elsewhere.

    Raises:
        ValueError: If second derivatives are asked of a task that has none.

    Returns:
        `(losses, trajectory)`: losses `[steps, num_tasks]` after each step (differentiable
        with respect to the rule's meta-parameters), and the trajectory after the steps.
    """
    if second_derivatives and not task.twice_differentiable:
        raise ValueError(
            f"Gradients of this task cannot be differentiated again. Received: "
            f"second_derivatives={second_derivatives} with {task!r}"
        )
    run = _Run(
        task,
        _Layout(rule, trajectory.params, meta_params, in_all),
        train_batches,
        meta_batches,
        tf.cast(start, tf.int32),
        total_steps,
        second_derivatives,
    )
    rule = _laid_out(rule, task, [p[0] for p in trajectory.params])
    params, model_state, rule_state, seed = trajectory
    state = (run.layout.variables(params), model_state, rule_state)
    if gradient_checkpointing:
        state, losses = _steps_in_parts(run, rule, state, steps, gradient_checkpointing)
    else:
        dtype = params[0].dtype
        state, losses = _repeated(lambda *s: run.step(rule, *s), 0, steps, state, dtype)
    variables, model_state, rule_state = state
    if meta_batches is None:
        # The loss after a step is the one that the next step meets on its batch.
        last, _ = run.forward(variables, model_state, _at(train_batches, steps))
        losses = tf.concat([losses[1:], last[None]], axis=0)
    after = Trajectory(run.layout.params(variables), model_state, rule_state, seed)
    return losses, after if carry_gradient else tf.nest.map_structure(tf.stop_gradient, after)


class _Run(NamedTuple):
    """What does not change along an unroll; the fields are arguments of `unroll`."""

    task: Any
    layout: Any
    train_batches: Any
    meta_batches: Any
    start: Any
    total_steps: Any
    second_derivatives: bool

    def forward(self, variables, model_state, batch):
        """`(losses [num_tasks], model state)`."""
        return self.task.tasks_loss(self.layout.params(variables), model_state, batch)

    def gradient(self, variables, model_state, batch):
        """`(losses [num_tasks], gradients, model state)`."""
        with tf.GradientTape() as tape:
            tape.watch(variables)
            losses, model_state = self.forward(variables, model_state, batch)
            total = tf.reduce_sum(losses)
        gradients = tape.gradient(
            total, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        # The gradient of a loss mapped over tasks may come as slices.
        gradients = [tf.convert_to_tensor(g) for g in gradients]
        if not self.second_derivatives:
            gradients = [tf.stop_gradient(g) for g in gradients]
        return losses, gradients, model_state

    def step(self, rule, number, state):
        """Variables, model state and rule state after a step, and a loss `[num_tasks]`: the one
        before the step, or with meta-batches the one after it."""
        variables, model_state, rule_state = state
        before, gradients, model_state = self.gradient(
            variables, model_state, _at(self.train_batches, number)
        )
        context = Context(self.start + number, tf.stop_gradient(before), self.total_steps)
        updates, rule_state = self.layout.update(rule, gradients, rule_state, variables, context)
        variables = [v + u for v, u in zip(variables, updates, strict=True)]
        loss = before
        if self.meta_batches is not None:
            loss, _ = self.forward(variables, model_state, _at(self.meta_batches, number))
        return (variables, model_state, rule_state), loss


def _at(batches, index):
    return tf.nest.map_structure(lambda t: t[index], batches)


def _repeated(take, first, number, state, dtype):
    """Call `take(step, state)` for each step; it gives a state and a loss to be written.

    Returns:
        `(state, losses)`: after the last step, and one entry for each.
    """

    def body(index, state, losses):
        state, loss = take(first + index, state)
        return index + 1, state, losses.write(index, loss)

    _, state, losses = tf.while_loop(
        lambda index, *_: index < number,
        body,
        (tf.constant(0), state, tf.TensorArray(dtype, number)),
        maximum_iterations=number,
    )
    return state, losses.stack()


def _steps_in_parts(run, rule, state, steps, length):
    """All steps, of which a backward pass keeps the beginnings of parts of `length` alone."""
    names = list(rule.meta_params)
    values = [tf.convert_to_tensor(rule.meta_params[name]) for name in names]
    dtype, num_tasks = state[0][0].dtype, run.layout.num_tasks

    def take_part(part, state):
        def from_its_beginning(values, state):
            bound = rule.bind(dict(zip(names, values, strict=True)))
            return _repeated(lambda *s: run.step(bound, *s), part * length, length, state, dtype)

        return computed_again(from_its_beginning, values, state)

    state, losses = _repeated(take_part, 0, steps // length, state, dtype)
    return state, tf.reshape(losses, [steps, num_tasks])


class _Layout:
    """How a rule sees the parameters of several optimizees.

    A coordinatewise rule sees one flat variable: every coordinate of every task, so
    that its state is one tensor per slot. Any other rule is mapped over the tasks, and
    so is one with meta-parameters of each task's own.
    """

    def __init__(self, rule, params, meta_params=None, in_all=None):
        self.flat = rule.coordinatewise and meta_params is None
        self.meta_params = meta_params
        self.shapes = [p.shape for p in params]
        self.sizes = [p.shape.num_elements() for p in params]
        self.num_tasks = params[0].shape[0]
        self.in_all = in_all or self.num_tasks

    def variables(self, params):
        return [_flatten(params)] if self.flat else list(params)

    def params(self, variables):
        if not self.flat:
            return list(variables)
        parts = tf.split(variables[0], self.sizes)
        return [tf.reshape(p, s) for p, s in zip(parts, self.shapes, strict=True)]

    def update(self, rule, gradients, state, variables, context):
        own = self.meta_params is not None
        names = list(rule.meta_params)

        def step(values, arguments):
            gradients, state, variables, loss = arguments
            bound = rule.bind(dict(zip(names, values, strict=True)))
            return bound.update(gradients, state, variables, context._replace(loss=loss))

        source = self.meta_params if own else rule.meta_params
        values = [tf.convert_to_tensor(source[name]) for name in names]
        loss = context.loss
        if self.flat:
            # A loss belongs to one task; a coordinatewise rule over several sees none.
            loss = loss[0] if self.in_all == 1 else tf.constant(UNKNOWN, loss.dtype)
        arguments = (gradients, state, variables, loss)
        # The backward pass computes the step again. That is faster than storing what is
        # inside of it (memory traffic costs more than the products), and takes the memory of
        # the state alone.
        if self.flat:
            return computed_again(step, values, arguments)
        if self.num_tasks > 1:
            return mapped(step, values, arguments, own)
        alone = tf.nest.map_structure(lambda t: t[0], (values if own else [], arguments))
        found = computed_again(step, alone[0] or values, alone[1])
        return tf.nest.map_structure(lambda t: t[None], found)


def _flatten(params):
    return tf.concat([tf.reshape(p, [-1]) for p in params], axis=0)

"""The unrolled training of several optimizees by one rule, as a graph."""

from typing import Any, NamedTuple

import tensorflow as tf

from l2l_tf.rules import UNKNOWN, Context, layout_of
from l2l_tf.tasks import fold_in


class Trajectory(NamedTuple):
    """What is carried from one unroll to the next; values only, no gradient.

    Attributes:
        params: List of tensors `[tasks, …]`.
        model_state: List of tensors `[tasks, …]`.
        rule_state: `RuleState`: of one flat variable for coordinatewise rules, else
            every tensor with a leading task axis.
        seed: int32 `[2]`, from which the batches come.
    """

    params: Any
    model_state: Any
    rule_state: Any
    seed: Any


def begin(rule, task, seed, count, joined=True):
    """A fresh trajectory of `count` fresh optimizees.

    Args:
        rule: `UpdateRule`.
        task: `Task`.
        seed: int32 `[2]`.
        count: Number of optimizees.
        joined: Whether a coordinatewise rule sees the optimizees as one flat variable;
            False where each of them has meta-parameters of its own.

    Returns:
        A `Trajectory`.
    """
    params, model_state = task.init_tasks(fold_in(seed, 0), count)
    if rule.coordinatewise and joined:
        rule_state = rule.init([_flatten(params)])
    else:
        first = [p[0] for p in params]
        rule_state = _laid_out(rule, task, first).init(first)
        rule_state = tf.nest.map_structure(
            lambda t: tf.repeat(tf.convert_to_tensor(t)[None], count, axis=0), rule_state
        )
    return Trajectory(params, model_state, rule_state, fold_in(seed, 1))


def _laid_out(rule, task, params):
    """The rule as it is told what one optimizee's parameters are for."""
    paths = task.variable_paths or [""] * len(params)
    return rule.laid_out([layout_of(p.shape, path) for p, path in zip(params, paths, strict=True)])


def batches(task, seed, count, start, steps, split="train"):
    """Batches of `steps` steps for `count` optimizees: leading axes `[steps, count]`.

    Args:
        task: `Task`.
        seed: int32 `[2]`.
        count: Number of optimizees; each draws batches of its own.
        start: First step, scalar.
        steps: Number of steps, int.
        split: One of `tasks.SPLITS`.
    """
    example = task.batch(seed, 0, split)
    if not tf.nest.flatten(example):
        return ()
    seeds = tf.stack([fold_in(seed, i) for i in range(count)])
    if not task.in_graph:
        drawn = [
            [task.batch(seeds[i], start + t, split) for i in range(count)] for t in range(steps)
        ]
        rows = [tf.nest.map_structure(lambda *x: tf.stack(x), *row) for row in drawn]
        return tf.nest.map_structure(lambda *x: tf.stack(x), *rows)

    def one(pair):
        return task.batch(seeds[pair[1]], tf.cast(start, tf.int32) + pair[0], split)

    pairs = tf.stack([tf.repeat(tf.range(steps), count), tf.tile(tf.range(count), [steps])], axis=1)
    signature = tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), example)
    drawn = tf.map_fn(one, pairs, fn_output_signature=signature)
    return tf.nest.map_structure(lambda t: tf.reshape(t, [steps, count, *t.shape[1:]]), drawn)


def measured_batches(task, seed, count, start, steps, meta_batch):
    """Batches of `steps` steps: `(batches trained on, batches measured on or None)`.

    Args:
        task: `Task`.
        seed: int32 `[2]`, of the trajectory.
        count: Number of optimizees.
        start: Steps taken before, scalar.
        steps: Number of steps, int.
        meta_batch: Where losses are measured: "same", "fresh" or "held_out", as estimators
            say it.

    Returns:
        Batches `[steps + 1, count, …]`, and `[steps, count, …]`: None where losses are measured
        on the batch that is trained on next, and where a task has no batches.
    """
    train = batches(task, seed, count, start, steps + 1)
    if meta_batch == "same" or not tf.nest.flatten(train):
        return train, None
    split = "train" if meta_batch == "fresh" else "validation"
    return train, batches(task, fold_in(seed, 1), count, start, steps, split)


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
    recompute_every=0,
    carry_gradient=False,
):
    """Let `rule` train the optimizees of a trajectory for `steps` steps.

    Args:
        rule: `UpdateRule`, bound to the meta-parameters to differentiate.
        task: `Task`.
        trajectory: `Trajectory`, before the first of these steps.
        train_batches: Batches `[steps + 1, tasks, …]`: those the optimizees train on;
            the last one only measures the loss after the last step.
        meta_batches: Batches `[steps, tasks, …]` on which the loss *after* each step is
            measured; None measures it on the batch that is trained on next (the paper's).
        start: Steps taken before, scalar.
        total_steps: Length of the run as told to the rule, scalar; NaN if unknown.
        steps: Number of steps, int.
        second_derivatives: Whether the optimizees' gradients are differentiated too;
            False stops them, as the paper does.
        meta_params: Dict name → `[tasks, …]`, meta-parameters of each optimizee's own rule;
            None where the rule's own serve all of them.
        recompute_every: Steps k, a divisor of `steps`, of a part of which a backward pass keeps
            only the beginning and computes the rest again: states of `steps`/k + k steps in
            memory instead of `steps`, for the time of one more forward pass (Chen et al. 2016,
            "Training deep nets with sublinear memory cost"). 0 keeps every step.
        carry_gradient: Whether the trajectory after the steps keeps its gradient.

    Raises:
        ValueError: If second derivatives are asked of a task that has none.

    Returns:
        `(losses, trajectory)`: losses `[steps, tasks]` after each step (differentiable
        with respect to the rule's meta-parameters), and the trajectory after the steps.
    """
    if second_derivatives and not task.twice_differentiable:
        raise ValueError(
            f"Gradients of this task cannot be differentiated again. Received: "
            f"second_derivatives={second_derivatives} with {task!r}"
        )
    layout = _Layout(rule, trajectory.params, meta_params)
    rule = _laid_out(rule, task, [p[0] for p in trajectory.params])
    start = tf.cast(start, tf.int32)
    dtype = trajectory.params[0].dtype
    count = trajectory.params[0].shape[0]

    def forward(variables, model_state, batch):
        return task.tasks_loss(layout.params(variables), model_state, batch)

    def gradient_of(variables, model_state, batch):
        with tf.GradientTape() as tape:
            tape.watch(variables)
            losses, model_state = forward(variables, model_state, batch)
            total = tf.reduce_sum(losses)
        gradients = tape.gradient(
            total, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        # The gradient of a loss mapped over tasks may come as slices.
        gradients = [tf.convert_to_tensor(g) for g in gradients]
        if not second_derivatives:
            gradients = [tf.stop_gradient(g) for g in gradients]
        return losses, gradients, model_state

    def at(batch, index):
        return tf.nest.map_structure(lambda t: t[index], batch)

    def take_step(rule, step, state):
        """Variables, model state and rule state after a step, and a loss `[tasks]`: the one
        before the step, or with meta-batches the one after it."""
        variables, model_state, rule_state = state
        before, gradients, model_state = gradient_of(
            variables, model_state, at(train_batches, step)
        )
        context = Context(start + step, tf.stop_gradient(before), total_steps)
        updates, rule_state = layout.update(rule, gradients, rule_state, variables, context)
        variables = [v + u for v, u in zip(variables, updates, strict=True)]
        loss = before
        if meta_batches is not None:
            loss, _ = forward(variables, model_state, at(meta_batches, step))
        return (variables, model_state, rule_state), loss

    def take_steps(first, number, state, take):
        """Repeat `take`, which gives a state and what is written; `first`: of the first step."""

        def body(index, state, losses):
            state, loss = take(first + index, state)
            return index + 1, state, losses.write(index, loss)

        losses = tf.TensorArray(dtype, number)
        _, state, losses = tf.while_loop(
            lambda index, *_: index < number,
            body,
            (tf.constant(0), state, losses),
            maximum_iterations=number,
        )
        return state, losses.stack()

    state = (layout.variables(trajectory.params), trajectory.model_state, trajectory.rule_state)
    if recompute_every:
        names = list(rule.meta_params)
        values = [tf.convert_to_tensor(rule.meta_params[name]) for name in names]

        def take_part(part, state):
            def from_its_beginning(values, state):
                bound = rule.bind(dict(zip(names, values, strict=True)))
                return take_steps(
                    part * recompute_every,
                    recompute_every,
                    state,
                    lambda step, state: take_step(bound, step, state),
                )

            return _computed_again(from_its_beginning, values, state)

        state, losses = take_steps(0, steps // recompute_every, state, take_part)
        losses = tf.reshape(losses, [steps, count])
    else:
        state, losses = take_steps(0, steps, state, lambda *s: take_step(rule, *s))
    variables, model_state, rule_state = state
    if meta_batches is None:
        # The loss after a step is the one that the next step meets on its batch.
        last, _ = forward(variables, model_state, at(train_batches, steps))
        losses = tf.concat([losses[1:], last[None]], axis=0)
    after = Trajectory(layout.params(variables), model_state, rule_state, trajectory.seed)
    return losses, after if carry_gradient else tf.nest.map_structure(tf.stop_gradient, after)


def _computed_again(function, *arguments):
    """`function(*arguments)`, of which a backward pass remembers the arguments alone.

    Unlike `tf.recompute_grad`, the function may take gradients itself.
    """

    @tf.custom_gradient
    def call(*flat):
        def result_of(flat):
            return function(*tf.nest.pack_sequence_as(arguments, flat))

        def backward(*upstream):
            with tf.GradientTape() as tape:
                copies = [tf.identity(t) for t in flat]
                tape.watch([t for t in copies if t.dtype.is_floating])
                outputs = tf.nest.flatten(result_of(copies))
            return tape.gradient(
                outputs,
                copies,
                output_gradients=list(upstream),
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )

        result = result_of(list(flat))
        structure.append(result)
        return tf.nest.flatten(result), backward

    structure = []
    flat = call(*tf.nest.flatten(arguments))
    return tf.nest.pack_sequence_as(structure[0], flat)


class _Layout:
    """How a rule sees the parameters of several optimizees.

    A coordinatewise rule sees one flat variable: every coordinate of every task, so
    that its state is one tensor per slot. Any other rule is mapped over the tasks, and
    so is one with meta-parameters of each task's own.
    """

    def __init__(self, rule, params, meta_params=None):
        self.flat = rule.coordinatewise and meta_params is None
        self.meta_params = meta_params
        self.shapes = [p.shape for p in params]
        self.sizes = [p.shape.num_elements() for p in params]
        self.count = params[0].shape[0]

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
            loss = loss[0] if self.count == 1 else tf.constant(UNKNOWN, loss.dtype)
        arguments = (gradients, state, variables, loss)
        # The backward pass computes the step again. That is faster than storing what is
        # inside of it (memory traffic costs more than the products), and takes the memory of
        # the state alone.
        if self.flat:
            return _computed_again(step, values, arguments)
        if self.count > 1:
            return _mapped(step, values, arguments, own)
        alone = tf.nest.map_structure(lambda t: t[0], (values if own else [], arguments))
        found = _computed_again(step, alone[0] or values, alone[1])
        return tf.nest.map_structure(lambda t: t[None], found)


def _mapped(function, values, arguments, own):
    """`function(values, arguments)` of every task; the values may be each task's own or shared.

    Derivatives are mapped, and not the map differentiated: what a mapped forward pass leaves
    behind, axes of its operations among it, XLA takes for unknown, and compiles anew for every
    meta-step.
    """
    number = len(values)
    structure = []

    def of_one(values, flat):
        result = function(values, tf.nest.pack_sequence_as(arguments, flat))
        structure.append(result)
        return tf.nest.flatten(result)

    @tf.custom_gradient
    def call(*flat):
        shared = [] if own else list(flat[:number])
        each = list(flat) if own else list(flat[number:])

        def forward(each):
            return of_one(each[:number], each[number:]) if own else of_one(shared, each)

        def backward(*upstream):
            def gradients(pair):
                each, upstream = pair
                with tf.GradientTape() as tape:
                    copies = [tf.identity(t) for t in (*shared, *each)]
                    watched = [t for t in copies if t.dtype.is_floating]
                    tape.watch(watched)
                    outputs = of_one(copies[:number], copies[number:])
                zero = tf.UnconnectedGradients.ZERO
                return tape.gradient(outputs, watched, list(upstream), unconnected_gradients=zero)

            found = iter(tf.vectorized_map(gradients, (each, list(upstream))))
            found = [next(found) if t.dtype.is_floating else None for t in flat]
            summed = [tf.reduce_sum(g, axis=0) for g in found[: len(shared)]]
            return [*summed, *found[len(shared) :]]

        return tf.vectorized_map(forward, each), backward

    flat = call(*values, *tf.nest.flatten(arguments))
    return tf.nest.pack_sequence_as(structure[0], flat)


def _flatten(params):
    return tf.concat([tf.reshape(p, [-1]) for p in params], axis=0)

"""Transformations of functions: less memory for their derivatives, and all tasks at once."""

import tensorflow as tf


def computed_again(function, *arguments):
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


def mapped(function, values, arguments, own):
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

"""Global averaging cells: averages across coordinates.

Andrychowicz et al. (2016), appendix: in each LSTM layer a subset of the cells has its
outgoing activation replaced, at every step, by its mean over all coordinates.

A computation that needs such a mean is written as a *generator* over one chunk of the
coordinates: it yields what is to be averaged and is sent the means.

    def clipped(gradient, count, bound):
        mean_square = yield (gradient**2)[None]                 # [1, n] → [1, 1]
        norm = ops.sqrt(count * mean_square)
        return gradient * ops.minimum(1.0, bound / norm)[0]

`in_lockstep` runs the groups of a model together. Means are total sums over total counts,
so the result does not depend on how the coordinates were cut into groups. Under
data-parallel `tf.distribute` every replica holds all variables and the all-reduced
gradients, so that each of them takes the same means and nothing more has to be exchanged.
"""

import functools
import numbers

import keras
import numpy as np
from keras import ops

from l2l_tf.cells.lstm import lstm_layer_step
from l2l_tf.rules.chunks import sums_in_chunks, write_in_chunks


def in_lockstep(evaluations, counts):
    """Results of generators, one per chunk, that average what they yield with one another.

    Each yields tensors `[k, n_chunk]`, or their sums `[k, 1]`, and is sent the means `[k, 1]` over
    the coordinates of all groups, in its own dtype; the sums are taken in the widest dtype among
    them.

    Args:
        evaluations: List of generators that yield equally often.
        counts: List of the groups' numbers of coordinates.

    Returns:
        List of what the generators return.
    """
    total = sum(counts)
    sent = [None] * len(evaluations)
    while True:
        yielded, results = [], []
        for evaluation, means in zip(evaluations, sent, strict=True):
            try:
                yielded.append(evaluation.send(means))
            except StopIteration as stop:
                results.append(stop.value)
        if results:
            if yielded:
                raise RuntimeError("The evaluations of the groups do not yield equally often.")
            return results
        dtypes = [value.dtype for value in yielded]
        widest = keras.backend.result_type(*dtypes)
        sums = [ops.cast(ops.sum(v, axis=-1, keepdims=True), widest) for v in yielded]
        means = sum(sums[1:], sums[0]) / ops.cast(total, widest)
        sent = [ops.cast(means, dtype) for dtype in dtypes]


def averaged_cells(cells, layers, hidden_size):
    """Indices of the averaged cells of every layer.

    Args:
        cells: An int (the first so many cells of every layer), or a list with an int or a
            list of indices for each layer.
        layers: Number of layers.
        hidden_size: Cells per layer.

    Returns:
        List of `layers` lists of indices.

    Raises:
        ValueError: If the layers do not match or a cell does not exist.
    """
    try:
        per_layer = [cells] * layers if _is_integer(cells) else list(cells)
        chosen = [_indices(layer, hidden_size) for layer in per_layer]
        if len(chosen) != layers:
            raise ValueError(f"{len(chosen)} layers")
    except (TypeError, ValueError):
        raise ValueError(
            f"Averaged cells are a number, or numbers or indices for each of {layers} layers "
            f"of {hidden_size} cells. Received: {cells!r}"
        ) from None
    return chosen


def _indices(cells, size):
    """Indices of a layer's averaged cells, given as their number or as indices."""
    if _is_integer(cells):
        cells, wrong = range(cells), not 0 <= cells <= size
    else:
        cells = sorted(set(cells))
        wrong = not all(_is_integer(i) and 0 <= i < size for i in cells)
    if wrong:
        raise ValueError(f"not cells of {size}")
    return [int(i) for i in cells]


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def averaging_lstm_step(inputs, state, meta_params, layers, averaged):
    """One step through stacked LSTMs with global averaging cells, as a generator.

    As `stacked_lstm_step`, but an averaged cell emits the mean of its activation over all
    coordinates, to the layer above and to its own layer's next step alike; its cell state
    stays each coordinate's own.

    Args:
        inputs: `[inputs, n]`.
        state: Dict with `lstm_{l}_hidden` and `lstm_{l}_cell`, each `[hidden, n]`.
        meta_params: Dict with `lstm_{l}_kernel` and `lstm_{l}_bias`.
        layers: Number of layers.
        averaged: Per layer, the list of averaged cells.

    Yields:
        For every layer with averaged cells their activations `[k, n]`; wants the means
        `[k, 1]`.

    Returns:
        `(features, state)` as `stacked_lstm_step`.
    """
    features, new_state = inputs, {}
    for layer in range(layers):
        features, cell = lstm_layer_step(features, state, meta_params, layer)
        indices = averaged[layer]
        if indices:
            means = yield ops.stack([features[i] for i in indices], axis=0)
            features = _replace_rows(features, indices, means)
        new_state[f"lstm_{layer}_hidden"], new_state[f"lstm_{layer}_cell"] = features, cell
    return features, new_state


def averaging_lstm_in_chunks(inputs, given, slots, meta_params, averaged, dtype, iteration):
    """`averaging_lstm_step` of many coordinates, a chunk at a time, as a generator.

    A layer is evaluated for all chunks, and what it emits is kept in its own slot, before its
    averages are known and the next layer can be. So each layer is evaluated once.

    Args:
        inputs: Function `(*given) → [inputs, n]` of fewer coordinates.
        given: Tensors, the first `[n]`, see `chunks.write_in_chunks`.
        slots: Dict with `lstm_{l}_hidden` and `lstm_{l}_cell`, each `[hidden, n]`.
        meta_params: As in `averaging_lstm_step`.
        averaged: Per layer, the list of averaged cells.
        dtype: Dtype in which to compute.
        iteration: See `chunks.write_in_chunks`.

    Yields:
        As `averaging_lstm_step`, but the sums `[k, 1]` of the activations.

    Returns:
        `(slots, heard)`: all slots, those of the layers new, where the last layer's averaged cells
        still have each coordinate's own activation; a function that puts the means in their place.
    """
    slots, heard = dict(slots), None
    for layer, indices in enumerate(averaged):
        step = functools.partial(_layer_of_a_chunk, inputs, meta_params, layer, heard)
        below = [f"lstm_{layer - 1}_hidden"] if layer else []
        names = [*below, f"lstm_{layer}_hidden", f"lstm_{layer}_cell"]
        old = {name: slots[name] for name in names}
        slots.update(write_in_chunks(step, given, old, dtype, iteration))
        means = None
        if indices:
            of_interest = functools.partial(_rows, indices)
            emitted = (given[0], slots[f"lstm_{layer}_hidden"])
            means = yield sums_in_chunks(of_interest, emitted, dtype)[:, None]
        heard = functools.partial(_replace_rows, indices=indices, means=means)
    return slots, heard


def _layer_of_a_chunk(inputs, meta_params, layer, heard, *pieces):
    """New slots of a layer, and of the one below what it heard from there."""
    *given, old = pieces
    below = f"lstm_{layer - 1}_hidden"
    features = heard(old[below]) if layer else inputs(*given)
    hidden, cell = lstm_layer_step(features, old, meta_params, layer)
    new = {f"lstm_{layer}_hidden": hidden, f"lstm_{layer}_cell": cell}
    return {**new, below: features} if layer else new


def _rows(indices, _, features):
    return [features[i] for i in indices]


def _replace_rows(features, indices, means):
    if not indices:
        return features
    size = features.shape[0]
    place = np.zeros((size, len(indices)))
    place[indices, range(len(indices))] = 1.0
    emitted = ops.matmul(ops.convert_to_tensor(place, dtype=features.dtype), means)
    return ops.where(place.sum(axis=1, keepdims=True) > 0, emitted, features)

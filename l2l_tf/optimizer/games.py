"""Which optimizers play against each other: each of them moves what the other's loss depends on."""

import weakref

import tensorflow as tf

_traced = weakref.WeakKeyDictionary()
_turns = []


def note(optimizer):
    """Take note of an optimizer's turn, and mark those that take turns.

    Optimizers of different variables that are applied in one traced program, or one after the
    other in turns where nothing is traced, train nets of one game: a generator and its
    discriminator, an actor and its critic. Each is told by `contest()`, whenever it was traced.

    Args:
        optimizer: `RuleOptimizer`, built.
    """
    if tf.executing_eagerly():
        others = _others_in_turn(optimizer)
    else:
        together = _traced.setdefault(_program(), weakref.WeakSet())
        others = [o for o in together if o is not optimizer]
        together.add(optimizer)
    rivals = [other for other in others if _apart(optimizer, other)]
    for player in [optimizer, *rivals] if rivals else []:
        player.contest()


def _others_in_turn(optimizer):
    """The other optimizer, where the last three turns are this one's, its, and this one's."""
    if not _turns or _turns[-1]() is not optimizer:
        _turns.append(weakref.ref(optimizer))
        del _turns[:-3]
    turns = [turn() for turn in _turns]
    if len(turns) < 3 or turns[0] is not turns[2] or turns[1] is None:
        return []
    return [turns[1]]


def _program():
    """The outermost program that is being traced."""
    graph = tf.compat.v1.get_default_graph()
    while getattr(graph, "outer_graph", None) is not None and graph.outer_graph.building_function:
        graph = graph.outer_graph
    return graph


def _apart(one, other):
    mine = {id(v) for v in one.learned_variables()}
    return mine.isdisjoint(id(v) for v in other.learned_variables())

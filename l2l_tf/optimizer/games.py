"""Which optimizers play against each other: each of them moves what the other's loss depends on."""

import weakref

from l2l_tf.optimizer.backends import BACKEND

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
    if not BACKEND.tracing():
        others = _others_in_turn(optimizer)
    elif (program := BACKEND.program()) is None:
        return
    else:
        together = _traced.setdefault(program, weakref.WeakSet())
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


def _apart(one, other):
    mine = {id(v) for v in one.learned_variables()}
    return mine.isdisjoint(id(v) for v in other.learned_variables())

"""Which optimizers play against each other: each of them moves what the other's loss depends on."""

import weakref

from l2l_tf.optimizer.backends import BACKEND

_traced = weakref.WeakKeyDictionary()
_turns, _models = [], []


def note(optimizer):
    """Take note of an optimizer's turn, and mark those that take turns.

    Optimizers of different variables that are applied in one traced program, or one after the
    other in turns where nothing is traced, train nets of one game: a generator and its
    discriminator, an actor and its critic. Each is told by `contest()`, whenever it was traced.

    Args:
        optimizer: `RuleOptimizer`, built.
    """
    if BACKEND.tracing():
        others = _others_in_program(optimizer)
    else:
        others = _others_in_turn(optimizer, _turns)
    _tell(optimizer, others)


def note_batch(model, optimizer_of):
    """Take note of a model's turn in `train_on_batch`.

    Models in turns, of which one contains what the other trains, are in a game too: a generator is
    trained through a discriminator that is frozen there.

    Args:
        model: `keras.Model`, built.
        optimizer_of: Function of a model; its `RuleOptimizer`, or None.
    """
    for other in _others_in_turn(model, _models):
        mine, theirs = optimizer_of(model), optimizer_of(other)
        if mine is None or theirs is None or not mine.built or not theirs.built:
            continue
        if _contains(model, theirs) or _contains(other, mine):
            _tell(mine, [theirs])


def _tell(optimizer, others):
    rivals = [other for other in others if _apart(optimizer, other)]
    for player in [optimizer, *rivals] if rivals else []:
        if not player.contest_is_known:
            player.notice_contest(True)


def _others_in_program(one):
    # AutoGraph, which goes through this in a user's `tf.function`, knows no assignment expressions.
    program = BACKEND.program()
    if program is None:
        return []
    together = _traced.setdefault(program, weakref.WeakSet())
    others = [other for other in together if other is not one]
    together.add(one)
    return others


def _others_in_turn(one, turns):
    """The other, where the last three turns are this one's, its, and this one's."""
    if not turns or turns[-1]() is not one:
        turns.append(weakref.ref(one))
        del turns[:-3]
    last = [turn() for turn in turns]
    if len(last) < 3 or last[0] is not last[2] or last[1] is None:
        return []
    return [last[1]]


def _contains(model, optimizer):
    learned = {id(v) for v in optimizer.learned_variables()}
    return any(id(v) in learned for v in model.variables)


def _apart(one, other):
    mine = {id(v) for v in one.learned_variables()}
    return mine.isdisjoint(id(v) for v in other.learned_variables())

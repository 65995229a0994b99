"""The state of a meta-training run as a checkpoint holds it, and taken up again."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from l2l_tf.core.renamed import upgraded_fields, upgraded_rule
from l2l_tf.meta import checkpoint
from l2l_tf.meta.settings import Settings
from l2l_tf.tasks import as_seed

COUNTERS = ("skipped", "best_score", "best_step", "failures", "seconds")


def save(trainer, directory):
    """Write a checkpoint of everything that the next meta-step of a `Trainer` depends on."""
    info = {"describe": trainer.describe(), **_info(trainer)}
    if trainer.follower:
        info["partner"] = _info(trainer.follower)
    arrays = {name: np.asarray(value) for name, value in _named(_all_arrays(trainer)).items()}
    if trainer.spread.writes:
        best = trainer.best_step
        checkpoint.save_checkpoint(directory, trainer.meta_step, arrays, info, best=best)


def _info(trainer):
    runs = [run and {k: v for k, v in run.items() if k != "carried"} for run in trainer.runs]
    return {
        "runs": runs,
        "history": trainer.validations,
        **{name: getattr(trainer, name) for name in COUNTERS},
    }


def restore(trainer, directory):
    """Take up the newest valid checkpoint.

    Args:
        trainer: `Trainer`.
        directory: Where checkpoints are; may be missing.

    Returns:
        Whether there was one.

    Raises:
        ValueError: If the checkpoint belongs to another run, or is none of meta-training, or all
            that there are are damaged: a run begun afresh would take the place of theirs.
    """
    found = checkpoint.newest_checkpoint(directory)
    if found is None:
        if checkpoint.any_checkpoint(directory):
            raise ValueError(
                "All checkpoints are damaged; to start afresh name another directory, or move "
                f"them away. Received: {str(directory)!r}"
            )
        return False
    try:
        _take_up(trainer, *found)
    except (LookupError, TypeError, AttributeError, tf.errors.OpError) as error:
        raise ValueError(
            f"The checkpoint of step {found[0]} is none of meta-training ({error!r}). "
            f"Received: {str(directory)!r}"
        ) from error
    return True


def _take_up(trainer, meta_step, arrays, info):
    _refuse_another_run(info["describe"], trainer.describe())
    parts = [(trainer, info)]
    if trainer.follower:
        parts.append((trainer.follower, info["partner"]))
    for part, its_info in parts:
        for index, run in enumerate(its_info["runs"]):
            if run is not None:
                place = {name: int(run[name]) for name in ("start", "trajectory")}
                waiting = {
                    "waited": int(run.get("waited", 0)),
                    "stuck": bool(run.get("stuck", False)),
                }
                carried = part.fresh(index, as_seed(0))
                part.runs[index] = {**place, **waiting, "carried": carried}
    saved = _filled(_all_arrays(trainer), arrays)
    for part, its_info in parts:
        _take_up_own(part, its_info, saved if part is trainer else saved["partner"])
        part.meta_step = meta_step


def _take_up_own(trainer, info, saved):
    for kind in ("meta_params", "averages"):
        for name, variable in getattr(trainer, _KEPT_AS[kind]).items():
            variable.assign(saved[kind][name])
    for variable, value in zip(trainer.optimizer.variables, saved["optimizer"], strict=True):
        variable.assign(value)
    trainer.best = saved["best"]
    for index, flat in saved["run"].items():
        run = trainer.runs[index]
        flat = [tf.constant(value) for value in flat]
        carried = tf.nest.pack_sequence_as(run["carried"], flat)
        run["carried"] = trainer.spread.scattered(carried)
    for name in COUNTERS:
        setattr(trainer, name, _finite_or_infinite(info[name]))
    trainer.validations = [
        {k: _finite_or_infinite(v) for k, v in entry.items()} for entry in info["history"]
    ]


_KEPT_AS = {"meta_params": "variables", "averages": "averages"}


def _all_arrays(trainer):
    """Those of a trainer and of its partner."""
    partner = {"partner": _arrays(trainer.follower)} if trainer.follower else {}
    return {**_arrays(trainer), **partner}


def _arrays(trainer):
    """What a checkpoint holds of a trainer as arrays: nested dicts and lists."""
    gathered = trainer.spread.gathered
    runs = {
        i: tf.nest.flatten(gathered(run["carried"])) for i, run in enumerate(trainer.runs) if run
    }
    return {
        "meta_params": trainer.variables,
        "averages": trainer.averages,
        "best": trainer.best,
        "optimizer": list(trainer.optimizer.variables),
        "run": runs,
    }


def _items(structure):
    return structure.items() if isinstance(structure, dict) else enumerate(structure)


def _named(structure, prefix=""):
    """Nested dicts and lists as one dict of names with slashes."""
    if not isinstance(structure, dict | list):
        return {prefix: structure}
    named = {}
    for key, inner in _items(structure):
        named.update(_named(inner, f"{prefix}/{key}" if prefix else str(key)))
    return named


def _filled(structure, named, prefix=""):
    """The reverse of `_named`: the same structure with the values of these names.

    Raises:
        ValueError: If one of them has another shape or dtype than what it takes the place of.
    """
    if not isinstance(structure, dict | list):
        value, before = named[prefix], np.asarray(structure)
        if (value.shape, value.dtype) != (before.shape, before.dtype):
            raise ValueError(
                f"The checkpoint holds another {prefix!r} than this run: expected "
                f"{before.dtype}{list(before.shape)}. Received: {value.dtype}{list(value.shape)}"
            )
        return value
    filled = {
        key: _filled(inner, named, f"{prefix}/{key}" if prefix else str(key))
        for key, inner in _items(structure)
    }
    return filled if isinstance(structure, dict) else list(filled.values())


def _finite_or_infinite(value):
    """JSON has no infinity: it is null there."""
    return math.inf if value is None else value


def _refuse_another_run(before, now):
    before, now = _settings(_upgraded(before)), _settings(now)
    different = [k for k in {**before, **now} if before.get(k) != now.get(k)]
    if different:
        raise ValueError(
            "The checkpoint belongs to a run with other settings: "
            + ", ".join(f"{k}={before.get(k)!r}" for k in different)
            + ". Received: "
            + ", ".join(f"{k}={now.get(k)!r}" for k in different)
        )


def _upgraded(before):
    """The description of a run under the names of today; settings that there were not yet had
    what is their default."""
    defaults = dataclasses.asdict(Settings())
    estimator = before["estimator"]
    return {
        **before,
        "rule": upgraded_rule(before["rule"]),
        "estimator": {**estimator, "config": upgraded_fields(estimator["config"])},
        "settings": {**defaults, **upgraded_fields(before["settings"])},
    }


def _settings(value, prefix=""):
    """Nested dicts as one dict of dotted names, with values as JSON gives them back."""
    if not isinstance(value, dict):
        return {prefix: plain(value)}
    flat = {}
    for name, inner in value.items():
        flat.update(_settings(inner, f"{prefix}.{name}" if prefix else name))
    return flat


def plain(value):
    """The same data as JSON gives it back."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value

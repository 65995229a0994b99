"""Contenders: optimizers that an evaluation compares, each made afresh for every run."""

import dataclasses
import hashlib
import math
import os
import pathlib
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from l2l_tf import presets, rules
from l2l_tf.evaluation.code import run_code
from l2l_tf.optimizer import LearnedOptimizer

# What makes a contender of a text know the length of the run.
SUFFIX = "@known_horizon"


@keras.saving.register_keras_serializable(package="l2l_tf")
class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate held in a variable, so that one compiled step serves a whole grid."""

    def __init__(self, value: float):
        self.variable = keras.Variable(float(value), dtype="float32", trainable=False)

    def __call__(self, step: Any) -> tf.Tensor:
        del step
        return tf.convert_to_tensor(self.variable.value)

    def __float__(self):
        return float(self.variable.numpy())

    def assign(self, value: float) -> None:
        """Set the rate to a float."""
        self.variable.assign(float(value))

    def get_config(self) -> dict:
        return {"value": float(self)}


@keras.saving.register_keras_serializable(package="l2l_tf")
class CosineToZero(keras.optimizers.schedules.LearningRateSchedule):
    """`rate · (1 + cos(π · step / total_steps)) / 2`, and zero beyond.

    Args:
        rate: A `Rate`, or another schedule.
        total_steps: Length of the run in steps.
    """

    def __init__(self, rate: keras.optimizers.schedules.LearningRateSchedule, total_steps: int):
        self.rate = rate
        self.total_steps = total_steps

    def __call__(self, step: Any) -> tf.Tensor:
        passed = tf.minimum(tf.cast(step, tf.float32) / float(self.total_steps), 1.0)
        return self.rate(step) * 0.5 * (1.0 + tf.cos(math.pi * passed))

    def get_config(self) -> dict:
        rate = keras.optimizers.schedules.serialize(self.rate)
        return {"rate": rate, "total_steps": self.total_steps}

    @classmethod
    def from_config(cls, config: dict) -> "CosineToZero":
        rate = keras.optimizers.schedules.deserialize(config["rate"])
        return cls(rate, config["total_steps"])


@dataclasses.dataclass(frozen=True)
class Contender:
    """An optimizer to be compared.

    Attributes:
        name: How tables and plots call it.
        make: `make(rate, total_steps)` → a fresh `keras.optimizers.Optimizer`; `rate` is a
            `Rate` (a contender that isn't tuned ignores it).
        tuned: Whether its learning rate is tuned on the task.
        learned: Whether its update rule was learned.
        coordinatewise: Whether each coordinate's update depends on that coordinate alone,
            so that many small functions may be run as one.
        identity: JSON-serialisable description of all that its behaviour depends on; keys
            cached results. None: results are never cached.
    """

    name: str
    make: Callable
    tuned: bool = True
    learned: bool = False
    coordinatewise: bool = True
    identity: dict | None = None


def learned(
    source: str | os.PathLike | rules.UpdateRule,
    name: str | None = None,
    known_horizon: bool = False,
) -> Contender:
    """A learned optimizer as a contender, untuned: `LearnedOptimizer` as users have it.

    Args:
        source: An `UpdateRule`, or a rule or preset as `presets.resolve` takes it.
        name: How tables call it; by default the preset's or the directory's name (for a
            directory called `preset`, its parent's), without one the rule's.
        known_horizon: Whether it knows the length of the run, as `total_steps`.

    Raises:
        ValueError: If there is no such rule or preset, or it is damaged.
        FileNotFoundError: If it is a directory that lacks a file.
    """
    rule, preset = presets.resolve(source, "contender")
    default = type(rule).__name__.lower() if preset is None else _preset_name(preset)

    def make(rate, total_steps):
        del rate
        return LearnedOptimizer(rule=rule, total_steps=total_steps if known_horizon else None)

    return Contender(
        name or default,
        make,
        tuned=False,
        learned=True,
        coordinatewise=rule.coordinatewise,
        identity=identity_of(rule, known_horizon),
    )


def from_text(text: str) -> Contender:
    """A learned optimizer as flags write it: `[NAME=]SOURCE[@known_horizon]`.

    SOURCE is a rule or a preset as `presets.resolve` takes it. With `@known_horizon` it knows the
    length of the run.

    Raises:
        ValueError: If there is no such preset or rule.
        FileNotFoundError: If it is a directory that lacks a file.
    """
    name, source = None, text
    match = re.match(r"([\w.-]+)=(.+)", text)
    if match:
        name, source = match.groups()
    if source.endswith("@told"):
        raise ValueError(f"The suffix @told is {SUFFIX} now. Received: contender={text!r}")
    known_horizon = source.endswith(SUFFIX)
    made = learned(source.removesuffix(SUFFIX), name, known_horizon)
    if known_horizon and name is None:
        made = dataclasses.replace(made, name=f"{made.name}{SUFFIX}")
    return made


def identity_of(rule: rules.UpdateRule, known_horizon: bool = False) -> dict | None:
    """What the behaviour of an optimizer with a rule depends on.

    Args:
        rule: `UpdateRule`.
        known_horizon: Whether it knows the length of the run, and how often that passes over its
            rows.

    Returns:
        JSON-serialisable dict; None for a rule of a class unknown here.
    """
    try:
        described, code = rules.serialize(rule), run_code(type(rule))
    except (ValueError, TypeError, OSError):  # The latter two: its code is nowhere to be read.
        return None
    digest = hashlib.sha256()
    for key in sorted(rule.meta_params):
        digest.update(key.encode() + np.asarray(rule.meta_params[key]).tobytes())
    return {
        "rule": described,
        "sha256": digest.hexdigest(),
        "code": code,
        "known_horizon": known_horizon,
        "passes": known_horizon,
    }


def _preset_name(source):
    path = pathlib.Path(source)
    if path.name == "preset" and path.parent.name:
        return path.parent.name
    return path.name or str(source)

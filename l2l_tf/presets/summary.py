"""What a preset's card says, in figures."""

import collections
import os
import re
import shlex
from typing import NamedTuple

import keras
import numpy as np

from l2l_tf.presets import storage
from l2l_tf.presets.registry import preset_directory

# State per weight is that of one kernel of these sides.
MEASURED_KERNEL = (32, 32)
_NANOSECONDS = re.compile(r"^- Cost: (\S+) ns per weight and step, ", re.MULTILINE)
_TIMES_ADAM = re.compile(r"^- Cost: .*? step, (\S+) times Keras Adam's ", re.MULTILINE)
_LOSS = re.compile(r"^- Beside tuned Adam: (\S+) times its final train loss ", re.MULTILINE)


class Summary(NamedTuple):
    """A preset in figures; what its card does not say is empty or None.

    Attributes:
        name: Name, or directory as it was given.
        rule: Name of its rule.
        meta_parameters: Number of learned weights.
        state_bytes: Bytes of state per weight of the model, for a kernel of `MEASURED_KERNEL`.
        tasks: Dict name of a task that it was meta-trained on, or its class where that was in
            Python → how many of them.
        horizon: Most steps of a run in meta-training.
        first_score: Validation's score (mean log loss, less is better) where its last
            meta-training began.
        best_score: The best score of that meta-training.
        ns_per_weight: Nanoseconds that a step takes for each weight, on one thread.
        times_adam: That over what Keras's Adam took in the same run.
        loss_times_adam: Final train loss over that of Adam at its best learning rate.
    """

    name: str
    rule: str
    meta_parameters: int
    state_bytes: float
    tasks: dict[str, int]
    horizon: int | None
    first_score: float | None
    best_score: float | None
    ns_per_weight: float | None
    times_adam: float | None
    loss_times_adam: float | None


def summarize(name_or_directory: str | os.PathLike) -> Summary:
    """The `Summary` of a preset.

    Args:
        name_or_directory: A name from `list_presets()` or a path.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the name is unknown, or a file is damaged or too new.
    """
    directory = preset_directory(name_or_directory)
    rule, card = storage.read_preset(directory), storage.read_card(directory)
    command, scores = _command(card), _scores(card)
    lengths = [int(f.partition("=")[2]) for f in command if f.startswith("--trajectory=")]
    tasks = _tasks(command)
    if not command:
        tasks, lengths = _in_python(storage.read_meta_training(directory))
    return Summary(
        name=str(name_or_directory),
        rule=getattr(type(rule), "registered_name", type(rule).__name__),
        meta_parameters=int(sum(np.size(v) for v in rule.meta_params.values())),
        state_bytes=_state_bytes(rule),
        tasks=tasks,
        horizon=max(lengths) if lengths else None,
        first_score=scores[0] if scores else None,
        best_score=min(scores) if scores else None,
        ns_per_weight=_figure(_NANOSECONDS, card),
        times_adam=_figure(_TIMES_ADAM, card),
        loss_times_adam=_figure(_LOSS, card),
    )


def _command(card):
    """The arguments of the last command that meta-trained the rule, which a card has first."""
    match = re.search(r"^- Command: `(.*)`$", card, re.MULTILINE)
    return shlex.split(match.group(1)) if match else []


def _tasks(command):
    specs = [f.partition("=")[2] for f in command if f.startswith("--task=")]
    return dict(collections.Counter(spec.partition("(")[0] for spec in specs))


def _in_python(described):
    """Tasks, by their classes, and lengths of a meta-training that no command did."""
    try:
        texts = [re.sub(r"^(\w+\(task=)+", "", text) for text in described["tasks"]]
        lengths = [int(length) for length in described["settings"]["trajectories"]]
    except (KeyError, TypeError, ValueError):
        return {}, []
    return dict(collections.Counter(text.partition("(")[0] for text in texts)), lengths


def _scores(card):
    """Scores of the first table of validations that a card has."""
    _, _, table = card.partition("\n| meta-step | score |")
    table = table.partition("\n\n")[0]
    found = re.findall(r"^\| \d+ \| (\S+) \|", table, re.MULTILINE)
    return [float(score) for score in found]


def _figure(pattern, card):
    """The number in a line of a card, of those that `tools.card_figures` writes."""
    match = pattern.search(card)
    return float(match.group(1).replace(",", "")) if match else None


def _state_bytes(rule):
    variables = [np.zeros(MEASURED_KERNEL, "float32")]
    tensors = keras.tree.flatten(rule.init(variables))
    return sum(np.asarray(t).nbytes for t in tensors) / variables[0].size

"""What a type checker says of calls that users write: nothing, unless they are wrong."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]

CALLS = """
import keras
import numpy as np
import tensorflow as tf
import l2l_tf
from l2l_tf import LearnedOptimizer, cost_report, meta, register_rule, register_task, rules, tasks
from l2l_tf.core.config import boolean, choice, integer, number, optional, several
from l2l_tf.testing import check_rule, check_task

optimizer = LearnedOptimizer()
optimizer = LearnedOptimizer(0.5, "lstm-mnist", total_steps=100, clipnorm=1.0)
optimizer = LearnedOptimizer.from_preset("lstm-mnist")
optimizer = LearnedOptimizer(rule=rules.LSTM(hidden_size=4))
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(optimizer, "mse")
print(l2l_tf.list_presets(), l2l_tf.__version__)


@register_rule("own_rule")
class OwnRule(rules.CoordinatewiseRule):
    learning_rate: float = number(0.1, min=0)
    kind: str = choice("one", ("one", "two"))
    widths: tuple[int, ...] = several((1,), integer(1, min=1))
    limit: float | None = optional(number(None, above=0))
    nesterov: bool = boolean(False)

    def fresh_meta_params(self, generator):
        return {"weight": np.float32(generator.normal())}

    def slot_shapes(self) -> dict[str, tuple[int, ...]]:
        return {}


@register_task("own_task")
class OwnTask(tasks.Task):
    scale: float = number(1.0, above=0)
    variable_paths = ("kernel", "bias")
    train_rows = 100


rule = OwnRule(0.2, limit=3.0)
rate: float = rule.learning_rate
check_rule(rule)
check_task(OwnTask(scale=2.0))
print(cost_report(model, optimizer, (tf.zeros((4, 2)), tf.zeros((4, 1)))))
trainer = meta.Trainer(rules.LSTM(), [tasks.Quadratic(dimension=3)], "bptt", meta_steps=3)
settings = meta.Settings(meta_steps=2, meta_learning_rate=0.01)
trainer = meta.Trainer("lstm", ["quadratic"], meta.TruncatedBPTT(num_tasks=2), settings=settings)
trainer.fit(2)
results = l2l_tf.evaluation.evaluate("digits_mlp", ["adam"], steps=3)
results = l2l_tf.evaluation.evaluate(["digits_mlp", tasks.Quadratic()], settings=None)
task = tasks.KerasModel(model, "mse", tf.data.Dataset.range(3), batches=2)
"""
# One mistake a line, which a checker that sees no types would pass over.
MISTAKES = """
from l2l_tf import register_task, rules, tasks
rules.LSTM(hidden_sise=4)
tasks.Quadratic().dimensions
@register_task("own")
class Own(tasks.Task):
    scale: float = 1.0
Own(scale="large")
"""


def errors(tmp_path, *files):
    """Lines of errors that mypy finds in files, those of the package left out."""
    command = ["-m", "mypy", "--follow-imports=silent", "--ignore-missing-imports"]
    command += ["--config-file=", f"--cache-dir={tmp_path / 'cache'}", *map(str, files)]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode in (0, 1), done.stderr
    return [line for line in done.stdout.splitlines() if ": error:" in line]


@pytest.mark.slow
def test_a_type_checker_finds_errors_in_wrong_calls_alone(tmp_path):
    pytest.importorskip("mypy")
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(CALLS)
    wrong.write_text(MISTAKES)
    found = errors(tmp_path, right, wrong, ROOT / "examples" / "write_a_rule.py")
    assert [line.split(":")[:2] for line in found] == [["wrong.py", n] for n in "348"]

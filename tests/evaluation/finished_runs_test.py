"""The keys of finished runs: whatever changes a run's figures makes another run of it."""

import dataclasses
import functools
import pathlib

import keras
import pytest

from l2l_tf import rules, tasks
from l2l_tf.evaluation import Contender, CosineToZero, Rate, baselines, code, learned
from l2l_tf.evaluation.finished_runs import FinishedRuns
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.runner import Runner

PACKAGE = pathlib.Path(code.__file__).parents[1]


def key(contender="adam", task=None, steps=3):
    contender = baselines.get(contender) if isinstance(contender, str) else contender
    problem = Problem(task or tasks.Quadratic(dimension=2), jit_compile=False)
    return FinishedRuns(Runner(problem, contender, steps), "somewhere").key


def adam(total=None, **config):
    def make(rate, total_steps):
        return keras.optimizers.Adam(CosineToZero(rate, total) if total else rate, **config)

    return Contender("adam", make, identity={"baseline": "adam"})


def test_equal_runs_have_equal_keys_whatever_was_made_before():
    first = [key(name) for name in baselines.names()]
    assert [key(name) for name in baselines.names()] == first
    assert len({str(one) for one in first}) == len(first)


def test_the_whole_configuration_of_an_optimizer_is_in_the_key():
    made = [adam(), adam(beta_1=0.8), adam(epsilon=1e-3), adam(total=3), adam(total=4)]
    keys = [key(contender)["optimizer"] for contender in made]
    assert len(set(keys)) == len(keys)
    assert key(adam(total=4))["optimizer"] == keys[-1]


def test_a_registered_baseline_is_told_by_its_arguments(monkeypatch):
    monkeypatch.setattr(baselines, "_BASELINES", {})

    def identity(**config):
        baselines._BASELINES.clear()
        baselines._keras("one", keras.optimizers.SGD, config=config)
        return baselines.get("one").identity

    assert identity(momentum=0.9) == identity(momentum=0.9)
    assert len({str(identity(momentum=m)) for m in (0.8, 0.9)}) == 2


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the code that keys hold, to be edited."""
    for place in code.RUN_CODE:
        for file in [PACKAGE / place, *(PACKAGE / place).glob("**/*.py")]:
            if file.is_file():
                copy = tmp_path / file.relative_to(PACKAGE)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
    (tmp_path / "evaluation" / "plots.py").write_text("")
    monkeypatch.setattr(code, "__file__", str(tmp_path / "evaluation" / "code.py"))
    code._digest.cache_clear()
    yield tmp_path
    code._digest.cache_clear()


@pytest.mark.parametrize(
    "place",
    [
        "core/draws.py",
        "evaluation/contenders.py",
        "evaluation/runner.py",
        "rules/lstm.py",
        "tasks/quadratic.py",
    ],
)
def test_an_edit_of_what_a_run_depends_on_changes_the_key(package, place):
    small = rules.LSTM(hidden_size=2, layers=1)
    before, identity = key(), learned(small).identity
    code._digest.cache_clear()
    assert key() == before
    file = package / place
    file.write_text(file.read_text() + "\n")
    code._digest.cache_clear()
    assert key() != before and learned(small).identity != identity


def test_an_edit_of_what_only_draws_does_not_change_the_key(package):
    before = key()
    (package / "evaluation" / "plots.py").write_text("EDITED = True\n")
    code._digest.cache_clear()
    assert key() == before


def test_all_places_of_the_code_are_there():
    assert [place for place in code.RUN_CODE if not (PACKAGE / place).exists()] == []
    assert code.RUN_CODE == tuple(sorted(code.RUN_CODE))


def test_a_task_whose_code_is_nowhere_to_be_read_is_not_remembered_on_disk(tmp_path):
    namespace = {"tasks": tasks, "__name__": "typed_by_hand"}
    exec("class Typed(tasks.Quadratic):\n    pass", namespace)
    problem = Problem(namespace["Typed"](dimension=2), jit_compile=False)
    finished = FinishedRuns(Runner(problem, baselines.get("sgd"), 2), tmp_path)
    assert finished.final_loss(0.1, 0) > 0
    assert finished.path is None and list(tmp_path.iterdir()) == []


def test_schedules_of_an_evaluation_are_described_and_made_again():
    schedule = CosineToZero(Rate(0.5), 10)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert [float(again(step)) for step in (0, 4, 10)] == pytest.approx(
        [float(schedule(step)) for step in (0, 4, 10)]
    )
    assert float(again(0)) == pytest.approx(0.5)


def test_a_contender_without_identity_is_not_remembered_on_disk():
    assert key(dataclasses.replace(adam(), identity=None)) is None
    assert key(functools.partial(adam, 3)()) is not None

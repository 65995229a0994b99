"""Parts of a user's own, known to the commands by `--import`."""

import copy
import importlib
import json
import pathlib
import re
import sys
import tomllib

import pytest

from l2l_tf import evaluation, meta, presets, testing
from l2l_tf.cli import command_line, evaluate, export, search, train
from l2l_tf.cli import presets as presets_command
from l2l_tf.evaluation import baselines
from l2l_tf.meta.estimators import ESTIMATORS
from l2l_tf.rules.registry import RULES
from l2l_tf.tasks.registry import TASKS

ROOT = pathlib.Path(__file__).parents[2]
MODULE = "own_parts"
# Examples that register something, hence are for `--import`.
EXAMPLES = sorted(
    path.stem
    for path in (ROOT / "examples").glob("*.py")
    if re.search(r"^@.*regist", path.read_text("utf-8"), re.MULTILINE)
)
TRAINING = (
    *(f"--import={MODULE}", "--task=valley", "--rule=signed", "--estimator=bounded"),
    *("--loss_bound=100", "--unroll=2", "--trajectory=4", "--num_tasks=2", "--meta_steps=4"),
    *("--num_validation_tasks=2", "--validate_every=2", "--nojit_compile"),
)


@pytest.fixture(autouse=True)
def anew(monkeypatch):
    """Whatever a test registers is forgotten, and the working directory has the example."""
    monkeypatch.chdir(ROOT / "examples")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    for registry in (RULES, TASKS, ESTIMATORS):
        monkeypatch.setattr(registry, "classes", dict(registry.classes))
    monkeypatch.setattr(baselines, "_BASELINES", dict(baselines._BASELINES))
    for command in (train, search, evaluate):
        monkeypatch.setattr(command, "FLAGS", copy.deepcopy(command.FLAGS))
    yield
    for name in EXAMPLES:
        sys.modules.pop(name, None)


def test_own_parts_are_trained_searched_judged_and_exported(tmp_path, capsys):
    run = tmp_path / "own_run"
    assert train.run([*TRAINING, f"--output_dir={run}"]) == 0
    preset = run / "preset"
    config = json.loads((preset / "config.json").read_text())
    assert config["rule"]["name"] == "signed"
    assert config["meta_training"]["estimator"]["config"]["loss_bound"] == 100.0
    assert f"--import={MODULE}" in presets.load_card(preset)

    searched = tmp_path / "search"
    assert search.run([*TRAINING, f"--output_dir={searched}", "--draws=1"]) == 0
    assert presets.load_preset(searched / "preset").meta_params.keys() == {
        "log_size",
        "decay_logit",
    }
    judging = [f"--import={MODULE}", "--task=valley", "--steps=3", "--seeds=1", "--grid_seeds=1"]
    judging += ["--grid_low=1e-2", "--grid_per_decade=1", "--grid_extend=0", "--nojit_compile"]
    judging += ["--contender=by_hand=rule:signed(learning_rate=0.01)", f"--contender={preset}"]
    output = tmp_path / "judged"
    assert evaluate.run([*judging, "--baselines=adam_short", f"--output_dir={output}"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("by_hand", "own_run", "adam_short"))
    keys = [json.loads(path.read_text())["key"] for path in (output / "runs").iterdir()]
    assert len(keys) == 3 and all(key["code"] for key in keys)
    assert [k["contender"]["code"] for k in keys if "baseline" in k["contender"]]

    saved = tmp_path / "saved"
    arguments = [f"--import={MODULE}", f"--rule={preset}", f"--output_dir={saved}"]
    assert export.run(arguments) == 0
    assert (saved / "saved_model.pb").is_file()


def test_an_example_that_is_imported_only_registers(monkeypatch, capsys):
    assert EXAMPLES == ["own_parts", "write_a_rule"]

    def runs(*arguments, **options):
        raise AssertionError("It trains, checks or draws.")

    monkeypatch.setattr(meta.Trainer, "fit", runs)
    monkeypatch.setattr(testing, "check_rule", runs)
    monkeypatch.setattr(evaluation, "evaluate", runs)
    seen = []

    def build(argv):
        from l2l_tf.meta import run

        seen.append(run.build(train.FLAGS).describe())
        return 0

    monkeypatch.setattr(train, "main", build)
    arguments = ["--import=write_a_rule", "--rule=three_averages", "--task=rosenbrock"]
    assert train.run([*arguments, "--trajectory=100"]) == 0
    assert capsys.readouterr() == ("", "")
    assert seen[0]["rule"]["name"] == "three_averages"
    assert seen[0]["tasks"] == ["Rosenbrock(dimension=4)"]


def test_without_the_import_its_preset_says_what_is_missing(tmp_path, monkeypatch, capsys):
    importlib.import_module("examples.own_parts")
    presets.save_preset(tmp_path / "own", RULES.get("signed"), "card")
    monkeypatch.delitem(RULES.classes, "signed")
    arguments = [f"--rule={tmp_path / 'own'}", f"--output_dir={tmp_path / 'saved'}"]
    assert export.run(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert "--import" in error and error.endswith("Received: rule='signed'")


def test_help_has_the_flags_of_an_own_estimator(capsys):
    assert train.run([f"--import={MODULE}", "--help"]) == 0
    said = capsys.readouterr().out
    assert "--loss_bound\n" in said and "bounded" in said and "valley" in said


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, "ModuleNotFoundError: No module named 'broken'"),
        ("1 +", "SyntaxError: "),
        ("raise OSError('no disk')", "OSError: no disk"),
        ("from l2l_tf import rules\nrules.register_rule('adam')(int)", "registered already"),
    ],
)
def test_a_module_that_cannot_be_imported_is_an_error_in_one_line(
    content, reason, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "broken.py").write_text(content)
    importlib.invalidate_caches()
    assert presets_command.run(["--import", "broken"]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("l2l-presets: ") and "\n" not in error and reason in error
    assert error.endswith("Received: --import=broken")


def own_estimator(monkeypatch, tmp_path, name, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{name}.py").write_text(
        "from l2l_tf.core.config import integer\n"
        "from l2l_tf.meta.estimators import ESTIMATORS, TruncatedBPTT\n"
        f"{line}"
    )
    importlib.invalidate_caches()


def test_an_estimator_may_have_other_defaults_of_the_flags_it_shares(monkeypatch, tmp_path):
    line = "ESTIMATORS.register('longer')(type('Longer', (TruncatedBPTT,), {}, unroll=40))"
    own_estimator(monkeypatch, tmp_path, "longer", line)
    seen = []

    def build(argv):
        from l2l_tf.meta import run

        seen.append(run.build(train.FLAGS).describe()["estimator"]["config"]["unroll"])
        return 0

    monkeypatch.setattr(train, "main", build)
    for flags in ([], ["--estimator=longer"], ["--estimator=longer", "--unroll=10"]):
        assert train.run(["--import=longer", "--task=quadratic", "--trajectory=40", *flags]) == 0
    assert seen == [20, 40, 10]


def test_an_estimator_whose_flag_means_something_else_is_refused(monkeypatch, tmp_path, capsys):
    line = (
        "@ESTIMATORS.register('other')\nclass Other(TruncatedBPTT):\n"
        "    patience: int = integer(3, help='How patient it is.')\n"
    )
    own_estimator(monkeypatch, tmp_path, "other_meaning", line)
    assert train.run(["--import=other_meaning", "--task=quadratic"]) == 2
    assert "Received: field 'patience' of Other" in capsys.readouterr().err


def test_every_command_imports():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert len(scripts) >= 6
    for name, entry in scripts.items():
        module = importlib.import_module(entry.partition(":")[0])
        assert "import" in module.FLAGS, name


def test_other_flags_are_left_to_the_command():
    command_line.import_modules(["--unroll", "5", "--nojit_compile", "stray", "--", "--import=x"])

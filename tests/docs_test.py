"""The Python code in README and docs runs, and the commands there have the flags they use."""

import contextlib
import copy
import importlib
import pathlib
import re
import shlex
import tomllib

import keras
import numpy as np
import pytest

from l2l_tf import evaluation, presets, rules, tasks
from l2l_tf.cli.command_line import CommandError, parse
from l2l_tf.cli.config_flags import without_effect

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
ROWS = np.random.default_rng(0).normal(size=(32, 5)).astype("float32")


def blocks(language):
    for page in PAGES:
        if page in TUTORIALS:
            continue
        for number, (written_in, code) in enumerate(BLOCK.findall(page.read_text("utf-8"))):
            if written_in == language:
                yield pytest.param(code, id=f"{page.relative_to(ROOT)}-{number}")


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What pages take for granted: a model and its data, and a first run; few steps."""
    monkeypatch.chdir(tmp_path)
    presets.save_preset("runs/first/preset", rules.LSTM(hidden_size=2, layers=1), "# First\n")
    quick = evaluation.evaluate

    def evaluate(*arguments, **settings):
        return quick(*arguments, **{**settings, "steps": 2, "seeds": 1, "grid_seeds": 1})

    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(2, "softmax")])
    return {"model": model, "x": ROWS, "y": np.ones(32)}


@pytest.mark.parametrize("code", list(blocks("python")))
def test_python_in_the_docs_runs(code, names):
    exec(compile(code, "docs", "exec"), names)


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
@pytest.mark.quick("export-and-serve", "write-a-rule")
def test_a_tutorial_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    for known in (rules.registry.RULES, tasks.registry.TASKS):
        monkeypatch.setattr(known, "classes", dict(known.classes))
    monkeypatch.chdir(tmp_path)
    code = [
        code for language, code in BLOCK.findall(page.read_text("utf-8")) if language == "python"
    ]
    assert code
    names = {"__name__": page.stem}
    for block in code:
        exec(compile(block, page.name, "exec"), names)


def test_what_a_reader_is_advised_by_is_as_it_was_measured():
    """Every figure with a decimal or a percent sign stands in the README too."""
    readme = (ROOT / "README.md").read_text("utf-8")
    advice = (ROOT / "docs" / "when-to-use.md").read_text("utf-8")
    figures = re.findall(r"\d+\.\d+|\d+ %|\d+ of \d+", advice)
    assert len(figures) > 5
    assert [figure for figure in figures if figure not in readme] == []


def installs():
    """Per command that installs this package: the page, its extras, and what is named beside it."""
    command = re.compile(r"pip install '?(?:l2l-tf|\.)(?![\w/])(?:\[([\w,]+)\])?'?((?: [a-z]\w*)*)")
    for page in PAGES:
        for extras, beside in command.findall(page.read_text("utf-8")):
            yield page.name, extras.split(",") if extras else [], beside.split()


def test_what_the_pages_install_has_a_backend():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    advised = {"quick-start.md": [], "backends.md": []}
    for page, extras, beside in installs():
        brings = [r for extra in extras for r in project["optional-dependencies"][extra]]
        named = re.findall(r"^(tensorflow|jax|torch)\b(?!-)", "\n".join(brings + beside), re.M)
        assert named or extras == ["plots"], f"{page}: {extras} {beside}"
        advised.setdefault(page, []).append(extras)
    assert ["tensorflow"] in advised["quick-start.md"] and [] in advised["backends.md"]
    assert not any(r.startswith(("tensorflow", "jax", "torch")) for r in project["dependencies"])


def commands():
    """Every line `l2l-…` in a block of shell, or between backticks."""
    for page in PAGES:
        text = page.read_text("utf-8")
        shell = "".join(code for lang, code in BLOCK.findall(text) if lang in ("sh", "bash"))
        inline = re.findall(r"`(l2l-\w+ [^`]*--[^`]*)`", BLOCK.sub("", text))
        lines = shell.replace("\\\n", " ").splitlines()
        for line in [*inline, *(line for line in lines if line.startswith("l2l-"))]:
            yield page, line


def test_commands_in_the_docs_have_the_flags_they_use():
    checked = 0
    for page, line in commands():
        name, *arguments = shlex.split(line.replace("…", ""), comments=True)
        known = {*importlib.import_module(f"l2l_tf.cli.{name[4:]}").FLAGS, "help"}
        for flag in (a[2:].partition("=")[0] for a in arguments if a.startswith("--")):
            assert known & {flag, flag.removeprefix("no")}, f"{page.name}: {line}: --{flag}"
            checked += 1
    assert checked > 20


def test_commands_in_the_docs_have_no_flag_in_vain():
    for page, line in commands():
        name, *arguments = shlex.split(line.replace("…", ""), comments=True)
        flag_values = copy.deepcopy(importlib.import_module(f"l2l_tf.cli.{name[4:]}").FLAGS)
        with contextlib.suppress(CommandError):  # Some are shown in part, as `--rule`.
            parse(name, flag_values, arguments)
        idle = without_effect(flag_values)
        assert idle is None, f"{page.name}: {line}: {idle}"

"""What `pip install` brings: the wheel built from the sdist, in an environment of its own."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile

import pytest

from l2l_tf import presets, rules

ROOT = pathlib.Path(__file__).parents[1]
pytestmark = pytest.mark.slow

SOURCES = ("l2l_tf", "tests", "pyproject.toml", "README.md", "LICENSE")
TRAIN = """
import sys
import keras, numpy as np
import l2l_tf
assert sys.prefix in l2l_tf.__file__, l2l_tf.__file__
assert "small" in l2l_tf.list_presets(), l2l_tf.list_presets()
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
model.compile(optimizer=l2l_tf.LearnedOptimizer(preset="small"), loss="mse")
x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
y = x.sum(axis=1, keepdims=True)
before = model.evaluate(x, y, verbose=0)
model.fit(x, y, epochs=30, verbose=0)
after = model.evaluate(x, y, verbose=0)
assert after < 0.5 * before, (before, after)
for name in l2l_tf.list_presets():
    assert l2l_tf.presets.load_preset(name) and l2l_tf.presets.load_card(name)
assert l2l_tf.presets.load_preset("network").meta_params
"""


def run(*command, **arguments):
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, timeout=600, **arguments
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind, source, target):
    """Path of the sdist or wheel that the build backend makes of `source`."""
    code = f"from setuptools import build_meta; print(build_meta.build_{kind}({str(target)!r}))"
    name = run(sys.executable, "-c", code, cwd=source).splitlines()[-1]
    return target / name


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    directory = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, directory / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, directory / name)
    shipped = directory / "l2l_tf" / "presets"
    presets.save_preset(shipped / "small", rules.Adam(0.05), "# Trains at once\n")
    presets.save_preset(shipped / "network", rules.RNNProp(hidden_size=4), "# Has weights\n")
    (shipped / "small" / "curve.png").write_bytes(b"a picture")
    return build("sdist", directory, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    directory = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(directory, filter="data")
    (source,) = directory.iterdir()
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_code_and_the_presets_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    packaged = {n for n in names if not n.partition("/")[0].endswith(".dist-info")}
    code = {p.relative_to(ROOT).as_posix() for p in (ROOT / "l2l_tf").rglob("*.py")}
    data = packaged - code
    assert code <= packaged
    data.remove("l2l_tf/py.typed")
    assert all(n.startswith("l2l_tf/presets/") for n in data), data
    small = {n.rpartition("/")[2] for n in data if n.startswith("l2l_tf/presets/small/")}
    assert small == {"config.json", "weights.npz", "card.md", "metadata.json", "curve.png"}
    for preset in presets.list_presets():
        assert f"l2l_tf/presets/{preset}/weights.npz" in data
    assert any(n.endswith("licenses/LICENSE") for n in names)


def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size < 2e6


def test_the_wheel_requires_what_it_imports_and_leaves_the_backend_to_the_user(wheel):
    metadata = zipfile.Path(wheel) / f"{'-'.join(wheel.name.split('-')[:2])}.dist-info" / "METADATA"
    required = [
        line.partition(": ")[2]
        for line in metadata.read_text("utf-8").splitlines()
        if line.startswith("Requires-Dist: ")
    ]
    base = {_name_and_range(r)[0] for r in required if "extra ==" not in r}
    assert base == {"keras", "absl-py", "numpy"}
    extras = {_name_and_range(r)[0] for r in required if "extra == 'train'" in r.replace('"', "'")}
    assert "tensorflow" in extras
    paper = [r for r in required if "extra == 'paper'" in r.replace('"', "'")]
    assert [r.partition(";")[0].strip() for r in paper] == ["l2l-tf[plots,train]"]
    pinned = dict(_name_and_range(line) for line in (ROOT / "requirements.txt").open())
    for requirement in set(required) - set(paper):
        name, versions = _name_and_range(requirement.partition(";")[0])
        name = "tensorflow-cpu" if name == "tensorflow" else name
        assert pinned[name] == versions, f"requirements.txt and pyproject.toml differ on {name}"


def _name_and_range(line):
    line = line.partition("#")[0].strip()
    match = re.match(r"[\w-]+", line)
    if not match:
        return "", frozenset()
    return match.group().lower(), frozenset(line[match.end() :].replace(" ", "").split(","))


def test_an_installed_wheel_trains_a_model_with_a_preset_it_holds(wheel, tmp_path):
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    outside = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    install = (python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    run(*install, env=outside)  # A checkout on the path would count as installed.
    # TensorFlow and the rest are those of this environment: half a gigabyte is not fetched again.
    (site,) = (environment / "lib").glob("python*/site-packages")
    (site / "outside.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(python, "-c", TRAIN, cwd=tmp_path, env=outside)
    for command in sorted((environment / "bin").glob("l2l-*")):
        assert "--" in run(command, "--help", cwd=tmp_path, env=outside)
    assert (environment / "bin" / "l2l-train").is_file()

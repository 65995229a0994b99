"""What was saved at an earlier time is read: presets of format 1, and `.keras` files."""

import hashlib
import json
import pathlib
import zipfile

import keras
import numpy as np
import pytest
from helpers.small_models import X, assert_same, fit, make_model, weights

from l2l_tf import LearnedOptimizer, presets, rules
from l2l_tf.core import renamed
from l2l_tf.presets import storage

DATA = pathlib.Path(__file__).parents[1] / "data"
FILES = sorted((DATA / "presets_format_1").glob("*.json"))
# Written by the package of 27 November 2026 (d98120f^), after 4 of 8 steps of a net 5-2-1 on X and
# Y; beside each the weights after all of them.
KERAS_FILES = sorted((DATA / "keras_files").glob("*.keras"))
# The earlier name of every argument and rule.
BEFORE = {now: old for old, now in renamed.RULES.items()}
ARGUMENTS_BEFORE = {
    rule: {now: old for old, now in names.items()} for rule, names in renamed.ARGUMENTS.items()
}


def as_before(description):
    """The description of a rule as it was written before names were changed."""
    names = ARGUMENTS_BEFORE.get(description["name"], {})
    config = {
        names.get(key, key): as_before(value) if isinstance(value, dict) else value
        for key, value in description["config"].items()
    }
    return {"name": BEFORE.get(description["name"], description["name"]), "config": config}


def write(directory, config, rule):
    """A preset of that configuration, with a rule's weights."""
    directory.mkdir()
    np.savez(directory / storage.WEIGHTS, **rule.meta_params)
    (directory / storage.CARD).write_text("# A card\n")
    (directory / storage.CONFIG).write_text(json.dumps(config))
    names = (storage.CONFIG, storage.WEIGHTS, storage.CARD)
    digests = {n: hashlib.sha256((directory / n).read_bytes()).hexdigest() for n in names}
    (directory / storage.METADATA).write_text(json.dumps({"sha256": digests}))
    return directory


@pytest.mark.parametrize("path", FILES, ids=[p.stem for p in FILES])
def test_presets_of_format_1_are_read_and_written_in_format_2(path, tmp_path):
    config = json.loads(path.read_text())
    assert config["format_version"] == 1
    untrained = rules.deserialize(config["rule"])
    rule = presets.load_preset(write(tmp_path / "before", config, untrained))
    for name, value in untrained.initial_meta_params(seed=0).items():
        assert rule.meta_params[name].shape == value.shape
    presets.save_preset(tmp_path / "after", rule, "# A card\n")
    again = json.loads((tmp_path / "after" / storage.CONFIG).read_text())
    assert again["format_version"] == 2
    # What today's names were before is what the file says, so no name was lost on the way.
    known = as_before(again["rule"])
    assert known["name"] == config["rule"]["name"]
    given = config["rule"]["config"]
    assert {k: v for k, v in known["config"].items() if k in given} == given
    same = presets.load_preset(tmp_path / "after")
    assert rules.serialize(same) == rules.serialize(rule)


def test_there_is_a_copy_of_every_shipped_preset_of_format_1():
    shipped = pathlib.Path(storage.__file__).parent.glob("*/config.json")
    of_format_1 = {
        p.parent.name for p in shipped if json.loads(p.read_text())["format_version"] < 2
    }
    assert of_format_1 <= {p.stem for p in FILES}


@pytest.mark.parametrize(
    "text",
    [
        "mixture(hidden_size=4,max_side=8,min_log_rate=-1)",
        "rprop(learning_rate=0.0078125,min_step=1e-5,max_step=1.0)",
        "centred(inner=partition)",
        "annealed(inner='momentum(learning_rate=0.1)')",
    ],
)
def test_keras_files_with_earlier_names_are_loaded_and_train_on(text, tmp_path):
    model = make_model(optimizer=LearnedOptimizer(rule=f"rule:{text}"))
    fit(model, epochs=1)
    path, before = tmp_path / "model.keras", tmp_path / "before.keras"
    model.save(path)
    with zipfile.ZipFile(path) as now, zipfile.ZipFile(before, "w") as earlier:
        for entry in now.namelist():
            content = now.read(entry)
            if entry == "config.json":
                config = json.loads(content)
                optimizer = config["compile_config"]["optimizer"]["config"]
                described = as_before(optimizer["rule"])
                assert described != optimizer["rule"]
                optimizer["rule"] = described
                content = json.dumps(config)
            earlier.writestr(entry, content)
    loaded = keras.models.load_model(before)
    assert rules.serialize(loaded.optimizer.rule) == rules.serialize(model.optimizer.rule)
    fit(model, epochs=1)
    fit(loaded, epochs=1)
    assert_same(weights(loaded), weights(model), rtol=1e-5, atol=1e-7)
    assert np.isfinite(loaded.predict(X, verbose=0)).all()


@pytest.mark.parametrize("path", KERAS_FILES, ids=[p.stem for p in KERAS_FILES])
def test_keras_files_of_an_earlier_time_train_on_as_they_did(path, recwarn):
    model = keras.models.load_model(path)
    assert int(model.optimizer.iterations) == 4
    assert not [w for w in recwarn if "Nothing of the file" in str(w.message)]
    fit(model, epochs=1)
    with np.load(path.with_suffix(".npz")) as after:
        assert_same(weights(model), after.values(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "text, message",
    [
        ("per_kind", "The rule is 'partition' now. Received: rule='per_kind'"),
        ("centred(rule=lstm)", "`rule` of 'centred' is `inner` now. Received: rule='lstm'"),
        ("mixture(largest_side=4)", "is `max_side` now. Received: largest_side=4"),
    ],
)
def test_texts_with_earlier_names_are_an_error_that_names_todays(text, message):
    with pytest.raises(ValueError) as error:
        rules.from_text(text)
    assert str(error.value).endswith(message)


def test_every_name_of_today_exists():
    for old, now in renamed.RULES.items():
        assert now in rules.names() and old not in rules.names()
    for rule, names in renamed.ARGUMENTS.items():
        config = rules.get(rule).get_config()
        assert set(names.values()) <= set(config) and not set(names) & set(config)

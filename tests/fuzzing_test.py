"""Presets and checkpoints with mutations: a clear error or what was saved, never anything else."""

import hashlib
import io
import json
import warnings

import numpy as np
import pytest

from l2l_tf import presets, rules
from l2l_tf.meta import checkpoint
from l2l_tf.presets import storage

MUTATIONS = [pytest.param(200, id="200"), pytest.param(10_000, id="10000", marks=pytest.mark.slow)]
VALUES = (None, True, -1, 0, 3, 64, 0.5, 1e308, "", "lstm", "é", [], [1], {}, {"name": "adam"})


def changed_bytes(content, generator):
    """Some bytes flipped, cut out, put in or taken from elsewhere."""
    content, kind = bytearray(content), generator.integers(5)
    place = int(generator.integers(len(content)))
    if kind == 0:
        content[place] ^= 1 << int(generator.integers(8))
    elif kind == 1:
        del content[place:]
    elif kind == 2:
        del content[place : place + int(generator.integers(1, 9))]
    elif kind == 3:
        content[place:place] = generator.bytes(int(generator.integers(1, 9)))
    else:
        source = int(generator.integers(len(content)))
        content[place : place + 16] = content[source : source + 16]
    return bytes(content)


def changed_json(content, generator):
    """Another value, or none, somewhere in a JSON document."""
    document = json.loads(content)
    holders = [(document, key) for key in document]
    for value in list(document.values()):
        holders += [(value, key) for key in value] if isinstance(value, dict) else []
    for value in (document.get("rule") or {}).values():
        holders += [(value, key) for key in value] if isinstance(value, dict) else []
    holder, key = holders[generator.integers(len(holders))]
    if generator.random() < 0.3:
        del holder[key]
    else:
        holder[key] = VALUES[generator.integers(len(VALUES))]
    return json.dumps(document).encode()


def changed_arrays(content, generator):
    """Another array, one less or one more in an archive."""
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: file[name] for name in file.files}
    name = list(arrays)[generator.integers(len(arrays))]
    kind, value = generator.integers(6), arrays[name]
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[f"{name}_"] = value
    elif kind == 2:
        arrays[name] = value[..., None]
    elif kind == 3:
        arrays[name] = value.astype(("float64", "int32", "complex64", "<U4")[generator.integers(4)])
    elif kind == 4:
        arrays[name] = value.ravel()[:-1]
    else:
        arrays[name] = np.full_like(value, (np.nan, np.inf)[generator.integers(2)])
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def with_checksums(files):
    """The same files, with checksums that fit them: what only a stranger's tools would write."""
    described = json.loads(files[storage.METADATA])
    for name in described["sha256"]:
        described["sha256"][name] = hashlib.sha256(files[name]).hexdigest()
    return {**files, storage.METADATA: json.dumps(described).encode()}


def mutated_preset(files, generator):
    """`(files, whether their checksums fit)`."""
    knowing = {storage.CONFIG: changed_json, storage.WEIGHTS: changed_arrays}
    name = list(files)[generator.integers(len(files))]
    if generator.random() < 0.5:
        return {**files, name: changed_bytes(files[name], generator)}, False
    if name in knowing and generator.random() < 0.7:
        return with_checksums({**files, name: knowing[name](files[name], generator)}), True
    if name == storage.METADATA:
        return {**files, name: changed_json(files[name], generator)}, False
    return with_checksums({**files, name: changed_bytes(files[name], generator)}), True


@pytest.mark.parametrize("count", MUTATIONS)
def test_a_mutated_preset_is_an_error_or_equal(count, tmp_path):
    original = rules.LSTM(hidden_size=3, layers=1, seed=5)
    directory, generator = tmp_path / "preset", np.random.default_rng(count)
    presets.save_preset(directory, original, "# A card\n")
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    errors = 0
    for _ in range(count):
        mutated, fitting = mutated_preset(files, generator)
        for name, content in mutated.items():
            (directory / name).write_bytes(content)
        try:
            rule = presets.load_preset(directory)
        except ValueError as error:
            errors += 1
            assert "Received: " in str(error) or fitting, error
            continue
        if not fitting:
            assert rule.get_config() == original.get_config()
        assert all(np.isfinite(v).all() for v in rule.meta_params.values())
        if (
            rule.get_config() == original.get_config()
            and mutated[storage.WEIGHTS] == files[storage.WEIGHTS]
        ):
            for name, value in original.meta_params.items():
                np.testing.assert_array_equal(rule.meta_params[name], value)
    print(f"{count:,} mutations of a preset: {errors:,} errors, {count - errors:,} taken")
    assert errors > count / 2


@pytest.mark.parametrize("count", MUTATIONS)
def test_a_mutated_checkpoint_is_passed_over_for_the_one_before(count, tmp_path):
    generator, names = np.random.default_rng(count), ("npz", "sha256")
    for step in (1, 2):
        checkpoint.save_checkpoint(tmp_path, step, {"a": np.full(5, step)}, {"step": step})
    paths = [tmp_path / f"checkpoint-000000002.{name}" for name in names]
    files = [path.read_bytes() for path in paths]
    fell_back = 0
    for _ in range(count):
        which = generator.integers(2)
        changed = changed_bytes(files[which], generator)
        if generator.random() < 0.3:  # Damage that fits its checksum.
            changed = changed_bytes(files[0], generator)
            paths[0].write_bytes(changed)
            paths[1].write_text(hashlib.sha256(changed).hexdigest())
        else:
            paths[which].write_bytes(changed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            step, arrays, info = checkpoint.newest_checkpoint(tmp_path)
        fell_back += step == 1
        if step == 1 or changed == files[which]:
            np.testing.assert_array_equal(arrays["a"], np.full(5, step))
            assert info == {"step": step}
        for path, content in zip(paths, files, strict=True):
            path.write_bytes(content)
    print(f"{count:,} mutations of a checkpoint: {fell_back:,} passed over for the one before")
    assert fell_back > count / 2


@pytest.mark.parametrize(
    "described",
    [
        {"name": "lstm", "config": {"hidden_size": 10**6}},
        {"name": "lstm", "config": {"hidden_size": 2, "layers": 10**9}},
        {"name": "spectral", "config": {"hidden_size": 10**6}},
        {"name": "celo", "config": {"scheduler_size": 10**8}},
        {"name": "partition", "config": {"convolutional": "lstm(hidden_size=10000000)"}},
        {"name": "annealed", "config": {"inner": "lstm(seed=1,hidden_size=10000000)"}},
    ],
    ids=lambda described: described["name"],
)
def test_a_few_letters_that_describe_more_weights_than_memory_holds_are_refused(
    described, tmp_path
):
    with pytest.raises(ValueError, match="No more than .* random weights are drawn here"):
        presets.load_preset(described_as(described, tmp_path))


def test_a_description_within_hundreds_of_others_is_refused(tmp_path):
    described = {"name": "sgd", "config": {}}
    for _ in range(300):
        described = {"name": "annealed", "config": {"inner": described}}
    with pytest.raises(ValueError, match="within too many others"):
        presets.load_preset(described_as(described, tmp_path))


def described_as(described, tmp_path):
    """A preset of a small LSTM's weights and of another description, with its checksum."""
    directory = tmp_path / "preset"
    presets.save_preset(directory, rules.LSTM(hidden_size=3), "card")
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    config = {**json.loads(files[storage.CONFIG]), "rule": described}
    files = with_checksums({**files, storage.CONFIG: json.dumps(config).encode()})
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return directory


def test_a_checkpoint_compressed_in_a_way_that_nobody_knows_is_passed_over(tmp_path):
    for step in (1, 2):
        checkpoint.save_checkpoint(tmp_path, step, {"a": np.full(5, step)}, {"step": step})
    path = tmp_path / "checkpoint-000000002.npz"
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")  # The directory's first entry, whose method is at 10.
    content[entry + 10 : entry + 12] = (99).to_bytes(2, "little")
    path.write_bytes(content)
    path.with_suffix(".sha256").write_text(hashlib.sha256(content).hexdigest())
    with pytest.warns(UserWarning, match="damaged and passed over"):
        step, arrays, _ = checkpoint.newest_checkpoint(tmp_path)
    assert step == 1 and arrays["a"].tolist() == [1] * 5


def test_a_checkpoint_that_unpacks_to_more_than_itself_is_passed_over(tmp_path):
    checkpoint.save_checkpoint(tmp_path, 1, {"a": np.ones(5)}, {"step": 1})
    buffer = io.BytesIO()
    np.savez_compressed(buffer, __info__=np.zeros(10**6, "uint8"))
    path = tmp_path / "checkpoint-000000002.npz"
    path.write_bytes(buffer.getvalue())
    path.with_suffix(".sha256").write_text(hashlib.sha256(buffer.getvalue()).hexdigest())
    with pytest.warns(UserWarning, match="000000002.npz is damaged and passed over"):
        assert checkpoint.newest_checkpoint(tmp_path)[0] == 1


def test_archives_that_unpack_to_more_than_their_limit_are_refused(tmp_path, monkeypatch):
    directory = tmp_path / "preset"
    presets.save_preset(directory, rules.LSTM(hidden_size=3), "card")
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, zeros=np.zeros(10**6, "float32"))
    files = with_checksums({**files, storage.WEIGHTS: buffer.getvalue()})
    for name, content in files.items():
        (directory / name).write_bytes(content)
    monkeypatch.setattr(storage, "MAX_BYTES", 10**5)
    with pytest.raises(ValueError, match="larger than 100,000 bytes. Received: 4,000"):
        presets.load_preset(directory)

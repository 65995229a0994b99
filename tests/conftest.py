"""What several tests share."""

import gc

import pytest

# What tests trace stays small, and TensorFlow's modules are millions of objects: collecting
# garbage among them takes a quarter of the time.
gc.disable()

from l2l_tf import presets, rules  # noqa: E402

gc.freeze()
gc.set_threshold(100_000, 20, 20)
gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of a test with the marker `quick`, all cases but those that it names are slow."""
    for item in items:
        marker = item.get_closest_marker("quick")
        if marker is not None and item.callspec.id not in marker.args:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def preset_directory(tmp_path):
    """A preset directory of a small untrained LSTM."""
    directory = tmp_path / "small-lstm"
    presets.save_preset(directory, rules.LSTM(hidden_size=4, layers=1, seed=5), "# A card\n")
    return directory

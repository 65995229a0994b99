"""What several tests share."""

import pytest

from l2l_tf import presets, rules


@pytest.fixture
def preset_directory(tmp_path):
    """A preset directory of a small untrained LSTM."""
    directory = tmp_path / "small-lstm"
    presets.save_preset(directory, rules.LSTM(hidden_size=4, layers=1, seed=5), "# A card\n")
    return directory

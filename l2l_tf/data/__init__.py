"""Real data: reading it through TensorFlow Datasets, and preparing it without the internet."""

from l2l_tf.data.loading import (
    DataNotPreparedError,
    default_directory,
    load,
    load_pictures,
    load_text,
    model_file,
)
from l2l_tf.data.preparation import prepare
from l2l_tf.data.sources import SOURCES, Source

__all__ = [
    "SOURCES",
    "DataNotPreparedError",
    "Source",
    "default_directory",
    "load",
    "load_pictures",
    "load_text",
    "model_file",
    "prepare",
]

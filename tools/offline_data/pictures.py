"""Photographs and paintings out of GCompris's resource files.

Each function turns files into dict split → list of `(key, {"image", "name", "title"})`, with
the image `[height, width, 3]` uint8.
"""

import hashlib
import io
import json
import pathlib
import re

import numpy as np

from tools.offline_data import qt_resources

# Photographs are kept with this many pixels on their shorter side.
SHORT_SIDE = 256

PHOTOGRAPH_FILES = (
    "erase.rcc",
    "explore_farm_animals.rcc",
    "explore_monuments.rcc",
    "explore_world_animals.rcc",
)


def photographs(files):
    """Photographs of animals and buildings, reduced to 256 pixels on the shorter side.

    A photograph's split follows from its name: seven tenths are for training, the others for
    validation and tests in equal parts.

    Args:
        files: Directory of the `PHOTOGRAPH_FILES`.
    """
    splits = {"train": [], "validation": [], "test": []}
    for file in PHOTOGRAPH_FILES:
        source = pathlib.Path(file).stem
        for path, content in sorted(qt_resources.read(pathlib.Path(files) / file).items()):
            if not path.endswith(".webp"):
                continue
            name = f"{source}/{pathlib.PurePosixPath(path).stem}"
            image = _decoded(content)
            scale = SHORT_SIDE / min(image.size)
            image = image.resize([round(scale * extent) for extent in image.size], _box())
            splits[_split(name)].append(_example(name, pathlib.PurePosixPath(path).stem, image))
    return splits


def paintings(files):
    """Paintings put together from the pieces of a puzzle.

    A board is QML that says the painting's title and extent, and where the middle of each
    piece lies as a share of that.

    Args:
        files: Directory of `paintings.rcc`.
    """
    contents = qt_resources.read(pathlib.Path(files) / "paintings.rcc")
    boards = {p: c for p, c in contents.items() if re.search(r"/board/board\d+_0\.qml$", p)}
    examples = []
    for path, content in sorted(boards.items()):
        title, extent, pieces = _board(content.decode("utf-8"))
        folder = pathlib.PurePosixPath(path).parent.parent
        placed = [(_decoded(contents[str(folder / file)]), x, y) for file, x, y in pieces]
        name = re.split(r"[-_]?[a-z]?\d+$", pathlib.PurePosixPath(pieces[0][0]).stem)[0]
        examples.append(_example(name, title, _assembled(extent, placed)))
    return {"train": examples}


def _board(text):
    """`(title, (width, height), [(file, x, y)])` of a board."""
    title = re.search(r'instruction\s*:\s*(?:qsTr\()?("(?:[^"\\]|\\.)*")', text)
    extent = [re.search(rf'"{name}"\s*:\s*"?(\d+)', text) for name in ("width", "height")]
    pieces = re.findall(
        r'"pixmapfile"\s*:\s*"([^"]+)",\s*"x"\s*:\s*"([\d.]+)",\s*"y"\s*:\s*"([\d.]+)"', text
    )
    if not (title and all(extent) and pieces):
        raise ValueError(f"A board has a title, an extent and pieces. Received: {text[:200]!r}")
    placed = [(file, float(x), float(y)) for file, x, y in pieces]
    return json.loads(title[1]), tuple(int(e[1]) for e in extent), placed


def _assembled(extent, pieces):
    """The picture of pieces around their places, without what no piece covers."""
    from PIL import Image

    canvas = Image.new("RGB", extent)
    covered = np.zeros(extent[::-1], bool)
    for image, x, y in pieces:
        left = round(x * extent[0] - image.width / 2)
        top = round(y * extent[1] - image.height / 2)
        canvas.paste(image, (left, top))
        covered[max(top, 0) : top + image.height, max(left, 0) : left + image.width] = True
    rows, columns = covered.any(axis=1).nonzero()[0], covered.any(axis=0).nonzero()[0]
    return canvas.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))


def _split(name):
    share = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32
    return "train" if share < 0.7 else "validation" if share < 0.85 else "test"


def _example(name, title, image):
    return name, {"image": np.asarray(image), "name": name, "title": title}


def _decoded(content):
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            f"WebP pictures need Pillow: pip install 'l2l-tf[train]'. Received: {error}"
        ) from error
    return Image.open(io.BytesIO(content)).convert("RGB")


def _box():
    from PIL import Image

    return Image.Resampling.BOX

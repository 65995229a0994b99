"""Files inside a Qt resource collection (`.rcc`)."""

import pathlib
import struct
import zlib

_DIRECTORY, _COMPRESSED, _ZSTANDARD = 2, 1, 4
_NODE = {1: 14, 2: 22, 3: 22}


def read(path):
    """All files of a collection, as Qt's `rcc --binary` writes them.

    A header names where three parts lie: a tree of nodes, their names in UTF-16, and the
    contents, each plain or compressed by zlib. Integers are big-endian (Qt's
    `src/corelib/io/qresource.cpp`).

    Args:
        path: Path of the `.rcc` file.

    Returns:
        Dict: path inside the collection → bytes.

    Raises:
        ValueError: If it is no such file, or of a version or compression not read here.
    """
    content = pathlib.Path(path).read_bytes()
    if content[:4] != b"qres":
        raise ValueError(f"A Qt resource file starts with 'qres'. Received: {content[:4]!r}")
    version, tree, data, names = struct.unpack_from(">4I", content, 4)
    if version not in _NODE:
        raise ValueError(f"Qt resource versions 1 to 3 are read. Received: version {version}")
    files = {}

    def name_at(offset):
        (length,) = struct.unpack_from(">H", content, names + offset)
        start = names + offset + 6  # A hash stands between length and name.
        return content[start : start + 2 * length].decode("utf-16-be")

    def file_at(offset, flags):
        (length,) = struct.unpack_from(">I", content, data + offset)
        stored = content[data + offset + 4 : data + offset + 4 + length]
        if flags & _ZSTANDARD:
            raise ValueError(f"Zstandard is not read here. Received: {path}")
        # Qt puts the size of the plain bytes before zlib's stream.
        return zlib.decompress(stored[4:]) if flags & _COMPRESSED else stored

    def walk(node, folder):
        place = tree + node * _NODE[version]
        name_offset, flags = struct.unpack_from(">IH", content, place)
        own = folder if node == 0 else [*folder, name_at(name_offset)]
        if flags & _DIRECTORY:
            count, first = struct.unpack_from(">II", content, place + 6)
            for child in range(first, first + count):
                walk(child, own)
        else:
            (offset,) = struct.unpack_from(">I", content, place + 10)
            files["/".join(own)] = file_at(offset, flags)

    walk(0, [])
    return files

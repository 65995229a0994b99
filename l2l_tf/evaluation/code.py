"""The code that results come from: other code, other results."""

import functools
import hashlib
import inspect
import pathlib

from l2l_tf import cells, optimizer, rules


def code_digest(rule):
    """SHA-256 of the code of a rule's step: all rules, cells and the optimizer around them.

    Args:
        rule: `UpdateRule`; one of a user's own counts with the files of its classes.

    Returns:
        Hexadecimal digits.

    Raises:
        TypeError, OSError: If the code of its class is nowhere to be read.
    """
    return _code_digest(type(rule))


@functools.cache
def _code_digest(cls):
    folders = [pathlib.Path(room.__file__).parent for room in (cells, rules, optimizer)]
    files = {path for folder in folders for path in folder.rglob("*.py")}
    files |= {pathlib.Path(inspect.getsourcefile(base)) for base in cls.__mro__[:-1]}
    house, digest = folders[0].parent, hashlib.sha256()
    for path in sorted(files):
        name = path.relative_to(house).as_posix() if path.is_relative_to(house) else path.name
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def own_code(thing):
    """Digest of the files of a user's own class or function; None for those of this package.

    Args:
        thing: Class, counted with those that it derives from, or function.

    Returns:
        Hexadecimal digits, or None.

    Raises:
        TypeError, OSError: If its code is nowhere to be read.
    """
    bases = thing.__mro__[:-1] if isinstance(thing, type) else (thing,)
    own = [base for base in bases if base.__module__.partition(".")[0] != "l2l_tf"]
    files = sorted({pathlib.Path(inspect.getsourcefile(base)) for base in own})
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest() if files else None

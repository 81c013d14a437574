"""Save and load estimators without pickle: loading runs no code from the file.

A file is a zip archive written by skops (``schema.json``, a tree of type names and plain values; arrays in numpy's format
without pickle), with ``sktimbre.json``, which has the number of the format and the versions that wrote it.
`docs/reliability.md` says which files of other versions are read or refused.

`joblib` and `pickle` work as well, for your own processes and caches. Their files can run any code when loaded: load only
files that you wrote.
"""

import inspect
import io
import json
import os
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.version import Version

from sktimbre import __version__
from sktimbre._utils.files import as_path, atomic_path
from sktimbre.exceptions import PersistenceError, VersionWarning
from sktimbre.persistence.names import PLACES, with_places, with_short_names
from sktimbre.persistence.plain import NotPlainError, read_plain, read_record

__all__ = ["load", "load_record", "save"]

TRUSTED = tuple(f"{module}.{name}" for name, module in PLACES.items())
# skops loaders allowed for trusted types and functions: they set attributes or look up a name, but call nothing.
FILLED = {"ObjectNode", "FunctionNode"}
# skops loaders that models need; the others call functions or unpack nested archives.
PLAIN = FILLED | {f"{kind}Node" for kind in ("Dict", "List", "Tuple", "Set", "Slice", "Json", "Bytes", "Type")}
PLAIN |= {f"{kind}Node" for kind in ("NdArray", "MaskedArray", "DType", "RandomState", "RandomGenerator")}

# 2: types have short names. 1: full names.
FORMAT = 2
# New values of parameters for old values that are no longer valid, by class, parameter and old value.
FORMER_VALUES = {("GriffinLimInverter", "init", "source"): "pghi"}
VERSIONS, SCHEMA = "sktimbre.json", "schema.json"
# Weights hardly compress, so an archive that grows by more than this factor when it is unpacked is an attack on memory.
LARGEST_GROWTH = 50
ALWAYS_BYTES = 64 * 2**20


def save(model: Any, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write an estimator or a Pipeline to a file that `load` reads.

    Parameters
    ----------
    model : estimator
        Fitted or not. A network's weights are stored as numpy arrays.
    path : path-like
        The file; ``.sktimbre`` is the usual suffix.
    overwrite : bool, default=False
        Whether an existing file may be replaced. The new file takes its place only when it is complete.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    PersistenceError
        The file exists, its folder is missing or read-only, the disk is full, or a part of the model cannot be stored.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import sktimbre
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = sktimbre.save(sktimbre.LogSTFT(n_fft=512), pathlib.Path(folder) / "stft.sktimbre")
    ...     sktimbre.load(path)
    LogSTFT(n_fft=512)
    """
    with atomic_path(path, overwrite, error=PersistenceError) as temporary:
        try:
            data = _dumped(model)
        except Exception as error:  # parts of the model may raise any exception
            raise PersistenceError(f"{type(model).__name__} cannot be stored in {path}: {error}") from error
        temporary.write_bytes(data)
    return Path(path)


def load(path: str | os.PathLike[str], *, trusted: Sequence[str] = ()) -> Any:
    """Read a file written by `save`, without importing or running untrusted code.

    Parameters
    ----------
    path : path-like
        The file.
    trusted : sequence of str
        Full names of further types and functions that may be created or called, such as your own architecture,
        ``"mypackage.networks.wide"``.

    Returns
    -------
    estimator

    Raises
    ------
    PersistenceError
        The file cannot be read, was not written by `save`, names untrusted types or functions, would take too much memory,
        or has a newer format than this version supports.

    Warns
    -----
    VersionWarning
        The file comes from a newer sktimbre, or from another major version of scikit-learn, Keras or numpy.

    Notes
    -----
    A file that unpacks to more than 64 MiB and 50 times its size is refused. A model trained on a GPU loads on a machine
    without one, because weights are stored as numpy arrays.
    """
    path = as_path(path, PersistenceError)
    with _naming_damage(path):
        schema, members = _checked(_content(path), path, trusted)
        try:
            return _completed(read_plain(schema, members))
        except NotPlainError:
            return _completed(_read_by_skops(members, path, trusted))


def load_record(path: str | os.PathLike[str]) -> Any:
    """Read a file without importing scikit-learn: each estimator of this package is a `Record` of its attributes.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Record or None
        None for a file with parts that `load` alone reads.

    Raises
    ------
    PersistenceError
        As in `load`.
    """
    path = as_path(path, PersistenceError)
    with _naming_damage(path):
        try:
            return read_record(*_checked(_content(path), path, ()))
        except NotPlainError:
            return None


def _content(path):
    # Reading a device or pipe might never end.
    if path.exists() and not path.is_file():
        raise PersistenceError(f"{path} is not a regular file; give a file that sktimbre.save wrote.")
    return path.read_bytes()


@contextmanager
def _naming_damage(path):
    """Turn any error while a file is read into a `PersistenceError` that names the file."""
    try:
        yield
    except PersistenceError:
        raise
    except OSError as error:
        raise PersistenceError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Exception as error:  # a damaged archive may fail anywhere in zipfile, json or skops
        raise PersistenceError(
            f"{path} is damaged or was not written by sktimbre.save: {type(error).__name__}: {error}"
        ) from None


def _read_by_skops(members, path, trusted):
    import skops.io

    # Only the members that were checked are loaded.
    data = _archive(members, zipfile.ZIP_STORED).getvalue()
    unknown = set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED) - set(trusted)
    if unknown:
        raise _untrusted(unknown, path)
    return skops.io.loads(data, trusted=[*TRUSTED, *trusted])


def versions() -> dict[str, str]:
    """Return the versions that are stored in a file."""
    return {"sktimbre": __version__, **{name: version(name) for name in ("scikit-learn", "keras", "numpy", "skops")}}


def _dumped(model: Any) -> bytes:
    """Return the bytes of a file with the model."""
    import skops.io

    about = json.dumps({"format": FORMAT, "versions": versions()})
    for compression in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        buffer = io.BytesIO()
        skops.io.dump(model, buffer, compression=compression)
        members = _members(buffer)
        members[SCHEMA] = json.dumps(with_short_names(json.loads(members[SCHEMA]))).encode()
        buffer = _archive({**members, VERSIONS: about.encode()}, compression)
        with zipfile.ZipFile(buffer) as archive:
            grown = _unpacked_size(archive)
        if grown <= _allowed_size(buffer.getbuffer().nbytes):
            break
    return buffer.getvalue()


def _unpacked_size(archive: zipfile.ZipFile) -> int:
    return sum(member.file_size for member in archive.infolist())


def _allowed_size(n_bytes: int) -> int:
    return max(ALWAYS_BYTES, LARGEST_GROWTH * n_bytes)


def _checked(data: bytes, path: Any, trusted: Iterable[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Check an archive without creating any object; return its schema and its members, or raise `PersistenceError`."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        grown, allowed = _unpacked_size(archive), _allowed_size(len(data))
        if grown > allowed:
            raise PersistenceError(
                f"{path} ({len(data)} bytes) would take {grown / 2**20:.0f} MiB of memory, more than the "
                f"{allowed / 2**20:.0f} MiB allowed for its size: sktimbre.save did not write it. Do not load it."
            )
    members = _members(io.BytesIO(data))
    _check_versions(json.loads(members[VERSIONS]), path)
    schema = with_places(json.loads(members[SCHEMA]))
    called = _called(schema, set(trusted))
    if called:
        raise _untrusted(called, path)
    members[SCHEMA] = json.dumps(schema).encode()
    return schema, members


def _members(file: io.BytesIO) -> dict[str, bytes]:
    """Return the content of an archive's members by name."""
    members = {}
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            with archive.open(member) as content:
                # Limited to the declared size, which was checked.
                members[member.filename] = content.read(member.file_size + 1)
    return members


def _archive(members: dict[str, bytes], compression: int) -> io.BytesIO:
    """Return an archive with the given members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer


def _check_versions(about: dict[str, Any], path: Any) -> None:
    """Raise an error for a newer format; warn if other versions wrote the file, with which the model may differ."""
    written, installed = about["versions"], versions()
    if about["format"] > FORMAT:
        raise PersistenceError(
            f"{path} has format {about['format']}; this sktimbre {installed['sktimbre']} reads formats up to {FORMAT}. "
            f"Install sktimbre {written['sktimbre']} or newer."
        )
    others = ("scikit-learn", "keras", "numpy")
    differing = [name for name in others if Version(written[name]).major != Version(installed[name]).major]
    if Version(written["sktimbre"]) > Version(installed["sktimbre"]):
        differing.insert(0, "sktimbre")
    if differing:
        pairs = ", ".join(f"{name} {written[name]} (here {installed[name]})" for name in differing)
        warnings.warn(
            f"{path} was written with {pairs}. Compare its predictions with those of the original versions, or "
            "install them.",
            VersionWarning,
            stacklevel=4,
        )


def _called(schema: Any, trusted: set[str]) -> set[str]:
    """Return the names of untrusted types and functions that loading the tree would call."""
    found: set[str] = set()
    pending: list[tuple[Any, set[str]]] = [(schema, PLAIN)]
    while pending:
        node, allowed = pending.pop()
        if isinstance(node, list):
            pending.extend((item, allowed) for item in node)
            continue
        if not isinstance(node, dict):
            continue
        loader = node.get("__loader__")
        if isinstance(loader, str):
            name = f"{node['__module__']}.{node['__class__']}"
            if name not in trusted and loader not in (allowed & FILLED if name in TRUSTED else allowed):
                found.add(name)
        for key, value in node.items():
            # skops calls the types of a dictionary's keys.
            keys = loader == "DictNode" and key == "key_types"
            pending.append((value, {"ListNode", "TypeNode"} if keys else allowed))
    return found


def _untrusted(names: Iterable[str], path: Any) -> PersistenceError:
    listed = sorted(names)
    return PersistenceError(
        f"{path} names {', '.join(listed)}, which sktimbre does not trust. If you trust the source of the file, pass "
        f"trusted={listed!r}."
    )


def _completed(model: Any) -> Any:
    """Set parameters that the file lacks to their defaults, and replace values that are no longer valid."""
    pending: list[Any] = [model]
    seen: set[int] = set()
    while pending:
        part = pending.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, list | tuple):
            pending.extend(part)
        elif isinstance(part, dict):
            pending.extend(part.values())
        elif hasattr(part, "get_params") and hasattr(part, "__dict__"):
            if type(part).__module__.startswith("sktimbre."):
                for name, parameter in inspect.signature(type(part)).parameters.items():
                    value = vars(part).setdefault(name, parameter.default)
                    if isinstance(value, str):
                        vars(part)[name] = FORMER_VALUES.get((type(part).__name__, name, value), value)
            pending.extend(vars(part).values())
    return model

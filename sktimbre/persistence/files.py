"""Save and load fitted estimators without pickle: reading a stranger's file runs none of its code.

A file is a zip archive: what skops writes (a tree of names and plain values in ``schema.json``, arrays in numpy's format
without pickle), and ``sktimbre.json`` with the format's number and the versions that wrote it. `docs/reliability.md` has the
rules by which a file of another version is read or refused.

`joblib` and `pickle` work as well, for processes and caches of your own: their files run whatever code they hold, so load none
that you did not write.
"""

import inspect
import io
import json
import os
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import skops.io
from packaging.version import Version

from sktimbre import __version__
from sktimbre._utils.files import as_path, atomic_path
from sktimbre.exceptions import PersistenceError, VersionWarning
from sktimbre.persistence.names import PLACES, with_places, with_short_names

__all__ = ["load", "save"]

TRUSTED = tuple(f"{module}.{name}" for name, module in PLACES.items())
# What is trusted may only be looked up and filled with attributes. Other loaders of skops call what they name.
FILLED = {"ObjectNode", "FunctionNode"}
# The loaders that models need; all that is left out calls something or unpacks archives inside the archive.
PLAIN = FILLED | {f"{kind}Node" for kind in ("Dict", "List", "Tuple", "Set", "Slice", "Json", "Bytes", "Type")}
PLAIN |= {f"{kind}Node" for kind in ("NdArray", "MaskedArray", "DType", "RandomState", "RandomGenerator")}

# 2: types have short names. 1: full names.
FORMAT = 2
# Class, parameter and a value that it no longer takes: what stands in its place.
FORMER_VALUES = {("GriffinLimInverter", "init", "source"): "pghi"}
VERSIONS, SCHEMA = "sktimbre.json", "schema.json"
# Weights hardly compress; an archive that grows by more than this when it is unpacked is made to fill the memory.
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
        The file exists, its folder is missing or read-only, the disk is full, or the model holds something that cannot be
        stored.

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
        except Exception as error:  # skops raises whatever the object's parts raise
            raise PersistenceError(f"{type(model).__name__} cannot be stored in {path}: {error}") from error
        temporary.write_bytes(data)
    return Path(path)


def load(path: str | os.PathLike[str], *, trusted: Sequence[str] = ()) -> Any:
    """Read what `save` wrote; nothing that the file names is imported or run unless it is ours, or named as trusted.

    Parameters
    ----------
    path : path-like
        The file.
    trusted : sequence of str
        Full names of further types and functions that may be made or called, such as an architecture of your own,
        ``"mypackage.networks.wide"``.

    Returns
    -------
    estimator

    Raises
    ------
    PersistenceError
        The file cannot be read, is no file of ours, names what is not trusted, would fill the memory, or has a newer format
        than this version knows.

    Warns
    -----
    VersionWarning
        The file comes from a newer sktimbre, or from another major version of scikit-learn, Keras or numpy.

    Notes
    -----
    A file that unpacks to more than 64 MiB and 50 times its size is refused. A model that was trained on a GPU loads anywhere:
    weights are numpy arrays.
    """
    path = as_path(path, PersistenceError)
    try:
        # Devices and pipes have no end.
        if path.exists() and not path.is_file():
            raise PersistenceError(f"{path} is no regular file; give the one that sktimbre.save wrote.")
        data = path.read_bytes()
        data = _checked(data, path, trusted)
        unknown = set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED) - set(trusted)
        if unknown:
            raise _untrusted(unknown, path)
        return _completed(skops.io.loads(data, trusted=[*TRUSTED, *trusted]))
    except PersistenceError:
        raise
    except OSError as error:
        raise PersistenceError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Exception as error:  # a damaged archive may fail anywhere in zipfile, json or skops
        raise PersistenceError(
            f"{path} is damaged or was not written by sktimbre.save: {type(error).__name__}: {error}"
        ) from None


def versions() -> dict[str, str]:
    """Return the versions that a file carries."""
    return {"sktimbre": __version__, **{name: version(name) for name in ("scikit-learn", "keras", "numpy", "skops")}}


def _dumped(model: Any) -> bytes:
    """Return the bytes of a file."""
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


def _checked(data: bytes, path: Any, trusted: Iterable[str]) -> bytes:
    """Return the archive unpacked, or raise `PersistenceError` for what it must not hold; nothing of it is made."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        grown, allowed = _unpacked_size(archive), _allowed_size(len(data))
        if grown > allowed:
            raise PersistenceError(
                f"{path} would take {grown / 2**20:.0f} MiB of memory where {len(data)} bytes may take {allowed / 2**20:.0f}: "
                "it was made to fill the memory, or not by sktimbre.save."
            )
    members = _members(io.BytesIO(data))
    _check_versions(json.loads(members[VERSIONS]), path)
    schema = with_places(json.loads(members[SCHEMA]))
    called = _called(schema, set(trusted))
    if called:
        raise _untrusted(called, path)
    # What is read from here on is what was looked at.
    members[SCHEMA] = json.dumps(schema).encode()
    return _archive(members, zipfile.ZIP_STORED).getvalue()


def _members(file: io.BytesIO) -> dict[str, bytes]:
    """Return the members of an archive by their names."""
    members = {}
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            with archive.open(member) as content:
                # Without a size, all that is compressed is unpacked, whatever size the archive gave.
                members[member.filename] = content.read(member.file_size + 1)
    return members


def _archive(members: dict[str, bytes], compression: int) -> io.BytesIO:
    """Return an archive of members by their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer


def _check_versions(about: dict[str, Any], path: Any) -> None:
    """Refuse a newer format; warn of versions with which the model may differ."""
    written, installed = about["versions"], versions()
    if about["format"] > FORMAT:
        raise PersistenceError(
            f"{path} has format {about['format']}, this sktimbre {installed['sktimbre']} reads up to {FORMAT}. Install "
            f"sktimbre {written['sktimbre']} or newer."
        )
    others = ("scikit-learn", "keras", "numpy")
    differing = [name for name in others if Version(written[name]).major != Version(installed[name]).major]
    if Version(written["sktimbre"]) > Version(installed["sktimbre"]):
        differing.insert(0, "sktimbre")
    if differing:
        pairs = ", ".join(f"{name} {written[name]} (here {installed[name]})" for name in differing)
        warnings.warn(
            f"{path} was written with {pairs}. Compare its predictions with those where it was made, or install those "
            "versions.",
            VersionWarning,
            stacklevel=4,
        )


def _called(schema: Any, trusted: set[str]) -> set[str]:
    """Return what loading the tree would call rather than fill, unless it is trusted."""
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
            # skops calls what stands for the types of a dictionary's keys.
            keys = loader == "DictNode" and key == "key_types"
            pending.append((value, {"ListNode", "TypeNode"} if keys else allowed))
    return found


def _untrusted(names: Iterable[str], path: Any) -> PersistenceError:
    listed = sorted(names)
    return PersistenceError(
        f"{path} holds {', '.join(listed)}, which sktimbre does not know. If you know where the file comes from, pass "
        f"trusted={listed!r}."
    )


def _completed(model: Any) -> Any:
    """Give parameters that did not exist when the file was written their defaults, and replace values that are no more."""
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

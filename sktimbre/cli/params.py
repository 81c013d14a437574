"""Parameters of a fit as TOML: read and checked from a file, overridden by options, written from a fitted model."""

import inspect
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktimbre.cli.session import did_you_mean
from sktimbre.exceptions import ParameterError, PersistenceError

if TYPE_CHECKING:
    from sktimbre.transfer import TimbreTransfer

__all__ = ["FitParams", "params_of", "to_toml"]

# What `sktimbre fit` is told besides the parameters of estimators.
OWN = {"source", "target", "duration"}
# Paths in a file are relative to it, so that a folder of notes can be moved together with the file.
PATHS = {"source", "target", "memory", "autoencoder.checkpoint"}
# Arguments of the optimizer, of which training refuses those that the optimizer does not have.
OPTIMIZER = "autoencoder.optimizer__"
# What a model's file of parameters leaves out: places on one machine, and what does not act in a TimbreTransfer.
LEFT_OUT = {"memory", "autoencoder.checkpoint", "autoencoder.target_transformer"}


@dataclass
class FitParams:
    """What `sktimbre fit` is told, by a file and by options, which win.

    Parameters
    ----------
    path : Path or None
        The file.
    in_file, options : dict of str to object
        Values by their full names, such as ``autoencoder.filters``.
    option_names : dict of str to str
        How messages call what options gave, by full name.
    """

    path: Path | None = None
    in_file: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    option_names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | None) -> "FitParams":
        """Read a file; None is an empty one.

        Raises
        ------
        ParameterError
            It cannot be read, or is not TOML.
        """
        if path is None:
            return cls()
        try:
            return cls(path, dict(_flat(tomllib.loads(path.read_text(encoding="utf-8")))))
        except OSError as error:
            raise ParameterError(f"--params {path} cannot be read: {error.strerror}. Check the name.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ParameterError(
                f"--params {path} is not TOML: {error}. `sktimbre info MODEL --params` shows what it may look like."
            ) from None

    def give(self, option: str, value: Any, *names: str) -> None:
        """Take the value of an option for one or several parameters, unless it was not given."""
        if value is not None:
            self.options |= dict.fromkeys(names, value)
            self.option_names |= dict.fromkeys(names, f"{option}={value}")

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value by its full name; paths of a file are relative to it."""
        if name in self.options:
            return self.options[name]
        value = self.in_file.get(name, default)
        if self.path is not None and name in PATHS and isinstance(value, str):
            return str(self.path.parent / value)
        return value

    def origin(self, name: str) -> str:
        """Say where a value was given."""
        return self.option_names[name] if name in self.options else f"{self.path}: {name}"

    def check(self) -> None:
        """Raise an error unless every name is known and every value legal by itself.

        Raises
        ------
        ParameterError
            It says where the value was given, and which name or value is nearest.
        """
        from sklearn.utils._param_validation import InvalidParameterError, StrOptions, validate_parameter_constraints

        known = _constraints()
        for name in {**self.in_file, **self.options}:
            if name not in known and name.startswith(OPTIMIZER):
                continue
            if name not in known:
                raise ParameterError(f"{self.path}: there is no parameter {name}.{_meant(name, known)}")
            owner, constraints = known[name]
            own, value = name.rpartition(".")[2], self.get(name)
            try:
                validate_parameter_constraints({own: constraints}, {own: _as_given(value)}, owner)
            except InvalidParameterError as error:
                legal = {word for c in constraints if isinstance(c, StrOptions) for word in c.options}
                raise ParameterError(f"{self.origin(name)}: {error}{did_you_mean(value, legal)}") from None

    @contextmanager
    def together(self, room: str) -> Iterator[None]:
        """Say that the parameters of an estimator come from the file, at least some, where they do not go together."""
        try:
            yield
        except ParameterError as error:
            in_file = any(name.startswith(f"{room}.") for name in self.in_file if name not in self.options)
            raise ParameterError(f"{self.path}, [{room}]: {error}" if in_file else str(error)) from None

    def build(self) -> "TimbreTransfer":
        """Return the estimator that all of this describes, not fitted; `check` comes first.

        Raises
        ------
        ParameterError
            Parameters do not go together.
        """
        from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
        from sktimbre.autoencoder import PairAugmenter

        given: dict[str, dict[str, Any]] = {"": {}, "stft": {}, "autoencoder": {}, "inverter": {}}
        for name in {**self.in_file, **self.options}:
            room, _, own = name.rpartition(".")
            if name not in OWN:
                given.setdefault(room, {})[own] = _as_given(self.get(name))
        if "autoencoder.augment" in given:
            given["autoencoder"]["augment"] = PairAugmenter(**given["autoencoder.augment"])
        model = TimbreTransfer(
            LogSTFT(**given["stft"]),
            TimbreAutoencoder().set_params(**given["autoencoder"]),
            GriffinLimInverter(**given["inverter"]),
            **given[""],
        )
        with self.together("stft"):
            _ = model.stft.geometry
        return model


def params_of(model: "TimbreTransfer", path: Path) -> dict[str, Any]:
    """Return the parameters by which `sktimbre fit` trains a model again, as nested dictionaries.

    A model that was trained without a seed has the one that was drawn.

    Parameters
    ----------
    model : TimbreTransfer
        Fitted.
    path : Path
        Its file, for errors.

    Raises
    ------
    PersistenceError
        The model has parts, or values, that a file of parameters cannot tell.
    """
    from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder
    from sktimbre.autoencoder import PairAugmenter
    from sktimbre.cli.comparison import trained_on

    def parameters(part: Any, room: str) -> dict[str, Any]:
        found, defaults = {}, inspect.signature(type(part)).parameters
        given = part.get_params(deep=False)
        given |= {f"optimizer__{name}": value for name, value in (given.pop("optimizer_params", None) or {}).items()}
        for name, value in given.items():
            full = f"{room}.{name}".lstrip(".")
            if full == "autoencoder.random_state" and not isinstance(value, int):
                value = model.autoencoder_.network_.options.seed
            if isinstance(value, PairAugmenter):
                value = parameters(value, full)
            elif (
                full in LEFT_OUT
                or full in parts
                or (value is None and name in defaults and defaults[name].default is None)
            ):
                continue
            found[name] = value if isinstance(value, dict) else _as_toml(value, full, path)
        return found

    parts: dict[str, Any] = {}
    for name, kind in (("stft", LogSTFT), ("autoencoder", TimbreAutoencoder), ("inverter", GriffinLimInverter)):
        fitted = getattr(model, f"{name}_")
        if type(fitted) is not kind:
            raise PersistenceError(
                f"{path} has a {type(fitted).__name__} as {name}, which `sktimbre fit` does not train; --params is for "
                f"models with a {kind.__name__}."
            )
        given = getattr(model, name)
        parts[name] = kind() if given is None else given
    duration = (trained_on(model) or {}).get("duration")
    params = {} if duration is None else {"duration": duration}
    return params | parameters(model, "") | {name: parameters(part, name) for name, part in parts.items()}


def to_toml(params: Mapping[str, Any], table: str = "") -> str:
    """Return nested dictionaries of plain values as TOML.

    Examples
    --------
    >>> print(to_toml({"sr": 22050, "stft": {"window": "hann"}}))
    sr = 22050
    <BLANKLINE>
    [stft]
    window = "hann"
    <BLANKLINE>
    """
    lines = [f"{name} = {_written(value)}" for name, value in params.items() if not isinstance(value, Mapping)]
    text = "".join(f"{line}\n" for line in lines)
    for name, value in params.items():
        if isinstance(value, Mapping):
            inner = f"{table}.{name}".lstrip(".")
            text += f"\n[{inner}]\n{to_toml(value, inner)}"
    return text


def _flat(values: Mapping[str, Any], room: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested tables by their full names."""
    for name, value in values.items():
        full = f"{room}.{name}".lstrip(".")
        if isinstance(value, Mapping):
            yield from _flat(value, full)
        else:
            yield full, value


def _constraints() -> dict[str, tuple[str, list]]:
    """Return of each parameter, by its full name, whose it is and what it may be."""
    from sklearn.utils._param_validation import Interval

    from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
    from sktimbre.autoencoder import PairAugmenter

    tables: dict[str, Any] = {
        "": TimbreTransfer,
        "stft.": LogSTFT,
        "autoencoder.": TimbreAutoencoder,
        "autoencoder.augment.": PairAugmenter,
        "inverter.": GriffinLimInverter,
    }
    known = {
        f"{table}{name}": (kind.__name__, constraints)
        for table, kind in tables.items()
        for name, constraints in kind._parameter_constraints.items()
    }
    return known | {
        "source": ("sktimbre fit", [str, Path]),
        "target": ("sktimbre fit", [str, Path]),
        "duration": ("sktimbre fit", [Interval(Real, 0, None, closed="neither")]),
    }


def _meant(name: str, known: Iterable[str]) -> str:
    """Say which name a mistyped one is nearest to, in its own table before others; or what there is."""
    room, _, own = name.rpartition(".")
    tables: dict[str, dict[str, str]] = {}
    for full in known:
        tables.setdefault(full.rpartition(".")[0], {})[full.rpartition(".")[2]] = full
    same, every = (
        tables.get(room, tables[""]),
        {last: full for names in tables.values() for last, full in names.items()},
    )
    return did_you_mean(own, same) or did_you_mean(own, every) or f" There are {', '.join(sorted(same.values()))}."


def _as_given(value: Any) -> Any:
    """Return a window with parameters as scipy wants it, which TOML can only write as an array; all else as it is."""
    return tuple(value) if isinstance(value, list) and value and isinstance(value[0], str) else value


def _as_toml(value: Any, name: str, path: Path) -> Any:
    """Return a plain value for one that came from Python, or raise an error if there is none."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_as_toml(item, name, path) for item in value]
    if isinstance(value, bool | int | float | str):
        return value
    raise PersistenceError(
        f"{path} was trained with {name}={value!r}, which a file of parameters cannot hold; train it from Python again."
    )


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    # JSON writes strings and truth values as TOML does, except for the one control character that it leaves as it is.
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

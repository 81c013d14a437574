"""Parameters of `sktimbre fit` as TOML: read a file, override it by options, check it; write those of a fitted model."""

import inspect
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sktimbre.cli.noteoptions import NOTE_OPTIONS
from sktimbre.cli.session import did_you_mean
from sktimbre.exceptions import ParameterError, PersistenceError

if TYPE_CHECKING:
    from sktimbre.transfer import TimbreTransfer

__all__ = ["FitParams", "params_of", "to_toml"]

# Parameters of `sktimbre fit` that belong to no estimator.
OWN = {"source", "target", "duration", *NOTE_OPTIONS}
# Parameters that are paths: in a file, relative to it, so that notes can be moved together with the file.
PATHS = {"source", "target", "memory", "autoencoder.checkpoint"}
# Prefix of arguments of the optimizer, which training checks.
OPTIMIZER = "autoencoder.optimizer__"
# Parameters that `params_of` leaves out: paths on one machine, and one that has no effect in a TimbreTransfer.
LEFT_OUT = {"memory", "autoencoder.checkpoint", "autoencoder.target_transformer"}


@dataclass
class FitParams:
    """Parameters of `sktimbre fit` from a preset, a file and options; each overrides those before it.

    Parameters
    ----------
    path : Path or None
        TOML file.
    in_file, options : dict of str to object
        Values by full name, such as ``autoencoder.filters``.
    option_names : dict of str to str
        Options with their values as messages show them, by full name.
    preset : dict of str to object
        Values of the preset by full name.
    """

    path: Path | None = None
    in_file: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    option_names: dict[str, str] = field(default_factory=dict)
    preset: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | None) -> "FitParams":
        """Read a file; None gives no parameters.

        Raises
        ------
        ParameterError
            The file cannot be read, or is not TOML.
        """
        if path is None:
            return cls()
        try:
            content = path.read_bytes()
            # Shells of Windows write UTF-16, and marks of the encoding.
            encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
            return cls(path, dict(_flattened(tomllib.loads(content.decode(encoding).replace("\r\n", "\n")))))
        except OSError as error:
            raise ParameterError(f"--params {path} cannot be read: {error.strerror}. Check the name.") from None
        except UnicodeDecodeError:
            raise ParameterError(f"--params {path} is not in UTF-8; save it with this encoding.") from None
        except tomllib.TOMLDecodeError as error:
            raise ParameterError(
                f"--params {path} is not TOML: {error}. `sktimbre info MODEL --params` prints an example."
            ) from None

    def set_preset(self, name: str | None) -> None:
        """Take the parameters of a preset by its name; None takes none.

        Raises
        ------
        ParameterError
            There is no such preset.
        """
        from sktimbre.autoencoder.networks.options import PRESETS

        if name is None:
            return
        if name not in PRESETS:
            raise ParameterError(
                f"--preset={name} is unknown; there are {', '.join(sorted(PRESETS))}.{did_you_mean(name, sorted(PRESETS))}"
            )
        self.preset = {f"autoencoder.{parameter}": value for parameter, value in PRESETS[name].items()}

    def set_option(self, option: str, value: Any, *names: str) -> None:
        """Set one or several parameters to the value of an option; None means that the option was not given."""
        if value is not None:
            self.options |= dict.fromkeys(names, value)
            self.option_names |= dict.fromkeys(names, f"{option}={value}")

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value by its full name; relative paths in the file start at its folder."""
        if name in self.options:
            return self.options[name]
        value = self.in_file.get(name, self.preset.get(name, default))
        is_path = name in PATHS or (name.endswith("pitches") and str(value).lower().endswith(".csv"))
        if self.path is not None and is_path and isinstance(value, str | list):
            values = [str(self.path.parent / each) for each in ([value] if isinstance(value, str) else value)]
            return values[0] if isinstance(value, str) else values
        return value

    def origin(self, name: str) -> str:
        """Return the option or the place in the file that gave a value."""
        return self.option_names[name] if name in self.options else f"{self.path}: {name}"

    def check(self) -> None:
        """Check that every name is known and that every value is legal by itself.

        Raises
        ------
        ParameterError
            A name or a value is wrong; the message names its origin and the nearest legal one.
        """
        from sklearn.utils._param_validation import InvalidParameterError, StrOptions, validate_parameter_constraints

        known = _constraints()
        for name in {**self.in_file, **self.options}:
            if name not in known and name.startswith(OPTIMIZER):
                continue
            if name not in known:
                raise ParameterError(
                    f"{self.path or '--params'}: there is no parameter {name}.{_suggestion(name, known)}"
                )
            owner, constraints = known[name]
            own, value = name.rpartition(".")[2], self.get(name)
            try:
                validate_parameter_constraints({own: constraints}, {own: _with_tuples(value)}, owner)
            except InvalidParameterError as error:
                legal = {word for c in constraints if isinstance(c, StrOptions) for word in c.options}
                raise ParameterError(f"{self.origin(name)}: {error}{did_you_mean(value, legal)}") from None

    @contextmanager
    def locating_errors(self, table: str) -> Iterator[None]:
        """Name the file and the table in errors about an estimator's parameters, if any of them come from the file."""
        try:
            yield
        except ParameterError as error:
            in_file = any(name.startswith(f"{table}.") for name in self.in_file if name not in self.options)
            raise ParameterError(f"{self.path}, [{table}]: {error}" if in_file else str(error)) from None

    def build(self) -> "TimbreTransfer":
        """Return the estimator with these parameters, not fitted; call `check` first.

        Raises
        ------
        ParameterError
            The STFT parameters do not fit together.
        """
        from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
        from sktimbre.autoencoder import PairAugmenter
        from sktimbre.spectral.geometry import usual_n_fft

        given: dict[str, dict[str, Any]] = {"": {}, "stft": {}, "autoencoder": {}, "inverter": {}}
        for name in {**self.preset, **self.in_file, **self.options}:
            table, _, own = name.rpartition(".")
            if name not in OWN:
                given.setdefault(table, {})[own] = _with_tuples(self.get(name))
        if "autoencoder.augment" in given:
            given["autoencoder"]["augment"] = PairAugmenter(**given["autoencoder.augment"])
        model = TimbreTransfer(
            autoencoder=TimbreAutoencoder().set_params(**given["autoencoder"]),
            inverter=GriffinLimInverter(**given["inverter"]),
            **given[""],
        )
        model.stft = LogSTFT(**{"n_fft": usual_n_fft(model.sr), **given["stft"]})
        with self.locating_errors("stft"):
            _ = model.stft.geometry
        return model


def params_of(model: "TimbreTransfer", path: Path) -> dict[str, Any]:
    """Return the parameters with which `sktimbre fit` trains an equal model, as nested dictionaries.

    They include the seed; if none was given, the one that was drawn.

    Parameters
    ----------
    model : TimbreTransfer
        Fitted model.
    path : Path
        File of the model, named in errors.

    Raises
    ------
    PersistenceError
        The model has parts or values that a TOML file cannot hold.
    """
    from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder
    from sktimbre.autoencoder import PairAugmenter
    from sktimbre.cli.comparison import trained_on

    def parameters(part: Any, table: str) -> dict[str, Any]:
        found, defaults = {}, inspect.signature(type(part)).parameters
        given = part.get_params(deep=False)
        given |= {f"optimizer__{name}": value for name, value in (given.pop("optimizer_params", None) or {}).items()}
        for name, value in given.items():
            full = f"{table}.{name}".lstrip(".")
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
                f"{path} has a {type(fitted).__name__} as {name}, but `sktimbre fit` trains models with a "
                f"{kind.__name__}; --params cannot describe this one. Train it from Python."
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
    lines = [f"{name} = {_as_toml_text(value)}" for name, value in params.items() if not isinstance(value, Mapping)]
    text = "".join(f"{line}\n" for line in lines)
    for name, value in params.items():
        if isinstance(value, Mapping):
            inner = f"{table}.{name}".lstrip(".")
            text += f"\n[{inner}]\n{to_toml(value, inner)}"
    return text


def _flattened(values: Mapping[str, Any], table: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the full names and values of nested tables."""
    for name, value in values.items():
        full = f"{table}.{name}".lstrip(".")
        if isinstance(value, Mapping):
            yield from _flattened(value, full)
        else:
            yield full, value


def _constraints() -> dict[str, tuple[str, list]]:
    """Return the owner and the constraints of each parameter, by its full name."""
    from sklearn.utils._param_validation import Interval, StrOptions

    from sktimbre import GriffinLimInverter, LogSTFT, TimbreAutoencoder, TimbreTransfer
    from sktimbre.autoencoder import PairAugmenter
    from sktimbre.datasets.material import MATERIALS

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
        "source": ("sktimbre fit", [str, Path, list, tuple]),
        "target": ("sktimbre fit", [str, Path]),
        "duration": ("sktimbre fit", [Interval(Real, 0, None, closed="neither")]),
        **{name: ("sktimbre fit", [str]) for name in ("pitches", "source_pitches", "target_pitches")},
        **{name: ("sktimbre fit", [str, int]) for name in ("source_octave", "target_octave")},
        **{name: ("sktimbre fit", [str, list, tuple]) for name in ("source_match", "target_match")},
        "material": ("sktimbre fit", [StrOptions(set(MATERIALS))]),
        "misfits": ("sktimbre fit", [StrOptions({"leave_out", "raise", "keep"})]),
        "recursive": ("sktimbre fit", ["boolean"]),
        "trim_db": ("sktimbre fit", [Interval(Real, 0, None, closed="left")]),
    }


def _suggestion(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest name of the same table, or else of any table; if there is none, list the names of the table."""
    table, _, own = name.rpartition(".")
    tables: dict[str, dict[str, str]] = {}
    for full in known:
        tables.setdefault(full.rpartition(".")[0], {})[full.rpartition(".")[2]] = full
    same, every = (
        tables.get(table, tables[""]),
        {last: full for names in tables.values() for last, full in names.items()},
    )
    return did_you_mean(own, same) or did_you_mean(own, every) or f" There are {', '.join(sorted(same.values()))}."


def _with_tuples(value: Any) -> Any:
    """Return a list that begins with a name as a tuple, as scipy takes windows with parameters; TOML has only arrays."""
    return tuple(value) if isinstance(value, list) and value and isinstance(value[0], str) else value


def _as_toml(value: Any, name: str, path: Path) -> Any:
    """Return a Python value as a plain value for TOML, or raise an error if it has none."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_as_toml(item, name, path) for item in value]
    if isinstance(value, bool | int | float | str):
        return value
    raise PersistenceError(
        f"{path} was trained with {name}={value!r}, which TOML cannot hold; train the model from Python again."
    )


def _as_toml_text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_as_toml_text, value))}]"
    # JSON and TOML write strings and booleans alike, except for the character DEL, which JSON leaves unescaped.
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

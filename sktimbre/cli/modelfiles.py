"""Model files of the commands: the argument that names one, and loading it."""

import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sktimbre.cli.completion import complete_model
from sktimbre.cli.session import check_readable, did_you_mean, show_again
from sktimbre.exceptions import PersistenceError, SktimbreError

if TYPE_CHECKING:
    from sktimbre.transfer import TimbreTransfer
    from sktimbre.transfer.fitted import FittedTransfer

    Converter = TimbreTransfer | FittedTransfer

__all__ = ["Model", "check_exists", "check_no_pickle", "load_converter", "load_model", "model_path"]


def model_path(given: Path) -> Path:
    """Return the file of a model that comes with the package where its name is given and no file has it.

    A folder may have it: `sktimbre convert` writes to one.
    """
    if given.is_file() or given.parent != Path() or given.suffix:
        return given
    from sktimbre.models import names, path

    return path(given.name) if given.name in names() else given


Model = Annotated[
    Path,
    typer.Argument(
        help="Model file that sktimbre fit wrote, or the name of one that sktimbre models lists.",
        callback=model_path,
        autocompletion=complete_model,
    ),
]


def check_exists(path: Path) -> None:
    """Raise an error if there is neither a file nor a model that comes with the package."""
    if not path.exists() and path.parent == Path() and not path.suffix:
        from sktimbre.models import names

        raise SktimbreError(
            f"{path} does not exist, and no model of this name comes with the package; there are {', '.join(names())}."
            f"{did_you_mean(path.name, names())}"
        )
    check_readable(path)


def load_model(path: Path) -> "TimbreTransfer":
    """Load a fitted `TimbreTransfer`; raise an error if the file holds none."""
    check_exists(path)
    _check_model_file(path)

    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    from sktimbre.persistence import load
    from sktimbre.transfer import TimbreTransfer

    model = load(path)
    if not isinstance(model, TimbreTransfer):
        raise PersistenceError(
            f"{path} holds a {type(model).__name__}; give a file with a TimbreTransfer, as `sktimbre fit` writes it."
        )
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise PersistenceError(f"{path} holds a TimbreTransfer that is not fitted; save it after fit.") from None
    return model


def load_converter(path: Path) -> "Converter":
    """Load a fitted model to convert blocks, without scikit-learn where its parts allow; errors are those of `load_model`."""
    check_exists(path)
    _check_model_file(path)

    from sktimbre.persistence.files import load_record
    from sktimbre.transfer.fitted import fitted_transfer

    with warnings.catch_warnings(record=True) as caught:
        fitted = fitted_transfer(load_record(path))
    if fitted is None:  # warns by itself
        return load_model(path)
    show_again(caught)
    return fitted


def check_no_pickle(path: Path) -> None:
    """Raise an error if a file is a pickle, as `pickle` and joblib write them."""
    with path.open("rb") as file:
        beginning = file.read(1)
    # First byte of pickles of protocol 2 and later.
    if beginning == b"\x80":
        raise PersistenceError(
            f"{path} is a pickle, and loading a pickle can run any code. If you wrote it, load it in Python and save it "
            "with sktimbre.save."
        )


def _check_model_file(path: Path) -> None:
    """Raise an error if the path is a folder, a pickle or a sound file instead of a model."""
    if path.is_dir():
        raise PersistenceError(f"{path} is a folder; give the model, the file that `sktimbre fit` wrote.")
    if not path.is_file():
        return
    check_no_pickle(path)
    if not zipfile.is_zipfile(path) and _is_sound(path):
        raise PersistenceError(
            f"{path} is a sound file, but the first argument must be a model that `sktimbre fit` wrote, as in "
            "`sktimbre convert MODEL FILE -o FOLDER`."
        )


def _is_sound(path: Path) -> bool:
    from sktimbre.audio.soundfiles import open_sound
    from sktimbre.exceptions import AudioFileError

    try:
        open_sound(path).close()
    except AudioFileError:
        return False
    return True

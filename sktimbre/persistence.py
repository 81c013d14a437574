"""Save and load fitted estimators without pickle: reading a stranger's file runs none of its code."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import skops.io

from sktimbre._files import atomic_path
from sktimbre.exceptions import PersistenceError

__all__ = ["load", "save"]

# What files of ours may name beside what skops trusts of scikit-learn, numpy and scipy. Nothing here runs code when made.
TRUSTED = (
    "sktimbre.autoencoder.architectures.dilated",
    "sktimbre.autoencoder.architectures.dilated_residual",
    "sktimbre.autoencoder.architectures.residual",
    "sktimbre.autoencoder.architectures.shallow",
    "sktimbre.autoencoder.estimator.TimbreAutoencoder",
    "sktimbre.autoencoder.network.Network",
    "sktimbre.autoencoder.options.NetworkOptions",
    "sktimbre.metrics.controls.IdentityControl",
    "sktimbre.metrics.controls.PerBinLinearControl",
    "sktimbre.metrics.controls.PhaseOracleControl",
    "sktimbre.metrics.transposition.TransposedNeighboursControl",
    "sktimbre.spectral.inverter.GriffinLimInverter",
    "sktimbre.spectral.log_stft.LogSTFT",
    "sktimbre.transfer.TimbreTransfer",
)


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
        The file exists, its folder is missing or read-only, or the model holds something that cannot be stored.

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
            skops.io.dump(model, temporary, compression=zipfile.ZIP_DEFLATED)
        except Exception as error:  # skops raises whatever the object's parts raise
            raise PersistenceError(f"{type(model).__name__} cannot be stored in {path}: {error}") from error
    return Path(path)


def load(path: str | os.PathLike[str], *, trusted: Sequence[str] = ()) -> Any:
    """Read what `save` wrote; nothing that the file names is imported or run unless it is ours, or named as trusted.

    Parameters
    ----------
    path : path-like
        The file.
    trusted : sequence of str
        Full names of further types and functions that may be made, such as an architecture of your own,
        ``"mypackage.networks.wide"``.

    Returns
    -------
    estimator

    Raises
    ------
    PersistenceError
        The file cannot be read, is no file of ours, or names types that are not trusted.
    """
    try:
        data = Path(path).read_bytes()
        unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED) - set(trusted))
        if unknown:
            raise PersistenceError(
                f"{path} holds {', '.join(unknown)}, which sktimbre does not know. If you know where the file comes "
                f"from, pass trusted={unknown!r}."
            )
        return skops.io.loads(data, trusted=[*TRUSTED, *trusted])
    except PersistenceError:
        raise
    except OSError as error:
        raise PersistenceError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Exception as error:  # a damaged archive may fail anywhere in zipfile, json or skops
        raise PersistenceError(
            f"{path} is damaged or was not written by sktimbre.save: {type(error).__name__}: {error}"
        ) from None

"""Export a fitted `TimbreTransfer` for programs in other languages."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sktimbre._utils.files import as_path, atomic_path
from sktimbre.exceptions import PersistenceError

__all__ = ["FILES", "export"]

LEVEL = """Before the network, spectra are brought to one level: the level of a frame is the norm of its magnitudes
   with the exponent `level.exponent`; its gain is `level.reference` divided by the loudest level within `level.loudest_within`
   frames, smoothed with a Hann window of `level.smooth` frames to each side and at least `level.quietest`. After the network,
   magnitudes are divided by the gains."""
HERE = Path(__file__).parent
NETWORK, SETTINGS, REFERENCE, PAGE = "network.onnx", "settings.json", "convert.py", "README.md"
# What an export consists of.
FILES = NETWORK, SETTINGS, REFERENCE, PAGE


def export(model: Any, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a fitted model so that it can be run without this package, in any language that has ONNX Runtime.

    The folder gets ``network.onnx``, the network with its weights; ``settings.json``, the sample rate and the settings of all
    other steps; ``convert.py``, which converts a WAV file by numpy, scipy and ONNX Runtime alone and is written to be
    translated; and ``README.md``, which explains the steps.

    Parameters
    ----------
    model : TimbreTransfer
        Fitted, with a `TimbreAutoencoder`, a centred `LogSTFT` with a named window, and a `GriffinLimInverter` with
        ``init="pghi"`` and without ``tol``; its ``phase`` is "estimate".
    folder : path-like
        Created if it does not exist.
    overwrite : bool, default=False
        Whether existing files of these names may be replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    PersistenceError
        A part of the model cannot be exported, a file exists, or the folder cannot be written to.

    Examples
    --------
    >>> import sktimbre
    >>> model = sktimbre.load("flute-to-clarinet.sktimbre")  # doctest: +SKIP
    >>> sktimbre.export(model, "flute-to-clarinet/")  # doctest: +SKIP
    """
    settings, network = settings_of(model)
    from sktimbre.autoencoder.graph.session import complete_model
    from sktimbre.autoencoder.graph.sparse import make_sparse

    onnx = complete_model(network.graph, network.weights, network.n_frequencies)
    make_sparse(onnx)
    onnx.doc_string = (
        "Log-magnitude spectra log(1 + abs(STFT)) of the source, at the level of settings.json, to the target's."
    )
    texts = {
        SETTINGS: json.dumps(settings, indent=2, default=np.generic.item) + "\n",
        REFERENCE: (HERE / "reference.py").read_text(),
        PAGE: page(settings, network),
    }
    contents = {NETWORK: onnx.SerializeToString()} | {name: text.encode() for name, text in texts.items()}
    folder = as_path(folder, PersistenceError)
    existing = [name for name in contents if (folder / name).exists()]
    if existing and not overwrite:
        raise PersistenceError(
            f"{folder / existing[0]} exists; pass overwrite=True to replace it, or choose another folder."
        )
    created = not folder.exists()
    try:
        folder.mkdir(exist_ok=True)
        for name, content in contents.items():
            with atomic_path(folder / name, overwrite, error=PersistenceError) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        raise PersistenceError(
            f"{folder} cannot be written: {error.strerror or error}. Choose another folder."
        ) from None
    except PersistenceError:
        if created:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def settings_of(model: Any) -> tuple[dict[str, Any], Any]:
    """Return the settings of all steps as plain values, and the network; raise `PersistenceError` if a part has none."""
    from sktimbre.autoencoder import TimbreAutoencoder
    from sktimbre.autoencoder.data import level
    from sktimbre.spectral import GriffinLimInverter
    from sktimbre.spectral.geometry import geometry_of
    from sktimbre.spectral.griffin_lim import step_sizes
    from sktimbre.spectral.initial import nearest_gaussian
    from sktimbre.transfer import TimbreTransfer, conversion, loudness, noise

    if not isinstance(model, TimbreTransfer):
        raise PersistenceError(f"{type(model).__name__} cannot be exported; give a fitted TimbreTransfer.")
    check_is_fitted(model)
    geometry, inverter = geometry_of(model.stft_), model.inverter_
    wanted = {
        "phase='estimate'": model.phase == "estimate",
        "a LogSTFT with center=True and the name of a window": geometry is not None
        and geometry.center
        and isinstance(geometry.window, str),
        "a TimbreAutoencoder": isinstance(model.autoencoder_, TimbreAutoencoder),
        "a GriffinLimInverter with init='pghi', tol=0 and an algorithm other than 'admm'": isinstance(
            inverter, GriffinLimInverter
        )
        and (inverter.init, inverter.tol) == ("pghi", 0)
        and inverter.algorithm != "admm",
    }
    missing = [name for name, given in wanted.items() if not given]
    if missing or geometry is None:
        raise PersistenceError(f"The model cannot be exported: it needs {' and '.join(missing)}.")
    network = model.autoencoder_.network_
    if not network.export():
        raise PersistenceError(f"The network cannot be exported: it has {network.not_exported}.")
    n_fft = geometry.n_fft
    reference = network.options.reference
    alpha, beta, gamma_step = step_sizes(inverter.algorithm, inverter.momentum)
    converted = model._conversion
    settings = {
        "sr": model.sr,
        "stft": {"n_fft": n_fft, "hop_length": geometry.hop, "win_length": geometry.win, "window": geometry.window},
        "network": {"frame_multiple": network.frame_multiple, "context": network.reach.frames // 2},
        "level": {
            "exponent": level.EXPONENT,
            "loudest_within": level.LOUDEST_WITHIN,
            "smooth": level.SMOOTH,
            "reference": level.REFERENCE * n_fft if reference is None else reference,
            "quietest": level.QUIETEST * n_fft,
        }
        if network.options.normalize_level
        else None,
        "noise": {
            "share": model.noise,
            "kept": model.keep_noise,
            "context": noise.NOISE_CONTEXT,
            "within": noise.PARTIAL_WITHIN,
            "perhaps": noise.PERHAPS,
            "surely": noise.SURELY,
            "perhaps_weak": noise.PERHAPS_WEAK,
            "surely_weak": noise.SURELY_WEAK,
            "largest": noise.LARGEST_CHANGE,
            "lowest": noise.LOWEST,
        },
        "loudness": {
            "share": model.loudness,
            "context": converted.loudness_context,
            "largest": loudness.LARGEST_GAIN,
            "quiet": loudness.QUIET,
            "quieter": loudness.QUIETER,
        },
        "transpose": model.transpose,
        "amount": model.amount,
        "mix": model.mix,
        "release": {"frames": converted.release, "fade": conversion.FADE},
        "phase": {
            "n_iter": inverter.n_iter,
            "gamma": nearest_gaussian(geometry),
            "alpha": alpha,
            "beta": beta,
            "gamma_step": gamma_step,
        },
    }
    return settings, network


def onnx_opset() -> int:
    """Return the version of the operators of a graph."""
    from sktimbre.autoencoder.graph.operations import OPSET

    return OPSET


def page(settings: dict[str, Any], network: Any) -> str:
    """Return the page that explains an export."""
    stft = settings["stft"]
    values = {
        "sr": f"{settings['sr']:g}",
        **stft,
        "n_frequencies": network.n_frequencies,
        "level": LEVEL if settings["level"] else "The network takes the spectra as they are.",
        "weights": network.n_parameters,
        "opset": onnx_opset(),
    }
    return (HERE / "exported.md").read_text().format(**values)

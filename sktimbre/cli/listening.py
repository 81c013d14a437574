"""The listening page: one file with sounds, pictures and numbers in it, to be opened in any browser without a network."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sktimbre.exceptions import AudioError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sktimbre.cli.comparison import Comparison
    from sktimbre.transfer import TimbreTransfer

__all__ = ["Note", "Page", "Side", "listening_page", "note_of_page"]

SIDES = ("source", "output", "target")
# Of the spectrograms, before the browser fits them to its window.
PICTURE_SIZE, PICTURE_DPI = (7.2, 1.4), 100
N_FFT, HOP_LENGTH = 2048, 256
# Stands for the colour of the page in its pictures.
BACK = "#fefefe"
# Marks on the frequency axis of the spectrograms.
MARKED_HERTZ = (100.0, 500.0, 2000.0, 8000.0)


@dataclass(frozen=True)
class Side:
    """One sound of a note.

    Parameters
    ----------
    sound : bytes
        A FLAC file.
    picture : bytes
        Its spectrogram, a WebP file.
    gain : float
        What brings it to the loudness of the softest of its note.
    """

    sound: bytes
    picture: bytes
    gain: float


@dataclass(frozen=True)
class Note:
    """One note of the page.

    Parameters
    ----------
    name : str
        What it is called.
    duration : float
        In seconds, of all its sounds.
    sides : dict of str to Side
        By "source", "output" and "target".
    ticks : dict of str to float
        Places of the marks on the frequency axis, in per cent from below.
    error, identity : float or None
        Reconstruction error of the model, and of doing nothing.
    cells : sequence of sequence of str
        Rows of its numbers, headings first.
    harmonics : str
        A picture of the levels of the harmonics as SVG; empty without one.
    """

    name: str
    duration: float
    sides: Mapping[str, Side]
    ticks: Mapping[str, float]
    error: float | None
    identity: float | None
    cells: Sequence[Sequence[str]]
    harmonics: str = ""


@dataclass(frozen=True)
class Page:
    """What the page says.

    Parameters
    ----------
    title, description : str
        Shown at the top.
    notes : sequence of Note
        In this order.
    cells : sequence of sequence of str
        Rows of mean numbers, headings first.
    facts : dict of str to str
        About the model.
    settings : dict of str to dict of str to str
        All its parameters, by part.
    curves : str
        Learning curves as SVG; empty without any.
    """

    title: str
    description: str
    notes: Sequence[Note]
    cells: Sequence[Sequence[str]]
    facts: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    curves: str = ""


def listening_page(page: Page) -> str:
    """Return the page as HTML that needs no other file.

    Parameters
    ----------
    page : Page
        What it says.

    Returns
    -------
    str

    Examples
    --------
    >>> from sktimbre.cli.listening import Note, Page, Side, listening_page
    >>> side = Side(b"fLaC", b"RIFF", 1.0)
    >>> note = Note("C4", 1.0, {"source": side, "output": side, "target": side}, {"1k": 50.0}, 0.1, 0.2, [[""]])
    >>> html = listening_page(Page("A & B", "Two", [note], [["", "error"]]))
    >>> "A &amp; B" in html, "data:audio/flac;base64,ZkxhQw==" in html
    (True, True)
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sktimbre.cli", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    return environment.get_template("listening.html").render(page=page)


def note_of_page(name: str, audio: Mapping[str, np.ndarray], sr: float, comparison: "Comparison", index: int) -> Note:
    """Return a note of the page with its sounds, pictures and numbers.

    Parameters
    ----------
    name : str
        What it is called.
    audio : dict of str to ndarray of shape (n_samples,)
        By "source", "output" and "target", in [-1, 1].
    sr : float
        Sample rate in Hz.
    comparison : Comparison
        Scores of the model and the baselines.
    index : int
        Which note of the comparison this is.

    Returns
    -------
    Note
    """
    # The output follows the level of the source; where it would clip, its shape matters more than its level.
    sounds = {side: audio[side] / max(1.0, float(np.abs(audio[side]).max())) for side in SIDES}
    levels = {side: float(np.sqrt(np.mean(np.square(y)))) for side, y in sounds.items()}
    softest = min((level for level in levels.values() if level), default=0.0)
    pictures, ticks = _spectrograms(sounds, sr)
    sides = {
        side: Side(_flac(sounds[side], sr), pictures[side], softest / levels[side] if levels[side] else 1.0)
        for side in SIDES
    }
    scores = comparison.of_note(index)
    error, identity = (scores[who].get("reconstruction_error") for who in ("model", "identity"))
    duration = len(sounds["source"]) / sr
    return Note(name, duration, sides, ticks, error, identity, comparison.cells(index), _harmonics(sounds, sr))


def learning_curves(model: "TimbreTransfer", references: Mapping[str, float] | None = None) -> str:
    """Return a model's learning curves as SVG, beside the errors of baselines; empty if it did not learn in epochs."""
    from sktimbre.plotting import LearningCurveDisplay
    from sktimbre.plotting.curves import history_of

    history = history_of(model)
    if history is None:
        return ""
    return svg(LearningCurveDisplay({"": history}).plot(references=references).figure_)


def svg(figure: "Figure") -> str:
    """Return a figure as SVG to be put into HTML, in the page's own colours, which are others in the dark."""
    from sktimbre.plotting.display import SIDES as COLOURS

    figure.set_facecolor("none")
    for ax in figure.axes:
        ax.set_facecolor("none")
        if legend := ax.get_legend():
            legend.get_frame().set_facecolor(BACK)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    # Without the XML declaration, which has no place inside HTML. Letters are paths, which have no colour of their own.
    text = text[text.index("<svg") :].replace("#000000", "currentColor").replace(BACK, "var(--back)")
    for side, colour in COLOURS.items():
        text = text.replace(colour.lower(), f"var(--{side})")
    return text


def _spectrograms(sounds, sr):
    """Return pictures of all sides on one scale, without axes, and the places of frequencies on them."""
    from matplotlib.figure import Figure

    from sktimbre.plotting import SpectrogramDisplay

    y = np.stack(list(sounds.values())).astype(np.float32)
    # Short notes have room for a short transform only.
    n_fft = min(N_FFT, 2 ** int(np.log2(y.shape[1])))
    figures = [Figure(figsize=PICTURE_SIZE) for _ in sounds]
    axes = [figure.add_axes((0, 0, 1, 1)) for figure in figures]
    SpectrogramDisplay.from_predictions(
        y, sr=sr, n_fft=n_fft, hop_length=min(HOP_LENGTH, n_fft // 4), ax=axes, frequency_axis="log", colorbar=False
    )
    pictures = {}
    for side, figure, ax in zip(sounds, figures, axes, strict=True):
        # Of equal width for equal time, so that a line across all of them is at one moment.
        ax.set_xlim(0, y.shape[1] / sr)
        ax.set_axis_off()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="webp", dpi=PICTURE_DPI, pil_kwargs={"quality": 82})
        pictures[side] = buffer.getvalue()
    low, high = np.log(axes[0].get_ylim())
    places = {hertz: 100 * (np.log(hertz) - low) / (high - low) for hertz in MARKED_HERTZ}
    return pictures, {f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}": p for hz, p in places.items() if 0 < p < 95}


def _harmonics(sounds, sr):
    from sktimbre.plotting import HarmonicDisplay

    try:
        display = HarmonicDisplay.from_predictions(*(y[np.newaxis] for y in sounds.values()), sr=sr)
    except AudioError:  # too short for its pitch to be told
        return ""
    return svg(display.figure_)


def _flac(y: np.ndarray, sr: float) -> bytes:
    import soundfile

    from sktimbre.audio.soundfiles import quantise

    buffer = io.BytesIO()
    soundfile.write(buffer, quantise(y, "PCM_16"), round(sr), subtype="PCM_16", format="FLAC")
    return buffer.getvalue()


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"

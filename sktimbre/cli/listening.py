"""The listening page: one HTML file with sounds, pictures and scores, for any browser, without a network connection."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sktimbre.exceptions import AudioError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sktimbre.cli.comparison import Comparison
    from sktimbre.transfer import TimbreTransfer

__all__ = ["Note", "Page", "Side", "flac", "listening_page", "note_of_page", "phrase_of_page", "templates"]

SIDES = ("source", "output", "target")
# Size of the spectrograms in inches, before the browser scales them, and dots per inch.
PICTURE_SIZE, PICTURE_DPI = (7.2, 1.4), 100
N_FFT, HOP_LENGTH = 2048, 256
# Placeholder for the page's background colour in pictures.
BACK = "#fefefe"
# Marks on the frequency axis of the spectrograms.
MARKED_HERTZ = (100.0, 500.0, 2000.0, 8000.0)


@dataclass(frozen=True)
class Side:
    """Source, output or target of a note.

    Parameters
    ----------
    sound : bytes
        Audio as a FLAC file.
    picture : bytes
        Spectrogram as a WebP file.
    gain : float
        Factor to the RMS level of the softest of the three.
    """

    sound: bytes
    picture: bytes
    gain: float


@dataclass(frozen=True)
class Note:
    """A note of the page.

    Parameters
    ----------
    name : str
        Name of the note.
    duration : float
        Seconds, equal for source, output and target.
    sides : dict of str to Side
        By "source", "output" and "target".
    ticks : dict of str to float
        Positions of the frequency labels in per cent of the height, from below.
    error, identity : float or None
        Reconstruction errors of the model and of the identity baseline.
    cells : sequence of sequence of str
        Rows of scores; the first has the headings.
    harmonics : str
        Figure of the levels of the harmonics as SVG; empty for none.
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
    """Content of the page.

    Parameters
    ----------
    title, description : str
        Shown at the top.
    notes : sequence of Note
        Notes in the order of the page.
    cells : sequence of sequence of str
        Rows of mean scores; the first has the headings.
    facts : dict of str to str
        Facts about the model, by label.
    settings : dict of str to dict of str to str
        All parameters of the model, by part.
    curves : str
        Figure of the learning curves as SVG; empty for none.
    opening : Note or None
        A recording that is shown before the notes.
    """

    title: str
    description: str
    notes: Sequence[Note]
    cells: Sequence[Sequence[str]]
    facts: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    curves: str = ""
    opening: Note | None = None


def listening_page(page: Page) -> str:
    """Return the page as HTML that needs no other file.

    Parameters
    ----------
    page : Page
        Content.

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
    return templates().get_template("listening.html").render(page=page)


def templates() -> Any:
    """Return the environment of the templates of pages."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sktimbre.cli", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    return environment


def note_of_page(name: str, audio: Mapping[str, np.ndarray], sr: float, comparison: "Comparison", index: int) -> Note:
    """Return a note of the page with its sounds, pictures and scores.

    Parameters
    ----------
    name : str
        Name of the note.
    audio : dict of str to ndarray of shape (n_samples,)
        Audio in [-1, 1], by "source", "output" and "target".
    sr : float
        Sample rate in Hz.
    comparison : Comparison
        Scores of the model and the baselines.
    index : int
        Index of the note in the comparison.

    Returns
    -------
    Note
    """
    sounds = _without_clipping(audio)
    sides, ticks = _sides(sounds, sr)
    scores = comparison.of_note(index)
    error, identity = (scores[who].get("reconstruction_error") for who in ("model", "identity"))
    duration = len(sounds["source"]) / sr
    return Note(name, duration, sides, ticks, error, identity, comparison.cells(index), _harmonics(sounds, sr))


def phrase_of_page(name: str, audio: Mapping[str, np.ndarray], sr: float) -> Note:
    """Return a recording for the top of the page, with its sounds and pictures and without scores.

    Parameters
    ----------
    name : str
        Name of the recording.
    audio : dict of str to ndarray of shape (n_samples,)
        Audio in [-1, 1], by "source" and "output".
    sr : float
        Sample rate in Hz.

    Returns
    -------
    Note
    """
    sounds = _without_clipping(audio)
    sides, ticks = _sides(sounds, sr)
    return Note(name, len(sounds["source"]) / sr, sides, ticks, None, None, [])


def _without_clipping(audio):
    """Return sounds, scaled down if they would clip, in the order of the page."""
    return {side: audio[side] / max(1.0, float(np.abs(audio[side]).max())) for side in SIDES if side in audio}


def _sides(sounds, sr):
    """Return the sides of a note, and the positions of the frequency labels."""
    levels = {side: float(np.sqrt(np.mean(np.square(y)))) for side, y in sounds.items()}
    softest = min((level for level in levels.values() if level), default=0.0)
    pictures, ticks = _spectrograms(sounds, sr)
    sides = {
        side: Side(flac(y, sr), pictures[side], softest / levels[side] if levels[side] else 1.0)
        for side, y in sounds.items()
    }
    return sides, ticks


def learning_curves(model: "TimbreTransfer", references: Mapping[str, float] | None = None) -> str:
    """Return a model's learning curves and the errors of baselines as SVG; empty if the model has no history of epochs."""
    from sktimbre.plotting import LearningCurveDisplay
    from sktimbre.plotting.curves import history_of

    history = history_of(model)
    if history is None:
        return ""
    return svg(LearningCurveDisplay({"": history}).plot(references=references).figure_)


def svg(figure: "Figure") -> str:
    """Return a figure as SVG for the page, in the page's colours, which follow its light or dark mode."""
    from sktimbre.plotting.display import SIDES as COLOURS

    figure.set_facecolor("none")
    for ax in figure.axes:
        ax.set_facecolor("none")
        if legend := ax.get_legend():
            legend.get_frame().set_facecolor(BACK)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    # Cut the XML declaration, which HTML does not allow. Text is drawn as paths in #000000.
    text = text[text.index("<svg") :].replace("#000000", "currentColor").replace(BACK, "var(--back)")
    for side, colour in COLOURS.items():
        text = text.replace(colour.lower(), f"var(--{side})")
    return text


def _spectrograms(sounds, sr):
    """Return spectrograms of all sides on one colour scale, without axes, and the positions of the frequency labels."""
    from matplotlib.figure import Figure

    from sktimbre.plotting import SpectrogramDisplay

    y = np.stack(list(sounds.values())).astype(np.float32)
    # The window must not be longer than the note.
    n_fft = min(N_FFT, 2 ** int(np.log2(y.shape[1])))
    figures = [Figure(figsize=PICTURE_SIZE) for _ in sounds]
    axes = [figure.add_axes((0, 0, 1, 1)) for figure in figures]
    SpectrogramDisplay.from_predictions(
        y, sr=sr, n_fft=n_fft, hop_length=min(HOP_LENGTH, n_fft // 4), ax=axes, frequency_axis="log", colorbar=False
    )
    pictures = {}
    for side, figure, ax in zip(sounds, figures, axes, strict=True):
        # Equal time axes, so that a line across all pictures is at one time.
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
    except AudioError:  # too short to estimate a pitch
        return ""
    return svg(display.figure_)


def flac(y: np.ndarray, sr: float) -> bytes:
    """Return audio as a FLAC file of 16 bits."""
    import soundfile

    from sktimbre.audio.formats import quantise

    buffer = io.BytesIO()
    soundfile.write(buffer, quantise(y, "PCM_16"), round(sr), subtype="PCM_16", format="FLAC")
    return buffer.getvalue()


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"

"""Picture of the notes that are cut from a recording."""

import numpy as np
import pytest

from sktimbre.datasets.cutting import Cut, CutNote, LeftOut
from sktimbre.exceptions import AudioError, ParameterError
from sktimbre.plotting import NotesDisplay

SR = 22050


@pytest.fixture(scope="module")
def recording():
    time = np.arange(SR) / SR
    return np.concatenate([np.sin(2 * np.pi * hertz * time) for hertz in (440, 0, 494)]).astype(np.float32)


@pytest.mark.parametrize("frequency_axis", ["linear", "log", "note"])
def test_notes_are_boxes_at_their_pitch_and_gaps_are_shaded(recording, frequency_axis):
    cut = Cut([CutNote(0.1, 0.9, 69.0, -3.0, 0.8)], [LeftOut(1.0, 2.0, "silent"), LeftOut(2.5, 3.0, "polyphonic")])
    panel = NotesDisplay(recording, cut, sr=SR).plot(frequency_axis=frequency_axis).ax_
    (notes,) = [c for c in panel.collections if c.get_label() == "notes"]
    (box,) = [path.vertices for path in notes.get_paths()]
    assert (box[:, 0].min(), box[:, 0].max()) == (0.1, 0.9)
    assert (box[:, 1].min(), box[:, 1].max()) == pytest.approx((440 * 2 ** (-1 / 24), 440 * 2 ** (1 / 24)))
    low, high = panel.get_ylim()
    assert low < 440 < high
    # Rectangles, or polygons in older versions of matplotlib.
    places = {p.get_label(): p.get_path().transformed(p.get_patch_transform()).vertices[:, 0] for p in panel.patches}
    shaded = {label: (x.min().round(6), x.max().round(6)) for label, x in places.items()}
    assert shaded == {"left out: silent": (1.0, 2.0), "left out: polyphonic": (2.5, 3.0)}


def test_audio_is_cut_and_drawn(recording):
    display = NotesDisplay.from_audio(recording, SR)
    assert [round(note.midi) for note in display.cut.notes] == [69, 71]
    assert "left out: silent" in [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_silence_is_drawn_without_notes():
    panel = NotesDisplay.from_audio(np.zeros(SR, np.float32), SR).ax_
    assert [patch.get_label() for patch in panel.patches] == ["left out: silent"]


def test_what_is_no_recording_or_no_cut(recording):
    with pytest.raises(AudioError):
        NotesDisplay.from_audio(recording[:100], SR)
    with pytest.raises(AudioError):
        NotesDisplay.from_audio(np.full(SR, np.nan), SR)
    with pytest.raises(ParameterError, match="cut_recording"):
        NotesDisplay(recording, [])
    with pytest.raises(ParameterError, match="frequency_axis"):
        NotesDisplay.from_audio(recording, SR, frequency_axis="mel")


def test_long_recordings_have_wide_pictures():
    widths = [
        NotesDisplay(np.zeros(int(minutes * 60 * 200)), Cut([], []), sr=200).plot().figure_.get_figwidth()
        for minutes in (0.5, 3)
    ]
    assert widths == pytest.approx([11, 33], rel=0.1)

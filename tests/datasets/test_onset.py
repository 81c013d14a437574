"""Onsets of synthetic and real notes, whatever comes before them."""

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sktimbre.audio import read_audio
from sktimbre.datasets.onset import find_onset

SR = 22050


def tone(f0=440.0, sr=SR, seconds=1.0, attack=0.0, decay=0.0):
    """Seven partials that start in cosine phase, with a linear attack and an exponential decay in seconds."""
    t = np.arange(int(seconds * sr)) / sr
    y = sum(np.cos(2 * np.pi * n * f0 * t) / n for n in range(1, 8) if n * f0 < 0.45 * sr)
    y = y * np.minimum(t / attack, 1) if attack else y
    return 0.2 * (y * np.exp(-t / decay) if decay else y)


def white(rng, n):
    return rng.normal(size=n)


def pink(rng, n):
    spectrum = np.fft.rfft(rng.normal(size=n)) / np.sqrt(np.maximum(np.arange(n // 2 + 1), n / 2000))
    y = np.fft.irfft(spectrum, n)
    return y / y.std()


def room(kind, decibels):
    """Three seconds of noise this far below the note's peak, which stays under the note."""
    return lambda rng, y, sr: (3 * sr, 10 ** (decibels / 20) * kind(rng, 3 * sr + len(y)))


def offset(rng, y, sr):
    n = int(rng.uniform(0.2, 3) * sr)
    return n, np.full(n + len(y), rng.choice([-1, 1]) * rng.uniform(0.01, 0.1) / np.abs(y).max())


def hum(rng, y, sr):
    t = np.arange(3 * sr + len(y)) / sr
    f0 = rng.choice([50, 60])
    added = sum(np.sin(2 * np.pi * (f0 * n * t + rng.random())) / n for n in range(1, 9))
    return 3 * sr, added / added.std() * 10 ** (rng.uniform(-50, -40) / 20)


def click(rng, y, sr):
    """As loud as the note, 1 to 5 ms long, 0.1 to 2.5 s before it."""
    n, length = int(2.6 * sr), int(rng.uniform(0.001, 0.005) * sr)
    added = 1e-4 * white(rng, n + len(y))
    start = n - int(rng.uniform(0.1, 2.5) * sr)
    added[start : start + length] += rng.choice([-1, 1]) * (1 if rng.random() < 0.5 else rng.uniform(-1, 1, length))
    return n, added


def breath(rng, y, sr):
    """A band of noise of 0.2 to 0.4 s, 30 to 35 dB below the peak, which ends 0 to 0.2 s before the note."""
    n, length = int(1.5 * sr), int(rng.uniform(0.2, 0.4) * sr)
    band = [rng.uniform(200, 800), min(rng.uniform(2000, 6000), 0.45 * sr)]
    burst = scipy.signal.sosfilt(scipy.signal.butter(2, band, "band", fs=sr, output="sos"), white(rng, length + 999))[
        999:
    ]
    added = 1e-3 * white(rng, n + len(y))
    end = n - int(rng.choice([0, rng.uniform(0.02, 0.2)]) * sr)
    added[end - length : end] += burst / burst.std() * np.hanning(length) ** 0.3 * 10 ** (rng.uniform(-35, -30) / 20)
    return n, added


BEGINNINGS = {
    "silence": lambda rng, y, sr: (n := int(rng.uniform(0.05, 3) * sr), np.zeros(n + len(y))),
    "white noise, -45 dB": room(white, -45),
    "white noise, -60 dB": room(white, -60),
    "pink noise, -45 dB": room(pink, -45),
    "pink noise, -60 dB": room(pink, -60),
    "click": click,
    "offset": offset,
    "hum": hum,
    "breath": breath,
}


def begun(y, sr, name, seed):
    """Return a note after one of the beginnings, and the length of the beginning."""
    n, added = BEGINNINGS[name](np.random.default_rng(seed), y, sr)
    result = added * np.abs(y).max()
    result[n:] += y
    return result, n


@pytest.fixture(scope="module")
def real_notes(notes_folder):
    """Every eighteenth real note, of all instruments, and its onset."""
    folders = [notes_folder / name for name in ("flute", "clarinet", "piano")]
    folders += sorted(notes_folder.parent.glob("gm/*/notes"))
    paths = [path for folder in folders for path in sorted(folder.iterdir())]
    notes = [read_audio(path, duration=2.0) for path in paths[::18]]
    return [(y, sr, find_onset(y, sr)) for y, sr in notes if np.abs(y).max() > 0]


@pytest.mark.parametrize("name", BEGINNINGS)
def test_beginnings_of_real_notes(real_notes, name):
    moved = []
    for i, (y, sr, clean) in enumerate(real_notes):
        begun_note, n = begun(y, sr, name, i)
        moved.append(abs(find_onset(begun_note, sr) - n - clean) / sr)
    assert len(moved) > 15
    assert np.median(moved) <= 0.005
    assert max(moved) <= 0.030


def test_real_notes_that_start_at_once(notes_folder):
    """Their publisher trimmed the flute and clarinet notes; their attacks rise slowly."""
    for instrument in ("flute", "clarinet"):
        onsets = []
        for path in sorted((notes_folder / instrument).iterdir())[::3]:
            y, sr = read_audio(path, duration=2.0)
            onsets.append(find_onset(y, sr) / sr)
        assert np.median(onsets) < 0.002
        assert max(onsets) < 0.025


@pytest.mark.parametrize("name", BEGINNINGS)
@pytest.mark.parametrize("sr", [8000, 22050, 96000])
def test_sudden_tones(name, sr):
    for seed, f0 in enumerate((41.2, 110.0, 440.0, 3000.0)):
        for y in (tone(f0, sr), tone(f0, sr, decay=0.2), tone(min(2 * f0, 3000), sr, seconds=0.06, decay=0.04)):
            begun_note, n = begun(y, sr, name, seed)
            assert abs(find_onset(begun_note, sr) - n) <= 0.003 * sr, f0


@pytest.mark.parametrize("attack", [0.005, 0.03, 0.1, 0.3])
def test_slow_attacks(attack):
    """Off by at most 5 ms, 4 % of the attack or half a period, even where noise hides the beginning of the attack."""
    for f0 in (55.0, 220.0, 880.0, 3000.0):
        for name in ("silence", "white noise, -60 dB", "white noise, -45 dB"):
            begun_note, n = begun(tone(f0, attack=attack), SR, name, 0)
            assert abs(find_onset(begun_note, SR) - n) <= max(0.005, 0.04 * attack, 0.5 / f0) * SR, (f0, name)


def test_noise_in_other_bins():
    """Rumble below 200 Hz, 20 dB below the peak of a note in a higher range, is not compared with it."""
    low = scipy.signal.butter(8, 200, fs=SR, output="sos")
    rumble = scipy.signal.sosfilt(low, np.random.default_rng(0).normal(size=3 * SR))
    y = np.r_[np.zeros(2 * SR), np.cos(2 * np.pi * 2000 * np.arange(SR) / SR)]
    onset = find_onset(y + rumble / rumble.std() * 10 ** (-20 / 20), SR)
    assert abs(onset - 2 * SR) <= 0.003 * SR


def test_a_click_is_not_a_short_note():
    """What lasts 5 ms is a click if a note follows, and the note if none does."""
    y = np.zeros(2 * SR)
    y[SR // 2 : SR // 2 + 110] = 0.8
    assert find_onset(y, SR) == SR // 2
    y[SR:] += 0.5 * tone()
    assert find_onset(y, SR) == SR
    pluck = tone(seconds=0.06, decay=0.02)
    y[SR // 2 : SR // 2 + len(pluck)] = 4 * pluck
    assert find_onset(y, SR) == SR // 2


@given(
    f0=st.floats(30, 3000),
    attack=st.sampled_from([0.0, 0.01, 0.08]),
    silence=st.integers(0, SR),
    exponent=st.integers(-30, 30),
    sr=st.sampled_from([8000, 22050, 44100]),
)
@settings(deadline=None, max_examples=60)
def test_shift_and_gain(f0, attack, silence, exponent, sr):
    y = tone(f0, sr, seconds=0.5, attack=attack)
    onset = find_onset(y, sr)
    shifted = np.r_[np.zeros(silence), y]
    # The level varies within the periods of low notes.
    tolerance = max(0.004, 0.5 / f0)
    assert abs(find_onset(shifted, sr) - silence - onset) <= tolerance * sr
    # Powers of two scale samples exactly.
    assert find_onset(shifted * 2.0**exponent, sr) == find_onset(shifted, sr)


@given(
    y=arrays(
        np.float64,
        st.integers(0, 3000),
        elements=st.floats(allow_nan=False, allow_infinity=False),
        fill=st.floats(-1, 1),
    ),
    sr=st.integers(1, 96000),
    trim_db=st.floats(0, 200),
)
@settings(deadline=None, max_examples=100)
def test_any_samples(y, sr, trim_db):
    onset = find_onset(y, sr, trim_db)
    assert isinstance(onset, int)
    assert 0 <= onset < max(1, len(y))


def test_silence():
    for y in (np.zeros(0), np.zeros(3), np.zeros(SR), np.full(SR, 0.3, np.float32)):
        assert find_onset(y, SR) == 0

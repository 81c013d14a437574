"""
From playing to a model
=======================

Single notes are not needed: a minute of music by each instrument does, also of different
music. See what is cut out of it, then train.
"""

# %%
# Two recordings
# --------------
# This example first writes half a minute of music for each of two synthetic instruments:
# two different melodies, with rests and repeated notes. Use your own folders instead.
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import Audio

from sktimbre.audio import write_audio
from sktimbre.datasets import make_paired_notes

work = tempfile.TemporaryDirectory()
home = Path(work.name)
notes = make_paired_notes(20, duration=0.8, random_state=0)
rng = np.random.default_rng(0)


def played(side, n_notes):
    """Return a random melody: steps and small leaps, notes of several lengths."""
    steps = rng.choice([-4, -2, -1, 1, 2, 3, 5], size=n_notes)
    places = np.abs((np.cumsum(steps) + 19) % 38 - 19)
    lengths = rng.choice([0.3, 0.45, 0.7], size=n_notes)
    fade = np.linspace(1, 0, 400, dtype=np.float32)
    parts = []
    for place, length in zip(places, lengths, strict=True):
        note = side[place][: int(length * notes.sr)].copy()
        note[-len(fade) :] *= fade
        parts.append(note)
        if rng.random() < 0.1:
            parts.append(np.zeros(notes.sr // 3, np.float32))
    return np.concatenate(parts)


for name, side in (("first", notes.source), ("second", notes.target)):
    (home / name).mkdir()
    write_audio(home / name / "tune.wav", played(side, 60), notes.sr)

# %%
# What is heard
# -------------
# The pitch is followed, notes are cut out, and each note of the first instrument gets the
# note of the second that is most like it. ``sktimbre pairs first/ second/ --rolls rolls/``
# prints the same, and draws the notes over the spectrogram.
from sktimbre.datasets import load_recordings

pairs = load_recordings(home / "first", home / "second")
low, high = min(pairs.pitches), max(pairs.pitches)
print(f"{len(pairs.source)} pairs, MIDI pitches {low} to {high}, of which")
print(f"{sum(pairs.transitions)} are transitions from a note to the next")
for recording in pairs.recordings:
    left_out = {
        k: f"{v:.1f} s" for k, v in recording["left_out"].items() if v >= 0.05
    }
    name = recording["file"].relative_to(home)
    print(
        f"{name}: {recording['seconds']:.0f} s, {recording['notes']} notes;",
        end=" ",
    )
    print(f"left out: {left_out or 'nothing'}")

# %%
# Train
# -----
# `DRAFT` trains for a first impression; leave it out for the default.
# ``sktimbre fit first/ second/ -o model.sktimbre --preset draft`` does the same.
from sktimbre import TimbreAutoencoder, TimbreTransfer
from sktimbre.autoencoder import DRAFT

network = TimbreAutoencoder(**DRAFT, validation_split=0, random_state=0)
model = TimbreTransfer(autoencoder=network, sr=pairs.sr)
model.fit(pairs.source, pairs.target, groups=pairs.pitches)

# %%
# Listen
# ------
# A melody on the first instrument that is in neither recording:
melody = np.concatenate([notes.source[i][:9000] for i in (0, 4, 7, 12, 7, 4, 0)])
Audio(melody, rate=notes.sr, normalize=False)

# %%
# The same, converted:
converted = model.predict([melody])[0]
Audio(np.clip(converted, -1, 1), rate=notes.sr, normalize=False)

# %%
# The same melody on the second instrument, for comparison:
truth = np.concatenate([notes.target[i][:9000] for i in (0, 4, 7, 12, 7, 4, 0)])
Audio(truth, rate=notes.sr, normalize=False)

# %%
# The error beside that of the unchanged melody, after both are analysed:
from sktimbre.metrics import log_spectral_distance

unchanged = log_spectral_distance(truth[np.newaxis], melody[np.newaxis])
distance = log_spectral_distance(truth[np.newaxis], converted[np.newaxis])
print(f"log-spectral distance {distance:.1f} dB, unchanged {unchanged:.1f} dB")

# %%
work.cleanup()

"""
From a sample library to a model
================================

Libraries name their files in ways of their own. See what is read and heard, then train.
"""

# %%
# Two libraries
# -------------
# This example first writes two small libraries. The first counts octaves one lower than
# usual, and one of its names is wrong; the second has MIDI numbers, two velocities and a
# silent file.
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import Audio

from sktimbre.audio import write_audio
from sktimbre.datasets import make_paired_notes, name_of_pitch

work = tempfile.TemporaryDirectory()
home = Path(work.name)
(home / "Flute").mkdir()
(home / "clarinet").mkdir()
notes = make_paired_notes(16, duration=0.8, random_state=0)
for i, pitch in enumerate(notes.pitches):
    octave_lower = name_of_pitch(pitch - 12 if i != 5 else pitch + 11)
    file = home / "Flute" / f"Flute_nv_{octave_lower}_mic1.wav"
    write_audio(file, notes.source[i], notes.sr)
    for velocity, gain in ((60, 0.3), (120, 1.0)):
        file = home / "clarinet" / f"CL_{pitch:03d}_v{velocity}.wav"
        write_audio(file, gain * notes.target[i], notes.sr)
silence = np.zeros(notes.sr, np.float32)
write_audio(home / "clarinet" / "CL_090_v60.wav", silence, notes.sr)

# %%
# What is read and heard
# ----------------------
# `pair_files` shows the pairs before any training; ``sktimbre pairs Flute/ clarinet/``
# prints the same as a table. Every pitch is compared with the sound: the octave
# is put right for all files, the wrong name and the silent file are left out by name.
import warnings

from sktimbre.datasets import pair_files

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    pairs = pair_files(home / "Flute", home / "clarinet")
for warning in caught:
    print(str(warning.message).replace(f"{home}/", ""))
for note in pairs.source_notes[:8]:
    print(
        f"{note.file.name:24} written {note.written} heard {note.heard:.1f}",
        end=" ",
    )
    print(f"with {note.partner.file.name}" if note.partner else note.reason)

# %%
# Train
# -----
# `DRAFT` trains for a first impression; leave it out for the default.
# ``sktimbre fit Flute/ clarinet/ -o model.sktimbre --preset draft`` does the same.
from sktimbre import TimbreAutoencoder, TimbreTransfer
from sktimbre.autoencoder import DRAFT
from sktimbre.datasets import load_paired_notes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    loaded = load_paired_notes(home / "Flute", home / "clarinet", duration=0.8)
network = TimbreAutoencoder(**DRAFT, validation_split=0, random_state=0)
model = TimbreTransfer(autoencoder=network, sr=loaded.sr)
model.fit(loaded.source, loaded.target)

# %%
# Listen
# ------
# A melody on the first instrument:
melody = np.concatenate([notes.source[i][:9000] for i in (0, 4, 7, 12, 7, 4, 0)])
Audio(melody, rate=notes.sr, normalize=False)

# %%
# The same, converted:
converted = model.predict([melody])[0]
Audio(np.clip(converted, -1, 1), rate=notes.sr, normalize=False)

# %%
work.cleanup()

"""
Converting a folder of recordings
=================================

Train a model on folders of notes, save it, and convert a folder of recordings of any length.
"""

# %%
# Folders of notes
# ----------------
# Each note is a sound file with the pitch in its name: ``flute.C4.wav``, ``A4.flac``,
# ``clarinet-61.wav``. This example writes two such folders first.
import tempfile
from pathlib import Path

import numpy as np

from sktimbre.audio import write_audio
from sktimbre.datasets import load_paired_notes, make_paired_notes

work = tempfile.TemporaryDirectory()
home = Path(work.name)
notes = make_paired_notes(9, duration=0.5)
for side, files, sounds in (
    ("flute", notes.source_files, notes.source),
    ("clarinet", notes.target_files, notes.target),
):
    (home / side).mkdir()
    for file, sound in zip(files, sounds, strict=True):
        write_audio(home / side / file.name, sound, notes.sr)
print(*sorted(path.name for path in (home / "flute").iterdir())[:4], "...")

# %%
# Train and save
# --------------
# `load_paired_notes` resamples all notes to one sample rate, cuts what is before
# each onset and pairs the notes by pitch. It lists unpaired files in
# ``unpaired_source`` and ``unpaired_target``.
import sktimbre
from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer

pairs = load_paired_notes(home / "flute", home / "clarinet", duration=0.5)
network = TimbreAutoencoder(
    filters=8, epochs=10, validation_split=0, random_state=0
)
model = TimbreTransfer(
    stft=LogSTFT(n_fft=512), autoencoder=network, sr=pairs.sr
).fit(pairs.source, pairs.target)
path = sktimbre.save(model, home / "flute2clarinet.sktimbre")
print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")

# %%
# Recordings
# ----------
# Two melodies; one of them is in stereo and has another sample rate than the model.
recordings = home / "recordings"
recordings.mkdir()
melody = np.concatenate(list(notes.source[[0, 4, 2, 8]]))
write_audio(recordings / "melody.wav", melody, notes.sr)
write_audio(
    recordings / "stereo.flac", np.stack([melody[::2], melody[::2]]), notes.sr // 2
)

# %%
# Convert
# -------
# `AudioReader` reads blocks at the model's sample rate, ``predict_blocks`` converts them
# with a phase that is continuous from block to block, and `AudioWriter` writes them. The
# memory needed does not depend on the length of the recording. A file appears under its
# name only when it is complete.
from sktimbre.audio import AudioReader, AudioWriter

model = sktimbre.load(path)
converted = home / "converted"
converted.mkdir()
for file in sorted(recordings.iterdir()):
    reader = AudioReader(file, sr=int(model.sr), mono=True)
    with (
        reader,
        AudioWriter(converted / f"{file.stem}.wav", int(model.sr)) as writer,
    ):
        for block in model.predict_blocks(block[0] for block in reader):
            writer.write(block)
    print(f"{file.name}: {writer.n_frames / writer.sr:.2f} s at {writer.sr} Hz")

# %%
# The same on the command line:
#
# .. code-block:: text
#
#    sktimbre fit flute/ clarinet/ -o flute2clarinet.sktimbre
#    sktimbre convert flute2clarinet.sktimbre recordings/ -o converted/
#
# The command converts each channel of a recording separately.
from sktimbre.audio import read_audio
from sktimbre.plotting import SpectrogramDisplay

sound, rate = read_audio(converted / "melody.wav")
work.cleanup()
display = SpectrogramDisplay.from_predictions(
    np.stack([melody, sound]), sr=rate, names=["melody.wav", "converted"]
)

# %%
from IPython.display import Audio

Audio(sound, rate=rate, normalize=False)

"""
Converting a folder of recordings
=================================

From folders of notes to a model in a file, and from there to a folder of converted recordings of any length.
"""

# %%
# Folders of notes
# ----------------
# One sound file a note, its pitch in its name: ``flute.C4.wav``, ``A4.flac``,
# ``clarinet-61.wav``. The folders are written here, so that the example has something
# to read.
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
# `load_paired_notes` brings all to one sample rate, cuts the silence before each
# onset and pairs the notes by pitch. What found no partner is named in
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
# Two melodies, one of them in stereo and at another sample rate than the model's.
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
# `AudioReader` reads blocks at the model's rate, ``predict_blocks`` converts them
# with a phase that runs on from block to block, and `AudioWriter` writes. Memory
# stays the same however long the recording is. A file appears under its name only
# when it is complete.
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
# On the command line the same is
#
# .. code-block:: text
#
#    sktimbre fit flute/ clarinet/ -o flute2clarinet.sktimbre
#    sktimbre convert flute2clarinet.sktimbre recordings/ -o converted/
#
# where every channel of a recording is converted by itself.
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

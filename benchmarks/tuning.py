"""How far tuning limits a transfer: neighbouring notes of the target, averaged where the source says and where the target is.

Nothing is trained. For each held-out note, the targets of neighbouring training notes are transposed and averaged as
`PairAugmenter` does it: to the pitch of the source, which is all that a transfer can know, and to the pitch that the held-out
note of the target really has. The difference between the two errors is the players' tuning, which nobody can foretell.
"""

import numpy as np
from _common import parser, print_table, real_pairs, versions, write_json

from sktimbre import LogSTFT
from sktimbre.autoencoder import PairAugmenter
from sktimbre.autoencoder.augmentation import transposed
from sktimbre.autoencoder.pitch import pitch_in_bins, shared_pitch
from sktimbre.metrics import log_spectral_distance, reconstruction_error


def averaged(T, pitches, wanted, reach):
    """Return the mean of notes within ``reach`` semitones of the wanted pitch, transposed to it, nearer ones more."""
    nearness = np.nan_to_num(np.maximum(0, 1 - np.abs(pitches - wanted) / reach))
    near = np.flatnonzero(nearness)
    notes = [nearness[i] * transposed(T[i], 2 ** ((wanted - pitches[i]) / 12)) for i in near]
    return np.sum(notes, axis=0, dtype=np.float32) / nearness.sum()


def main():
    p = parser(__doc__, "tuning.json")
    args = p.parse_args()
    rows = []
    for source, target in (("flute", "clarinet"), ("clarinet", "flute")):
        notes, held_out = real_pairs(source, target)
        stft = LogSTFT()
        S, T = stft.transform(notes.source), stft.transform(notes.target)
        of_pairs = 12 * np.log2([shared_pitch(*pair) for pair in zip(S, T, strict=True)])
        of_targets = np.where(np.isnan(of_pairs), np.nan, 12 * np.log2([pitch_in_bins(t) for t in T]))
        identity = reconstruction_error(T[held_out], S[held_out])
        off = 100 * (of_targets - of_pairs)
        for reach in (1.2, 2.5, PairAugmenter().smoothing, 5.0):
            for name, pitches in (("the source's", of_pairs), ("the target's own", of_targets)):
                predicted = np.stack(
                    [averaged(T[~held_out], pitches[~held_out], pitches[i], reach) for i in np.flatnonzero(held_out)]
                )
                rows.append(
                    {
                        "direction": f"{source} to {target}",
                        "semitones": reach,
                        "brought to the pitch of": name,
                        "error": (error := reconstruction_error(T[held_out], predicted)),
                        "/ identity": error / identity,
                        "LSD dB": log_spectral_distance(T[held_out], predicted),
                        "target above source, cents": f"{np.nanmean(off):.0f} +- {np.nanstd(off):.0f}",
                    }
                )
    print_table("mean of neighbouring targets on the held-out notes", rows)
    write_json(args.output, {"versions": versions(), "rows": rows})


if __name__ == "__main__":
    main()

"""How far tuning limits a transfer: neighbouring notes of the target, averaged where the source says and where the target is.

Nothing is trained. For each held-out note that has a pitch, the targets of neighbouring training notes are transposed and
averaged: by what lies between the sources; as `PairAugmenter` does it, each from its own pitch to where its neighbours are
tuned in the mean, so that partials fall together; and to the pitch that the held-out note really has. What the last gains is
the players' tuning, which nobody can foretell.
"""

import numpy as np
from _common import folds, parser, print_table, real_pairs, versions, write_json
from _judging import while_both_sound

from sktimbre import LogSTFT
from sktimbre.autoencoder import PairAugmenter
from sktimbre.autoencoder.data.pitch import pair_pitches
from sktimbre.metrics import log_spectral_distance, reconstruction_error
from sktimbre.spectral.log_magnitudes import transposed

WAYS = "as the sources", "to the mean tuning", "to the target's pitch"


def averaged(T, sources, own, wanted, reach, way, target):
    """Return the mean of notes whose sources are within ``reach`` semitones of the wanted pitch, nearer ones more.

    Parameters
    ----------
    T : ndarray of shape (n_notes, n_frequencies, n_frames)
        Targets.
    sources, own : ndarray of shape (n_notes,)
        Pitches of the pairs, and of the targets themselves, in semitones.
    wanted, target : float
        Pitch of the held-out source, and of its target.
    """
    nearness = np.nan_to_num(np.maximum(0, 1 - np.abs(sources - wanted) / reach))
    weights, near = nearness / nearness.sum(), np.flatnonzero(nearness)
    if way == WAYS[0]:
        shifts = wanted - sources
    else:
        tuning = np.sum(weights[near] * (own - sources)[near])
        shifts = (target if way == WAYS[2] else wanted + tuning) - own
    return np.sum([weights[i] * transposed(T[i], 2 ** (shifts[i] / 12)) for i in near], axis=0, dtype=np.float32)


def main():
    p = parser(__doc__, "tuning.json")
    p.add_argument("--folds", choices=("fixed", "5"), default="fixed", help="held-out pitches, as in timbre.py")
    args = p.parse_args()
    rows = []
    for source, target in (("flute", "clarinet"), ("clarinet", "flute")):
        notes, _ = real_pairs(source, target)
        stft = LogSTFT()
        S, T = stft.transform(notes.source), stft.transform(notes.target)
        of_pairs, own = 12 * np.log2([pair_pitches(*pair) for pair in zip(S, T, strict=True)]).T
        off = 100 * (own - of_pairs)
        judged = [
            (i, ~held_out)
            for held_out in folds(notes.pitches, args.folds).values()
            for i in np.flatnonzero(held_out & ~np.isnan(of_pairs))
        ]
        which = [i for i, _ in judged]
        identity = reconstruction_error(T[which], S[which])
        S_both, T_both, _ = while_both_sound(S[which], T[which], S[which])
        identity_both = reconstruction_error(T_both, S_both)
        for reach in (2.5, PairAugmenter().smoothing, 5.0):
            for way in WAYS:
                predicted = np.stack(
                    [averaged(T[of], of_pairs[of], own[of], of_pairs[i], reach, way, own[i]) for i, of in judged]
                )
                *_, both = while_both_sound(S[which], T[which], predicted)
                rows.append(
                    {
                        "direction": f"{source} to {target}",
                        "semitones": reach,
                        "transposed": way,
                        "error": (error := reconstruction_error(T[which], predicted)),
                        "/ identity": error / identity,
                        "LSD dB": log_spectral_distance(T[which], predicted),
                        "error, both sound": (error_both := reconstruction_error(T_both, both)),
                        "/ identity, both sound": error_both / identity_both,
                        "LSD dB, both sound": log_spectral_distance(T_both, both),
                        "target above source, cents": f"{np.nanmean(off):.0f} +- {np.nanstd(off):.0f}",
                    }
                )
    print_table(f"mean of neighbouring targets on the held-out notes ({args.folds})", rows)
    write_json(args.output, {"versions": versions(), "folds": args.folds, "rows": rows})


if __name__ == "__main__":
    main()

"""Limit that tuning sets to a transfer: errors of averaged neighbouring target notes, transposed in three ways.

Nothing is trained. For each held-out note that has a pitch, the targets of neighbouring training notes are transposed and
averaged: by the interval of the sources; as in `PairAugmenter`, each from its own pitch to the mean tuning of its
neighbours, so that partials coincide; and to the true pitch of the held-out target. The gain of the last way is due to the
players' tuning, which no model can predict.
"""

import numpy as np
from _common import folds, parser, print_table, real_pairs, versions, write_json
from _judging import while_both_sound

from sktimbre import LogSTFT
from sktimbre.autoencoder.data.augmentation import SMOOTHING
from sktimbre.autoencoder.data.pitch import pair_pitches
from sktimbre.metrics import log_spectral_distance, reconstruction_error
from sktimbre.spectral.log_magnitudes import transposed

WAYS = "as the sources", "to the mean tuning", "to the target's pitch"


def averaged(T, sources, own, wanted, reach, way, target):
    """Return the weighted mean of transposed targets whose sources are within ``reach`` semitones of the wanted pitch.

    Parameters
    ----------
    T : ndarray of shape (n_notes, n_frequencies, n_frames)
        Spectra of the targets.
    sources, own : ndarray of shape (n_notes,)
        Pitches of the sources and of the targets, in semitones.
    wanted, target : float
        Pitches of the held-out source and of its target.
    reach : float
        Distance in semitones at which the weights, which fall linearly, become zero.
    way : str
        One of `WAYS`.
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
        for reach in (SMOOTHING, 2.5, 3.5, 5.0):
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

"""What the settings of a conversion do to error, pitch and level: transpose, amount, mix and keep_noise.

A model of rendered single notes, flute to clarinet, as `performances.py` trains and stores it.

- transpose: single notes of the flute are converted at another pitch, and compared with the clarinet's note of that pitch.
  Beside it, the same by stretching the frequency axis of the spectra, and the flute's own note of that pitch converted without
  transposition, which is about the least error possible. Errors are relative to that note unconverted.
- amount, mix, keep_noise: two melodies; level beside the source's, the error to the spectra of the source relative to that of
  the whole conversion, the level between partials beside the source's, and the cents from the source.
"""

import librosa
import numpy as np
from _common import notes_folder, parser, print_table, versions, write_json
from _models import checkpoints_in
from performances import fluctuation, performances, single_notes, trained

from sktimbre import LogSTFT
from sktimbre.metrics import f0_error
from sktimbre.spectral.log_magnitudes import transposed
from sktimbre.transfer.transposing import ratio_of

SR = 22050
INTERVALS = (-12, -7, -3, 3, 7, 12)
SETTINGS = ({}, {"amount": 0.0}, {"amount": 0.5}, {"mix": 0.5}, {"mix": 0.5, "phase": "estimate"}, {"keep_noise": 1.0})
USUAL = {"amount": 1.0, "mix": 1.0, "keep_noise": 0.0, "transpose": 0.0}


def transpositions(model, notes):
    """Return a row for each interval."""
    stft, rows = LogSTFT(), []
    spectra = {
        int(p): [stft.transform(side[np.newaxis])[0] for side in (x, y)]
        for p, x, y in zip(notes.pitches, notes.source, notes.target, strict=True)
    }
    for semitones in INTERVALS:
        errors = {"identity": 0.0, "transpose": 0.0, "stretched": 0.0, "own note": 0.0}
        levels, cents = [], []
        for pitch, x in zip(notes.pitches, notes.source, strict=True):
            if int(pitch) + semitones not in spectra:
                continue
            own, T = spectra[int(pitch) + semitones]
            converted = {"identity": own}
            (S,) = model.set_params(**USUAL).stft_.transform(x[np.newaxis])
            for name, source in (("stretched", transposed(S, ratio_of(semitones))), ("own note", own)):
                (converted[name],) = model._conversion.converted([source])
            model.set_params(transpose=semitones)
            (converted["transpose"],) = model.predict_spectra(x[np.newaxis])
            n = min(S.shape[1] for S in (T, *converted.values()))
            for name, P in converted.items():
                errors[name] += float(np.sum((P[:, :n] - T[:, :n]) ** 2))
            powers = [np.sum(np.expm1(P[:, :n]) ** 2) for P in (converted["transpose"], T)]
            levels.append(10 * np.log10(powers[0] / powers[1]))
            audio = model.predict(x[np.newaxis])
            f0 = 440 * 2 ** ((pitch + semitones - 69) / 12)
            found = librosa.yin(audio[0, : 2 * SR], fmin=0.7 * f0, fmax=1.4 * f0, sr=SR, frame_length=4096)
            source = librosa.yin(
                x[: 2 * SR], fmin=0.7 * f0 / ratio_of(semitones), fmax=1.4 * f0 / ratio_of(semitones), sr=SR
            )
            cents.append(1200 * np.log2(np.median(found) / np.median(source)) - 100 * semitones)
        rows.append(
            {
                "semitones": semitones,
                **{name: error / errors["identity"] for name, error in errors.items() if name != "identity"},
                "level dB": float(np.mean(levels)),
                "cents, median": float(np.median(np.abs(cents))),
            }
        )
    return rows


def settings_rows(model, played):
    """Return a row for each setting."""
    stft, rows = LogSTFT(), []
    sources = [x for _, x, *_ in played]
    whole = None
    for given in SETTINGS:
        model.set_params(**{**USUAL, "phase": "estimate", **given})
        if given.get("phase") == "estimate":  # without the phase of the source
            wet = [model.set_params(mix=1.0).predict(x[np.newaxis])[0] for x in sources]
            audio = [given["mix"] * y + (1 - given["mix"]) * x for x, y in zip(sources, wet, strict=True)]
        else:
            audio = [model.predict(x[np.newaxis])[0] for x in sources]
        spectra = [stft.transform(np.stack(pair)) for pair in zip(sources, audio, strict=True)]
        error = sum(float(np.sum((S - P) ** 2)) for S, P in spectra)
        whole = whole or error
        rows.append(
            {
                "setting": ", ".join(f"{name}={value}" for name, value in given.items()) or "defaults",
                "level dB": float(
                    np.mean([10 * np.log10(np.mean(y**2) / np.mean(x**2)) for x, y in zip(sources, audio, strict=True)])
                ),
                "error to the source": error / whole,
                "fluctuation dB": fluctuation([P for _, P in spectra], played, stft, SR),
                "cents, median": f0_error(sources, audio, sr=SR, fmin=100, statistic="median"),
            }
        )
    return rows


def main():
    args = parser(__doc__, "conversion.json").parse_args()
    gm = notes_folder().parent / "gm"
    notes = single_notes(gm, "flute", "clarinet", SR)
    model, _ = trained(notes, 0, checkpoints_in(args.output.parent))
    tables = {
        "Transpositions: errors relative to the unconverted note of that pitch": transpositions(model, notes),
        "Two melodies": settings_rows(model, performances(gm, "flute", "clarinet", "melody", SR)[:2]),
    }
    for title, rows in tables.items():
        print_table(title, rows)
    write_json(args.output, {"tables": tables, "versions": versions()})


if __name__ == "__main__":
    main()

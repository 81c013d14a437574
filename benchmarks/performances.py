"""Models of single notes on performances: melodies and chorales whose other rendition is the truth.

For each pair of rendered instruments the default model is trained on all single notes that both have, and converts six
melodies and two four-part chorales. The target's rendition of the same MIDI has the same notes, tuning and timing. Printed are
the reconstruction error beside that of identity and the log-spectral distance, in all, around onsets, after ends and elsewhere
(by the score); for melodies the pitch of the output beside the source's. The notes of the instruments are tuned alike but for
some cents, and models keep the source's pitch: the truth is therefore transposed to it, by the mean interval of the training
pairs. Rows:

- identity: the source itself.
- per-bin linear, spectral envelope, mosaic: baselines without a network, fitted to the same notes.
- ours: the default model; with --seeds the mean over several.
- sampler: the target's own notes at the onsets and ends of the score, about the least error that single notes allow.
- target: the truth, beside which the columns of what is heard stand.

What is heard of the audio: its level beside the source's (median over the frames within 30 dB of the loudest, and 90th
percentile of the distance from this median), and for melodies the fluctuation of noise, the root mean square of the change of
level from frame to frame half-way between partials in the middle of notes, divided by the square root of 2; independent frames
of noise have 5.6 dB.

"Between partials" is the level of what lies between the partials of all notes from 2 to 8 kHz, beside that of the truth.

--sr 44100 trains at full band. Errors and distances are then those below 11 kHz, at the scale of 22050 Hz, so that they can be
compared, and the distance above 11 kHz is a further column.

Trained networks are stored beside the results and reused, with the conversion of today; delete them after a change of the
training.
"""

import json
import time
from functools import lru_cache

import joblib
import numpy as np
from _common import notes_folder, parser, print_table, read_json, versions, write_json
from _models import checkpoints_in

import sktimbre
from sktimbre import LogSTFT, TimbreAutoencoder, TimbreTransfer
from sktimbre.audio import read_audio, resample
from sktimbre.autoencoder import PRESETS, PairAugmenter
from sktimbre.autoencoder.data.pitch import pair_pitches
from sktimbre.baselines import MosaicBaseline, PerBinLinearBaseline, SpectralEnvelopeBaseline
from sktimbre.datasets import load_notes, load_paired_notes
from sktimbre.metrics import f0_error, log_spectral_distance
from sktimbre.spectral.geometry import usual_n_fft
from sktimbre.spectral.log_magnitudes import transposed

PAIRS = (("flute", "clarinet"), ("guitar", "piano"), ("violin", "trumpet"))
KINDS = ("melody", "chorale")
NARROW = 22050
# Seconds around an onset that are "onset", and after an end that are "end".
BEFORE, AFTER_ONSET, AFTER_END = 0.03, 0.07, 0.12
REGIONS = ("onsets", "ends", "between")
VELOCITY = 100  # of the single notes
CONVERSION = ("phase", "loudness", "noise")  # settings that do not change the network
HELD = 2.0  # seconds from the onset of a single note to its end
CROSSFADE = 0.01  # seconds
# The middle of a note begins so many seconds after its onset and ends so many before its end.
AFTER_ATTACK, BEFORE_END = 0.15, 0.05
# Between partials: at least so many bins from each, in this band in Hz; seconds that a note may ring on.
NEAR_PARTIAL, BAND, RINGS = 2.5, (2000, 8000), 0.3
LEAST_SPACING = 10  # bins between partials, whose lobes are four bins wide


def performances(gm, source, target, kind, sr):
    """Return performances of both instruments: name, source, target and score."""
    scores = json.loads((gm / "scores.json").read_text())
    found = []
    for name in sorted(name for name in scores if name.startswith(f"{kind}/")):
        x, y = (read_audio(gm / side / f"{name}.flac", sr)[0] for side in (source, target))
        n = min(len(x), len(y))
        found.append((name, x[:n], y[:n], np.array(scores[name])))
    return found


@lru_cache(maxsize=1)
def single_notes(gm, source, target, sr):
    return load_paired_notes(gm / source / "notes", gm / target / "notes", sr=sr)


def regions_of(score, n_frames, stft, sr):
    """Return the region of each frame, as an index into `REGIONS`."""
    at = np.arange(n_frames)[:, np.newaxis] * stft.geometry.hop / sr
    region = np.full(n_frames, REGIONS.index("between"))
    ends, onsets = score[:, 1], score[:, 0]
    region[((at >= ends - BEFORE) & (at < ends + AFTER_END)).any(axis=1)] = REGIONS.index("ends")
    region[((at >= onsets - BEFORE) & (at < onsets + AFTER_ONSET)).any(axis=1)] = REGIONS.index("onsets")
    return region


def sampled(gm, target, score, n_samples, sr):
    """Play the notes of the target at the onsets, ends and velocities of a score."""
    notes = load_notes(gm / target / "notes", sr=sr)
    target_notes, pitches = notes.audio, notes.pitches
    y = np.zeros(n_samples + 10 * sr, np.float32)
    for onset, end, pitch, velocity in score:
        nearest = int(np.argmin(np.abs(pitches - pitch)))
        note = target_notes[nearest]
        if pitches[nearest] != pitch:
            note = resample(note, round(sr * 2 ** ((pitch - pitches[nearest]) / 12)), sr)
        held, fade = round((end - onset) * sr), round(CROSSFADE * sr)
        # At its end the note jumps to its own release, which follows two seconds after its onset.
        release = note[round(HELD * sr) :]
        body = note[: held + fade].copy()
        ramp = np.linspace(1, 0, min(fade, len(body)), dtype=np.float32)
        body[-len(ramp) :] *= ramp
        before, after = (
            np.sqrt(np.mean(part**2)) if len(part) else 0.0 for part in (body[-sr // 10 : -fade], release[: sr // 20])
        )
        release = release * np.float32(min(1.0, before / after) if after else 0)
        release[:fade] *= np.linspace(0, 1, len(release[:fade]), dtype=np.float32)
        gain = np.float32((velocity / VELOCITY) ** 2)
        start = round(onset * sr)
        y[start : start + len(body)] += gain * body
        y[start + held : start + held + len(release)] += gain * release
    return y[:n_samples]


def at_level(predicted, truth):
    """Return audio at the RMS level of another."""
    return predicted * np.float32(np.sqrt(np.mean(truth**2) / max(np.mean(predicted**2), 1e-12)))


def trained(notes, seed, folder, **params):
    """Return a model of single notes and the seconds of its training."""
    network = TimbreAutoencoder(validation_split=0, random_state=seed, **params)
    data = [len(x) for x in notes.source], float(sum(np.abs(t).sum(dtype=float) for t in notes.target)), notes.sr
    key = joblib.hash((sorted(network.get_params().items()), PairAugmenter().get_params(), data))
    path = folder / f"performances_{key}.sktimbre"
    seconds = path.with_suffix(".json")
    if not path.exists():
        model = TimbreTransfer(autoencoder=network, sr=notes.sr)
        start = time.perf_counter()
        model.fit(notes.source, notes.target, groups=notes.pitches)
        write_json(seconds, {"seconds": time.perf_counter() - start})
        sktimbre.save(model, path, overwrite=True)
    # A stored model may be older than a setting of the conversion.
    model = sktimbre.load(path).set_params(**{name: TimbreTransfer().get_params()[name] for name in CONVERSION})
    return model, read_json(seconds)["seconds"]


def interval_of(S, T):
    """Return the mean interval from targets to sources, a ratio of frequencies; both are spectra."""
    pitches = np.array([pair_pitches(*pair) for pair in zip(S, T, strict=True)])
    return float(np.exp(np.nanmean(np.log(pitches[:, 0] / pitches[:, 1]))))


def narrow(S, sr):
    """Return spectra below 11 kHz, at the scale that they have at 22050 Hz."""
    if sr == NARROW:
        return S
    return np.log1p(np.expm1(S[: S.shape[0] * NARROW // sr + 1]) * NARROW / sr)


def distance_above(T, S, sr):
    """Return the log-spectral distance above 11 kHz, down to 80 dB below the loudest bin of all."""
    first = T.shape[0] * NARROW // sr + 1
    magnitudes = [np.maximum(np.expm1(side), np.expm1(T.max()) * 1e-4) for side in (T, S)]
    decibels = 20 * np.log10(magnitudes[1][first:] / magnitudes[0][first:])
    return float(np.mean(np.sqrt(np.mean(decibels**2, axis=0))))


def row_of(name, converted, played, stft, sr, interval=1.0, **more):
    """Return a row: errors of converted spectra beside identity's, against the truth transposed by an interval."""
    own, identity, distances, each, above = np.zeros(len(REGIONS)), np.zeros(len(REGIONS)), [], [], []
    noise = np.zeros(2)
    for S, (_, x, y, score) in zip(converted, played, strict=True):
        X, T = (stft.transform(side[np.newaxis])[0] for side in (x, y))
        T = transposed(T, interval)
        if sr > NARROW:
            above.append(distance_above(T, S, sr))
        X, T, S = (narrow(side, sr) for side in (X, T, S))
        region = regions_of(score, T.shape[1], stft, sr)
        for r in range(len(REGIONS)):
            own[r] += np.sum((S - T)[:, region == r] ** 2)
            identity[r] += np.sum((X - T)[:, region == r] ** 2)
        between = between_partials(score, T.shape, stft, sr)
        noise += [np.sum(np.expm1(side)[between] ** 2) for side in (S, T)]
        distances.append(log_spectral_distance(T[np.newaxis], S[np.newaxis]))
        each.append(np.sum((S - T) ** 2) / np.sum((X - T) ** 2))
    return {
        "row": name,
        "/ identity": own.sum() / identity.sum(),
        **{
            f"at {region}" if region != "between" else region: ratio
            for region, ratio in zip(REGIONS, own / identity, strict=True)
        },
        "LSD dB": float(np.mean(distances)),
        **({"LSD dB above 11 kHz": float(np.mean(above))} if above else {}),
        "between partials dB": float(10 * np.log10(noise[0] / noise[1])),
        "worst": max(each),
        **more,
    }


def between_partials(score, shape, stft, sr):
    """Return a mask of the bins from 2 to 8 kHz beside all partials of the notes of a score, in the middle of notes."""
    hertz, seconds = np.arange(shape[0]) * sr / stft.geometry.n_fft, np.arange(shape[1]) * stft.geometry.hop / sr
    beside, sounding = np.ones(shape, bool), np.zeros(shape[1], bool)
    for onset, end, pitch, _ in score:
        # A note may ring on after its end.
        lasts = (seconds >= onset - BEFORE) & (seconds <= end + RINGS)
        sounding |= (seconds >= onset + AFTER_ATTACK) & (seconds <= end - BEFORE_END)
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        away = np.abs(hertz - np.maximum(np.round(hertz / f0), 1) * f0)
        beside[np.ix_(away < NEAR_PARTIAL * sr / stft.geometry.n_fft, lasts)] = False
    return beside & sounding & ((hertz >= BAND[0]) & (hertz < BAND[1]))[:, np.newaxis]


def fluctuation(spectra, played, stft, sr):
    """Return the fluctuation of noise between partials in dB."""
    squares = []
    for S, (*_, score) in zip(spectra, played, strict=True):
        decibels = 20 * np.log10(np.maximum(np.expm1(S), 1e-4))
        frames_per_second, bins_per_hertz = sr / stft.geometry.hop, (len(S) - 1) / (sr / 2)
        for onset, end, pitch, _ in score:
            spacing = 440 * 2 ** ((pitch - 69) / 12) * bins_per_hertz
            first, last = round((onset + AFTER_ATTACK) * frames_per_second), int((end - BEFORE_END) * frames_per_second)
            if spacing >= LEAST_SPACING and last - first >= 3:
                between = np.round((np.arange(1, (len(S) - 1) / spacing - 1) + 0.5) * spacing).astype(int)
                squares.append(np.diff(decibels[between, first:last], axis=1).ravel() ** 2)
    return float(np.sqrt(np.mean(np.concatenate(squares)) / 2))


def heard(kind, audio, played, stft, sr):
    """Return the columns of what is heard."""
    spectra = [stft.transform(y[np.newaxis])[0] for y in audio]
    differences = []
    for S, (_, x, *_) in zip(spectra, played, strict=True):
        X = stft.transform(x[np.newaxis])[0]
        level, source = (10 * np.log10(np.sum(np.expm1(side) ** 2, axis=0) + 1e-9) for side in (S, X))
        differences.append((level - source)[source > source.max() - 30])
    differences = np.concatenate(differences)
    middle = float(np.median(differences))
    columns = {"level dB": middle, "level dB, p90": float(np.percentile(np.abs(differences - middle), 90))}
    return columns | ({"fluctuation dB": fluctuation(spectra, played, stft, sr)} if kind == "melody" else {})


def pitch_of(converted, played, sr):
    """Return how far the pitch of converted melodies is from the source's, in cents."""
    sources = [x for _, x, _, _ in played]
    return {
        f"cents, {name}": f0_error(sources, converted, sr=sr, fmin=100, statistic=name) for name in ("median", "p95")
    }


def study(gm, source, target, args):
    """Return the rows of both kinds of performance for a pair of instruments."""
    sr = args.sr
    notes = single_notes(gm, source, target, sr)
    stft = LogSTFT(n_fft=usual_n_fft(sr)).fit(notes.source)
    S, T = stft.transform(notes.source), stft.transform(notes.target)
    interval = interval_of(S, T)
    baselines = {
        "per-bin linear": PerBinLinearBaseline().fit(S, T),
        "spectral envelope": SpectralEnvelopeBaseline().fit(S, T),
        "mosaic": MosaicBaseline().fit(S, T),
    }
    params = (PRESETS[args.preset] if args.preset else {}) | ({"epochs": args.epochs} if args.epochs else {})
    models = [trained(notes, seed, checkpoints_in(args.output.parent), **params) for seed in range(args.seeds)]
    tables = {}
    for kind in args.kinds:
        played = performances(gm, source, target, kind, sr)
        X = [stft.transform(x[np.newaxis])[0] for _, x, _, _ in played]
        sides = [[row[side] for row in played] for side in (1, 2)]
        rows = [row_of("identity", X, played, stft, sr, interval, **heard(kind, sides[0], played, stft, sr))]
        rows += [row_of(name, model.predict(X), played, stft, sr, interval) for name, model in baselines.items()]
        found = []
        for model, seconds in models:
            start = time.perf_counter()
            audio = [model.predict(x[np.newaxis])[0] for _, x, _, _ in played]
            factor = (time.perf_counter() - start) / sum(len(x) / sr for _, x, _, _ in played)
            spectra = [model.predict_spectra(x[np.newaxis])[0] for _, x, _, _ in played]
            more = pitch_of(audio, played, sr) if kind == "melody" else {}
            more |= heard(kind, audio, played, stft, sr)
            more |= {"training, s": seconds, "real-time factor": factor}
            found.append(row_of("ours", spectra, played, stft, sr, interval, **more))
        rows.append({k: v if k == "row" else float(np.mean([row[k] for row in found])) for k, v in found[0].items()})
        played_by_sampler = [at_level(sampled(gm, target, score, len(y), sr), y) for _, _, y, score in played]
        by_sampler = [stft.transform(y[np.newaxis])[0] for y in played_by_sampler]
        rows.append(row_of("sampler", by_sampler, played, stft, sr))
        pitch = pitch_of(sides[1], played, sr) if kind == "melody" else {}
        rows.append({"row": "target", **heard(kind, sides[1], played, stft, sr), **pitch})
        columns = list(dict.fromkeys(name for row in rows for name in row))
        tables[kind] = [{name: row.get(name) for name in columns} for row in rows]
        print_table(f"{source} to {target}, {kind}", tables[kind])
    return tables


def main():
    p = parser(__doc__, "performances.json")
    p.add_argument("--pairs", nargs="+", metavar="SOURCE-TARGET", help="default: three pairs, both directions")
    p.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    p.add_argument("--sr", type=int, default=NARROW, help="sample rate of the models in Hz")
    p.add_argument("--seeds", type=int, default=1)
    p.add_argument("--preset", choices=PRESETS, help="parameters of the training, if not the defaults")
    p.add_argument("--epochs", type=int, help="epochs of the training, if not the default")
    args = p.parse_args()
    gm = notes_folder().parent / "gm"
    results = read_json(args.output)
    both = [f"{a}-{b}" for a, b in PAIRS] + [f"{b}-{a}" for a, b in PAIRS]
    for pair in args.pairs or both:
        at = pair if args.sr == NARROW else f"{pair} at {args.sr} Hz"
        at += f", {args.preset}" if args.preset else ""
        at += f", {args.epochs} epochs" if args.epochs else ""
        results[at] = {"tables": study(gm, *pair.split("-"), args), "seeds": args.seeds, "versions": versions()}
        write_json(args.output, results)


if __name__ == "__main__":
    main()

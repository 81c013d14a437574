"""Error and speed of live conversion by latency, beside the conversion of whole recordings.

A default model of single notes converts melodies whose rendition by the target is the truth (see ``performances.py``, whose
trained models are used). Errors are those of the spectra of the output audio, relative to identity; levels are those of the
output beside the whole recording's.
"""

import time

import numpy as np
from _common import notes_folder, parser, print_table, read_json, versions, write_json
from _models import checkpoints_in
from performances import PAIRS, interval_of, performances, single_notes, trained

from sktimbre import LogSTFT
from sktimbre.spectral.log_magnitudes import transposed
from sktimbre.transfer.pieces import live_steps

SR = 22050
SECONDS = 10  # of each melody
LATENCIES = (0.047, 0.07, 0.095, 0.12, 0.165, 0.25, 0.4)


def study(gm, source, target, output):
    notes = single_notes(gm, source, target, SR)
    stft = LogSTFT().fit(notes.source)
    interval = interval_of(stft.transform(notes.source), stft.transform(notes.target))
    model, _ = trained(notes, 0, checkpoints_in(output.parent))
    played = [(x[: SECONDS * SR], y[: SECONDS * SR]) for _, x, y, _ in performances(gm, source, target, "melody", SR)]
    truths = [transposed(stft.transform(y[np.newaxis])[0], interval) for _, y in played]
    conversion = model._conversion

    def error_of(audio):
        spectra = (stft.transform(y[np.newaxis])[0] for y in audio)
        return sum(float(np.sum((S - T) ** 2)) for S, T in zip(spectra, truths, strict=True))

    def level_of(audio):
        return np.mean([10 * np.log10(np.mean(y**2)) for y in audio])

    identity, whole = error_of(x for x, _ in played), None
    rows = []
    for latency in (None, *LATENCIES):
        steps = live_steps(latency, SR, stft.geometry, conversion.reach) if latency else None
        start = time.perf_counter()
        audio = [
            np.concatenate(list(model.predict_blocks(np.split(x, range(512, len(x), 512)), latency=latency)))
            for x, _ in played
        ]
        seconds = (time.perf_counter() - start) / sum(len(x) / SR for x, _ in played)
        whole = level_of(audio) if whole is None else whole
        rows.append(
            {
                "latency, ms": 1000 * steps.latency(stft.geometry) / SR if steps else None,
                "frames after": steps.after if steps else None,
                "frames a step": steps.step if steps else None,
                "/ identity": error_of(audio) / identity,
                "level dB": level_of(audio) - whole,
                "real-time factor": seconds,
            }
        )
    return rows


def main():
    p = parser(__doc__, "latency.json")
    p.add_argument("--pairs", nargs="+", metavar="SOURCE-TARGET", default=["-".join(pair) for pair in PAIRS])
    args = p.parse_args()
    gm = notes_folder().parent / "gm"
    results = read_json(args.output)
    for pair in args.pairs:
        rows = study(gm, *pair.split("-"), args.output)
        print_table(f"{pair}, melodies", rows)
        results[pair] = {"rows": rows, "versions": versions()}
        write_json(args.output, results)


if __name__ == "__main__":
    main()

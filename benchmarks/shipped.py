"""Judge a model on rendered performances and put it, with its card, among the models that come with the package.

`sktimbre fit` trains the models; the card has the command. The model converts six melodies and two chorales, rendered on each
of its sources, and is compared with the same performances rendered on the target. Errors are those below 11 kHz, relative to
identity, with the truth at the pitch of the source as in `performances.py`. Weights are stored in half precision; the error
with all digits is printed beside.

    python benchmarks/shipped.py MODEL TARGET SOURCE... [--write]
"""

import json
from pathlib import Path

import numpy as np
from _common import notes_folder, parser, print_table, versions, write_json
from performances import KINDS, interval_of, performances, row_of, single_notes

import sktimbre
from sktimbre import LogSTFT, models
from sktimbre.cli.comparison import trained_on
from sktimbre.spectral.geometry import usual_n_fft

RENDERED = {
    "name": "FluidR3 GM, rendered single notes",
    "licence": "MIT",
    "url": "https://packages.debian.org/sid/fluid-soundfont-gm",
}
IOWA = {
    "name": "Musical Instrument Samples, University of Iowa Electronic Music Studios",
    "licence": "free for any use",
    "url": "https://theremin.music.uiowa.edu/MIS.html",
}
LIMITS = (
    "Trained on single notes of one rendered instrument and judged on renditions of the same ones. Chords below the lowest "
    "note, and sources that do not sound like any of these, are converted less well."
)


def errors_of(model, gm, source, target):
    """Return the errors of both kinds of performance relative to identity, and the distances in dB."""
    stft, found = LogSTFT(n_fft=usual_n_fft(model.sr)), {}
    notes = single_notes(gm, source, target, int(model.sr))
    interval = interval_of(*(stft.transform(side) for side in (notes.source, notes.target)))
    for kind, plural in zip(KINDS, ("melodies", "chorales"), strict=True):
        played = performances(gm, source, target, kind, int(model.sr))
        spectra = [model.predict_spectra(x[np.newaxis])[0] for _, x, _, _ in played]
        row = row_of(source, spectra, played, stft, int(model.sr), interval)
        found |= {plural: round(row["/ identity"], 3), f"{plural}, LSD dB": round(row["LSD dB"], 1)}
    return found


def halved(model):
    """Store the weights of a model in half precision, and nothing of the machine; reading makes them single again."""
    for estimator in (model.autoencoder, model.autoencoder_):
        estimator.n_jobs = None
    network = model.autoencoder_.network_
    network.weights = [w.astype(np.float16) if w.dtype == np.float32 else w for w in network.weights]
    return model


def main():
    p = parser(__doc__, "shipped.json")
    p.add_argument("model", type=Path)
    p.add_argument("target")
    p.add_argument("sources", nargs="+")
    p.add_argument("--iowa", help="an instrument of Iowa's that is among the sources")
    p.add_argument("--write", action="store_true", help="put model and card into the package")
    args = p.parse_args()
    gm, name = notes_folder().parent / "gm", f"to-{args.target}"
    model = sktimbre.load(args.model)
    network = model.autoencoder_.network_
    if not network.export():
        raise SystemExit(network.not_exported)
    file = args.output.with_name(f"shipped_{name}.sktimbre")
    full = {source: errors_of(model, gm, source, args.target) for source in args.sources}
    sktimbre.save(halved(model), file, overwrite=True)
    half = {source: errors_of(sktimbre.load(file), gm, source, args.target) for source in args.sources}
    rows = [{"source": source, **half[source], "melodies, all digits": full[source]["melodies"]} for source in half]
    mean = {k: float(np.mean([row[k] for row in rows])) for k in rows[0] if k != "source"}
    print_table(f"{name}, {file.stat().st_size / 1e6:.2f} MB", [*rows, {"source": "mean", **mean}])
    write_json(args.output.with_name(f"shipped_{name}.json"), {"rows": rows, "versions": versions()})
    if args.write:
        folders = " ".join(f"gm/{source}/notes" for source in args.sources) + (
            f" notes/{args.iowa}" if args.iowa else ""
        )
        card = {
            "target": args.target,
            "sources": [*args.sources, *([f"{args.iowa} (Iowa)"] if args.iowa else [])],
            "sr": int(model.sr),
            "pitches": [int(extreme(trained_on(model)["pitches"])) for extreme in (min, max)],
            "material": [RENDERED, *([IOWA] if args.iowa else [])],
            "errors": half,
            "limits": LIMITS,
            # The model itself holds its parameters.
            "command": f"sktimbre info {name} --params > {name}.toml && sktimbre fit {folders} --to gm/{args.target}/notes "
            f"-o {name}.sktimbre --params {name}.toml",
        }
        folder = Path(models.__file__).parent
        (folder / f"{name}.sktimbre").write_bytes(file.read_bytes())
        (folder / f"{name}.json").write_text(json.dumps(card, indent=1) + "\n")


if __name__ == "__main__":
    main()

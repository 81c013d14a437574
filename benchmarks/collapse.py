"""Count the networks that collapse to a constant output with default training parameters.

Trains every architecture at every depth with 20 seeds on real pairs for some epochs, and compares the standard deviation of
the output with the target's: a collapsed network is near 0. `--plain-output` replaces the output layer by the thesis's ReLU,
with which collapses were found first.
"""

import argparse
import warnings

import numpy as np
from _common import parser, print_table, read_json, real_pairs, versions, write_json

from sktimbre import LogSTFT, TimbreAutoencoder
from sktimbre.autoencoder import ARCHITECTURES
from sktimbre.autoencoder.networks.layers import NonNegative
from sktimbre.exceptions import CollapsedModelWarning

COLLAPSED = 0.01


def spread(model, S, T):
    """Return the standard deviation of the output as a fraction of the target's."""
    return float(model.predict(S).std() / T.std())


def main():
    p: argparse.ArgumentParser = parser(__doc__, "collapse.json")
    p.add_argument("--seeds", type=int, default=20)
    p.add_argument("--filters", type=int, default=TimbreAutoencoder().filters)
    p.add_argument("--epochs", type=int, default=5)
    p.add_argument("--duration", type=float, default=0.5, help="seconds of each note")
    p.add_argument("--architectures", nargs="+", default=list(ARCHITECTURES))
    p.add_argument("--depths", nargs="+", type=int, default=[1, 2, 3, 4])
    p.add_argument("--plain-output", action="store_true")
    args = p.parse_args()
    if args.plain_output:
        NonNegative.slope = 0.0
    notes, held_out = real_pairs(duration=args.duration)
    stft = LogSTFT().fit(notes.source)
    S, T = stft.transform(notes.source[~held_out]), stft.transform(notes.target[~held_out])
    key = f"{args.filters} filters, {args.epochs} epochs, {args.duration} s" + (
        ", plain ReLU output" * args.plain_output
    )
    stored = read_json(args.output)
    results = stored.setdefault(key, {})
    for architecture in args.architectures:
        for depth in args.depths:
            spreads = results.setdefault(f"{architecture}, depth {depth}", [])
            for seed in range(len(spreads), args.seeds):
                model = TimbreAutoencoder(
                    architecture,
                    depth=depth,
                    filters=args.filters,
                    epochs=args.epochs,
                    validation_split=0,
                    random_state=seed,
                )
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", CollapsedModelWarning)
                    spreads.append(spread(model.fit(S, T), S, T))
            write_json(args.output, {**stored, "versions": versions()})
            print(f"{architecture}, depth {depth}: least spread {min(spreads):.3f} of {len(spreads)} seeds", flush=True)
    rows = [
        {
            "network": name,
            "seeds": len(values),
            "collapsed": sum(v < COLLAPSED for v in values),
            "least spread": min(values),
            "median spread": float(np.median(values)),
        }
        for name, values in results.items()
    ]
    print_table(f"output's standard deviation over the target's: {key}", rows)


if __name__ == "__main__":
    main()

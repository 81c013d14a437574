"""Time of imports in fresh processes, interleaved with `import sklearn`."""

import statistics
import subprocess
import sys
import time

from _common import parser, print_table, versions, write_json

STATEMENTS = {
    "import sklearn": "import sklearn",
    "import sktimbre": "import sktimbre",
    "import sklearn.pipeline": "import sklearn.pipeline",
    "from sktimbre import LogSTFT, TimbreTransfer": "from sktimbre import LogSTFT, TimbreTransfer",
    "import keras": "import keras",
}


def main():
    p = parser(__doc__, "imports.json")
    p.add_argument("--repeats", type=int, default=9)
    args = p.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for turn in range(args.repeats + 1):
        for name, statement in STATEMENTS.items():
            if name == "import keras" and turn > 3:
                continue  # five seconds each
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rows = [
        {"statement": n, "s": s, "beside import sklearn": s / medians["import sklearn"]} for n, s in medians.items()
    ]
    print_table("importing, medians of fresh processes", rows)
    write_json(args.output, {"versions": versions(), "rows": rows})


if __name__ == "__main__":
    main()

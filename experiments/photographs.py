"""Real photographs, the question itself: does a skewed pool change who wins, and does rebalancing change it back?

    python experiments/photographs.py --root ../shared/data [--jobs 2]

Sweeps conf/experiment/mebeauty_dose (held-out people of MEBeauty enter, within gender) and
conf/experiment/mebeauty_to_fairface (people of FairFace enter: a domain shift), then compares each into
results/. Started again, it does only what is missing. Needs both data sets; without them it says so and ends.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import judge
from judge.experiment.compare import compare

RESULTS = Path(__file__).parents[1] / "results"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder that holds mebeauty/ and fairface/")
    parser.add_argument("overrides", nargs="*", help="further settings for both sweeps")
    args = parser.parse_args()
    mebeauty, fairface = args.root / "mebeauty", args.root / "fairface"
    for folder in (mebeauty, fairface):
        if not folder.is_dir():
            print(f"skipped: {folder} is not there")
            return 0
    for name, roots in {
        "mebeauty_dose": [f"data.root={mebeauty}"],
        "mebeauty_to_fairface": [f"data.root={mebeauty}", f"entrants_data.root={fairface}"],
    }.items():
        sweep = judge.sweep([f"experiment={name}", *roots, *args.overrides])
        print(*compare([sweep.folder], RESULTS / name), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

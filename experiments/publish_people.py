"""2,000 people who do not exist, given away: rendered, published, and read by the formats' own validators.

    python experiments/publish_people.py [--n 2000] [--size 128] [--work DIR]

A few minutes on two cores. Writes results/publication: what was published of it but pictures and tables, and
validators.txt, what each validator says, with the commands. DIR (a temporary folder) gets the whole publication.
CITATION.cff is checked by cffconvert, which uv runs in an environment of its own; without uv that line says so.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results" / "publication"
KEPT = (
    "README.md",
    "CITATION.cff",
    "SHA256SUMS",
    "croissant.json",
    "ro-crate-metadata.json",
    "settings.json",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--work", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        made(args.work or Path(place), args.n, args.size)


def made(work: Path, n: int, size: int) -> None:
    judge = [sys.executable, "-m", "judge"]
    people, out = work / "people", work / "published"
    said = []

    def run(words: list[str], told: list[str], cwd: Path | None = None) -> int:
        done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
        output = (done.stdout + done.stderr).strip().replace(str(work), "DIR")
        said.append(f"$ {shlex.join(told)}\n{output}\nexit code {done.returncode}\n")
        return done.returncode

    words = ["data", "parametric", "--n", str(n), "--size", str(size), "--seed", "2016", "--out"]
    subprocess.run([*judge, *words, str(people)], check=True)
    words = ["publish", "people", "--out", "published", "--author", "The judge contributors"]
    codes = [run([*judge, *words], ["judge", *words], cwd=work)]
    words = ["mlcroissant", "validate", "--jsonld", "croissant.json"]
    codes.append(run([str(Path(sys.executable).parent / words[0]), *words[1:]], words, cwd=out))
    words = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    codes.append(run(words, words, cwd=out))
    if uv := shutil.which("uv"):
        words = ["tool", "run", "--quiet", "cffconvert", "--validate", "-i", "CITATION.cff"]
        codes.append(run([uv, *words], ["uv", *words], cwd=out))
    else:
        said.append("CITATION.cff was not validated: there is no uv\n")
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copy(out / name, RESULTS / name)
    text = "\n".join("".join(line.rstrip() + "\n" for line in part.splitlines()) for part in said)
    (RESULTS / "validators.txt").write_text(text, encoding="utf-8")
    print(text)
    sys.exit(max(codes))


if __name__ == "__main__":
    main()

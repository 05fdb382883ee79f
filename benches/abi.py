"""What one wheel for every Python (abi3) costs: both wheels, built alike, racing each other.

`python benches/abi.py` builds a release wheel of each kind, installs each into a venv of its own and lets them take
turns against one nginx, as `run.py` does. Prints the ratio version-specific / abi3; under 1.05 the one wheel is worth
it.
`--abi3 BIN --native BIN` compares two commands that are already installed.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import venv
from pathlib import Path

from rig import needs, paired
from rig.contender import Contender, ContenderFailed
from rig.report import MIB, cpu_us, requests_per_s, table

ABI3, NATIVE = "abi3", "version-specific"
CLASSES = {"HttpUser": "plain_http.py", "FastHttpUser": "plain_fast.py"}


def main() -> None:
    """Build what is not given, race, print."""
    options = arguments()
    needs.open_files()
    programs = {
        ABI3: options.abi3 or build(ABI3, options.abi3_cargo),
        NATIVE: options.native or build(NATIVE, options.native_cargo),
    }
    racers = [
        Contender(f"{kind} {user_class}", program.absolute(), locustfile=locustfile)
        for user_class, locustfile in CLASSES.items()
        for kind, program in programs.items()
    ]
    try:
        records = paired.measure(racers, paired.Plan(heats=options.heats, rounds=options.rounds, slice_s=0.7))
    except ContenderFailed as failure:
        raise SystemExit(str(failure)) from None
    print(markdown(records))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Compare the abi3 wheel with a version-specific one.")
    parser.add_argument("--abi3-cargo", default="", help="maturin's options for the abi3 wheel (default: none)")
    parser.add_argument(
        "--native-cargo",
        default="--no-default-features --features python",
        help="maturin's options for the version-specific wheel (default: %(default)s)",
    )
    parser.add_argument("--abi3", type=Path, help="a rocust command installed from an abi3 wheel")
    parser.add_argument("--native", type=Path, help="a rocust command installed from a version-specific wheel")
    parser.add_argument("--heats", type=int, default=6, help="how often all start afresh (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=6, help="rounds of slices in each heat (default: %(default)s)")
    return parser.parse_args()


def build(kind: str, cargo_options: str) -> Path:
    """Build one wheel, make sure it is of its kind, install it alone; give its command."""
    print(f"  building the {kind} wheel", file=sys.stderr)
    home = needs.CHECKOUT / ".venvs" / f"abi-{kind}"
    wheels = home / "wheels"
    venv.create(home, clear=True, with_pip=True)
    python, pip = str(home / "bin" / "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([python, *pip, "maturin>=1.16,<2"], check=True, stdout=sys.stderr)
    maturin = [str(home / "bin" / "maturin"), "build", "--release", "--interpreter", python, "--out", str(wheels)]
    subprocess.run([*maturin, *shlex.split(cargo_options)], check=True, stdout=sys.stderr, cwd=needs.CHECKOUT)
    [wheel] = wheels.glob("*.whl")
    if ("-abi3-" in wheel.name) != (kind == ABI3):
        raise SystemExit(f"The {kind} wheel came out as {wheel.name}: see --abi3-cargo and --native-cargo.")
    subprocess.run([python, *pip, str(wheel)], check=True, stdout=sys.stderr)
    return home / "bin" / "rocust"


def markdown(records: list[paired.Record]) -> str:
    """Lay out the pairs: each class, version-specific over abi3."""
    rows = []
    for abi3, native in zip(records[::2], records[1::2], strict=True):
        speed, cost = paired.ratio(native, abi3, requests_per_s), paired.ratio(native, abi3, cpu_us)
        rows.append([
            abi3.name.removeprefix(ABI3).strip(),
            f"{abi3.requests_per_s:,.0f} / {native.requests_per_s:,.0f}",
            f"{speed.middle:.3f} ({speed.low:.3f}-{speed.high:.3f})",
            f"{abi3.cpu_us_per_request:.2f} / {native.cpu_us_per_request:.2f}",
            f"{cost.middle:.3f} ({cost.low:.3f}-{cost.high:.3f})",
            f"{abi3.peak_bytes / MIB:.0f} / {native.peak_bytes / MIB:.0f}",
        ])  # fmt: skip
    heads = ["class", "requests/s: abi3 / version-specific", "ratio (quartiles)", "CPU µs/request", "ratio (quartiles)",
             "peak MiB"]  # fmt: skip
    return table(heads, rows)


if __name__ == "__main__":
    main()

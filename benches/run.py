"""`make bench`: Rocust beside stock Locust and wrk, in one run, against one real nginx.

`python benches/run.py --rocust .venvs/bench/bin/rocust` measures everything (about twelve minutes), prints the tables and
writes them into BENCHMARKS.md; `--quick` takes two and writes nothing. `--only ramp waiting` takes ten more, and writes its tables
too. `--long 30` is another thing: half an hour of Rocust alone, whose chart goes there as well. How and why so: BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rig import crowd, duel, long, needs, paired, ramp, report, throughput, truth, waiting
from rig.contender import Contender, ContenderFailed
from rig.report import CONTROL, OURS, OURS_FAST, OURS_HTTP, STOCK, STOCK_FAST, STOCK_HTTP, WRK, Findings

SCENARIOS = ("paired", *duel.DUELS, "throughput", "crowd", "truth")
COMMAND = "make bench"
#: Of users who make no requests; not part of the others, because they take long and change seldom.
USERS_SCENARIOS = ("ramp", "waiting")
USERS_COMMAND = "python benches/run.py --rocust path/to/rocust --only ramp waiting"
#: A long run of so many minutes, or more, is worth to be written down.
LONG_MINUTES = 30


def main() -> None:
    """Measure what was asked for, print it, and write it if it is whole."""
    options = arguments()
    needs.open_files()
    if options.long:
        run_long(options)
        return
    stock = options.stock or needs.stock_locust()
    findings = Findings()
    try:
        measure(options, stock, findings)
    except ContenderFailed as failure:
        raise SystemExit(str(failure)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    is_of_users = set(options.only) <= set(USERS_SCENARIOS)
    programs = {"Locust": stock} | ({} if is_of_users else {"wrk": needs.wrk()})
    machine = report.machine(programs | ({"Rocust": options.rocust} if options.rocust else {}))
    block = report.markdown(findings, machine, USERS_COMMAND if is_of_users else COMMAND)
    if options.json:
        print(json.dumps({"machine": machine, **asdict(findings)}, indent=2))
    else:
        print(block)
    whole = {frozenset(SCENARIOS): report.BLOCK, frozenset(USERS_SCENARIOS): report.USERS_BLOCK}
    if options.rocust and not options.quick and (name := whole.get(frozenset(options.only))):
        report.write(needs.CHECKOUT / "BENCHMARKS.md", block, name)
        print("Written into BENCHMARKS.md.", file=sys.stderr)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure Rocust beside stock Locust and wrk.")
    parser.add_argument("--rocust", type=command, help="the rocust command to measure; without it only stock and wrk")
    parser.add_argument("--stock", type=command, help="a locust (default: the one of `make stock`)")
    parser.add_argument("--quick", action="store_true", help="two minutes, for a first look; writes nothing")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=(*SCENARIOS, *USERS_SCENARIOS),
        default=SCENARIOS,
        help=f"only these; writes nothing, but for `{' '.join(USERS_SCENARIOS)}`",
    )
    parser.add_argument(
        "--long",
        type=float,
        metavar="MINUTES",
        help=f"instead of all that, how memory behaves in a long run of --rocust; writes its chart if {LONG_MINUTES} or more",
    )
    parser.add_argument("--json", action="store_true", help="print all that was measured as JSON, not as tables")
    return parser.parse_args()


def command(text: str) -> Path:
    """Take a path to a program that is there."""
    path = Path(text).absolute()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path


def run_long(options: argparse.Namespace) -> None:
    """Run Rocust alone for long, print what it weighed, and write that if it was long enough."""
    if not options.rocust:
        raise SystemExit("--long needs --rocust.")
    print("A long run:", file=sys.stderr)
    try:
        outcome = long.measure(Contender(OURS_HTTP, options.rocust, locustfile="many_names.py"), options.long)
    except ContenderFailed as failure:
        raise SystemExit(str(failure)) from None
    block = report.long_markdown(
        outcome,
        report.machine({"Rocust": options.rocust}),
        f"python benches/run.py --rocust path/to/rocust --long {options.long:g}",
    )
    print(block)
    if options.long >= LONG_MINUTES:
        report.write(needs.CHECKOUT / "BENCHMARKS.md", block, report.LONG_BLOCK)
        print("Written into BENCHMARKS.md.", file=sys.stderr)


def measure(options: argparse.Namespace, stock: Path, findings: Findings) -> None:
    """Run the scenarios one after the other."""
    if "paired" in options.only:
        print("As many requests as it can:", file=sys.stderr)
        plan = paired.Plan(heats=1, rounds=6, slice_s=0.5) if options.quick else paired.Plan(5, 6, slice_s=0.7)
        findings.paired = paired.measure(racers(stock, options.rocust), plan)
    measure_duels(options, stock, findings)
    if "throughput" in options.only:
        print("A steady load:", file=sys.stderr)
        steady = throughput.Plan(users=1_000, users_per_s=500, periods=1)
        if not options.quick:
            steady = throughput.Plan(users=5_000, users_per_s=500, periods=3)
        for name, program in both(stock, options.rocust, STOCK_HTTP, OURS_HTTP):
            findings.throughput.append(throughput.measure(Contender(name, program, locustfile="throughput.py"), steady))
    measure_crowds(options, stock, findings)
    if "truth" in options.only:
        print("True times:", file=sys.stderr)
        for is_saturated in (False, True):
            findings.truth += timed(options, stock, is_saturated=is_saturated)
    measure_users(options, stock, findings)


def measure_duels(options: argparse.Namespace, stock: Path, findings: Findings) -> None:
    """Hold ours against stock in what people do beside a plain GET."""
    plan = paired.Plan(heats=1, rounds=4, slice_s=0.5) if options.quick else paired.Plan(3, 6, slice_s=0.7)
    for scenario in duel.DUELS:
        if scenario in options.only and options.rocust:
            findings.duels.append(duel.measure(scenario, stock, options.rocust, plan))


def measure_crowds(options: argparse.Namespace, stock: Path, findings: Findings) -> None:
    """Weigh many users."""
    if "crowd" not in options.only:
        return
    print("A crowd:", file=sys.stderr)
    users, settle_s = (1_000, 5.0) if options.quick else (crowd.USERS, crowd.SETTLE_S)
    for name, program in both(stock, options.rocust, STOCK_HTTP, OURS_HTTP):
        contender = Contender(name, program, locustfile="crowd.py")
        findings.crowds.append(crowd.measure(contender, users, settle_s))


def measure_users(options: argparse.Namespace, stock: Path, findings: Findings) -> None:
    """Have users come, wait and go."""
    both_plain = both(stock, options.rocust, STOCK, OURS)
    if "ramp" in options.only:
        print("A ramp:", file=sys.stderr)
        users, users_per_s = (1_000, 200) if options.quick else (10_000, 500)
        for name, program in both_plain:
            findings.ramps.append(ramp.measure(Contender(name, program, locustfile="ramp.py"), users, users_per_s))
    if "waiting" in options.only:
        print("Users who wait:", file=sys.stderr)
        users, rest_s = (10_000, 5.0) if options.quick else (100_000, 20.0)
        for name, program in both_plain:
            findings.waiting.append(waiting.measure(Contender(name, program, locustfile="waiting.py"), users, rest_s))


def racers(stock: Path, rocust: Path | None) -> list[Contender]:
    """List who races; stock runs a second time as a control, whose ratio to itself should be 1."""
    return [
        *(Contender(name, program, locustfile="plain_http.py")
          for name, program in both(stock, rocust, STOCK_HTTP, OURS_HTTP)),
        *(Contender(name, program, locustfile="plain_fast.py")
          for name, program in both(stock, rocust, STOCK_FAST, OURS_FAST)),
        Contender(WRK, needs.wrk(), kind="wrk"),
        Contender(CONTROL, stock, locustfile="plain_http.py"),
    ]  # fmt: skip


def both(stock: Path, rocust: Path | None, stock_name: str, our_name: str) -> list[tuple[str, Path]]:
    """Name stock and, if it is there, ours."""
    return [(stock_name, stock)] + ([(our_name, rocust)] if rocust else [])


def timed(options: argparse.Namespace, stock: Path, *, is_saturated: bool) -> list[truth.Outcome]:
    """Time both user classes of everyone, alone or beside the busy user."""
    outcomes = []
    for visitor, names in (("HttpVisitor", (STOCK_HTTP, OURS_HTTP)), ("FastVisitor", (STOCK_FAST, OURS_FAST))):
        classes = (visitor, "Cruncher") if is_saturated else (visitor,)
        for name, program in both(stock, options.rocust, *names):
            contender = Contender(name, program, locustfile="truth.py", classes=classes)
            seconds = 5.0 if options.quick else 15.0
            outcomes.append(truth.measure(contender, is_saturated=is_saturated, seconds=seconds))
    return outcomes


if __name__ == "__main__":
    main()

"""From measurements to Markdown: the tables, the goals, the machine, and the place in BENCHMARKS.md.

Measures nothing. Names no host and no path.
"""

from __future__ import annotations

import math
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from rig import crowd, duel, long, paired, ramp, throughput, truth, waiting
from rig.nginx import program as nginx_program
from rig.paired import Ratio, Record, Slice

#: Between these the tables stand in BENCHMARKS.md; what many users do, and what the long run showed, are seldom made anew.
BLOCK, USERS_BLOCK, LONG_BLOCK = "bench", "users", "long"
STOCK, STOCK_HTTP, STOCK_FAST = "stock", "stock HttpUser", "stock FastHttpUser"
OURS, OURS_HTTP, OURS_FAST = "rocust", "rocust HttpUser", "rocust FastHttpUser"
WRK = "wrk, 1 thread"
CONTROL = "stock HttpUser, a second time"
RIVALS = {OURS_HTTP: STOCK_HTTP, OURS_FAST: STOCK_FAST, CONTROL: STOCK_HTTP}
MIB = 1024 * 1024

# Above these a note is added: cores used by other programs, share of nginx's one worker.
QUIET_CORES, FULL_NGINX = 0.05, 0.95
# The goals: a load within this share, at this share of a core, in this share of stock's memory.
LOAD_WITHIN, CORE_AT_MOST, MEMORY_AT_MOST = 0.01, 0.2, 0.6
# Users over time within this share of all users.
LINE_WITHIN = 0.02


@dataclass
class Findings:
    """All that a run of the bench measured; a scenario that did not run is empty."""

    paired: list[Record] = field(default_factory=list)
    throughput: list[throughput.Outcome] = field(default_factory=list)
    truth: list[truth.Outcome] = field(default_factory=list)
    duels: list[duel.Outcome] = field(default_factory=list)
    crowds: list[crowd.Outcome] = field(default_factory=list)
    ramps: list[ramp.Outcome] = field(default_factory=list)
    waiting: list[waiting.Outcome] = field(default_factory=list)

    def record(self, name: str) -> Record | None:
        """Find a contender of the first scenario."""
        return next((record for record in self.paired if record.name == name), None)


def requests_per_s(turn: Slice) -> float:
    """The figure of speed."""
    return turn.requests_per_s


def cpu_us(turn: Slice) -> float:
    """The figure of cost."""
    return turn.cpu_us_per_request


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table, the first column to the left and the others to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def markdown(findings: Findings, machine: str, command: str) -> str:
    """Lay out everything that was measured."""
    parts = [f"Measured {date.today().isoformat()} on {machine}; again with `{command}`."]
    if findings.paired:
        parts += ["### As many requests as it can, 50 users", paired_table(findings), paired_notes(findings)]
    if findings.duels:
        parts += [
            "### What people do beside a plain GET, 50 users",
            duel_table(findings.duels),
            duel_notes(findings.duels),
        ]
    if findings.throughput:
        parts += [f"### {throughput_title(findings)}", throughput_table(findings.throughput)]
    if findings.crowds:
        title = f"### {findings.crowds[0].users:,} users with an open connection each, in one process"
        parts += [title, crowd_table(findings.crowds)]
    if findings.truth:
        parts += [f"### A target that takes {truth.DELAY_MS:g} ms", truth_table(findings.truth)]
    if findings.ramps:
        first = findings.ramps[0]
        title = f"### From 0 to {first.users:,} users at {first.users_per_s} a second, and down again"
        parts += [title, ramp_table(findings.ramps)]
    if findings.waiting:
        parts += [f"### {findings.waiting[0].users:,} users who wait, in one process", waiting_table(findings.waiting)]
    if goals := goal_rows(findings):
        parts += ["### Against the goals", table(["goal", "measured", "met"], goals)]
    return "\n\n".join(parts)


def paired_table(findings: Findings) -> str:
    """Speed and cost, each beside stock's same class and beside wrk."""
    wrk = findings.record(WRK)
    rows = []
    for record in findings.paired:
        rival = findings.record(RIVALS.get(record.name, ""))
        rows.append([
            record.name,
            f"{record.requests_per_s:,.0f}",
            as_times(paired.ratio(record, rival, requests_per_s)) if rival else "",
            f"{record.cpu_us_per_request:.1f}",
            f"1/{1 / paired.ratio(record, rival, cpu_us).middle:.1f}" if rival else "",
            f"{paired.ratio(record, wrk, cpu_us).middle:.1f}x" if wrk else "",
            f"{record.nginx_share:.0%}",
            f"{record.peak_bytes / MIB:.0f}",
            f"{record.counted_by_itself:,} / {record.counted_by_nginx:,}",
        ])  # fmt: skip
    heads = ["contender", "requests/s", "times stock (quartiles)", "CPU µs/request", "of stock's", "times wrk's",
             "nginx busy", "peak MiB", "requests: own count / nginx's"]  # fmt: skip
    return table(heads, rows)


def paired_notes(findings: Findings) -> str:
    """Say what the table cannot: how far the counts are apart, and whether the machine was ours alone."""
    apart = max(abs(record.counted_by_nginx - record.counted_by_itself) for record in findings.paired)
    elsewhere = sum(record.elsewhere_cores for record in findings.paired) / len(findings.paired)
    notes = [
        f"Counts differ by {apart} at most; at the end of each heat each of the 50 users can have a request under way."
    ]
    if elsewhere > QUIET_CORES:
        notes.append(f"**Other programs used {elsewhere:.2f} cores meanwhile: read ratios, not figures.**")
    else:
        notes.append(f"Other programs used {max(elsewhere, 0):.2f} cores meanwhile.")
    limited = [record.name for record in findings.paired if record.nginx_share > FULL_NGINX]
    if limited:
        notes.append(f"nginx's one worker was the limit for: {', '.join(limited)}.")
    return " ".join(notes)


def as_times(measured: Ratio) -> str:
    """Write a ratio with its quartiles."""
    return f"{measured.middle:.2f}x ({measured.low:.2f}-{measured.high:.2f})"


def throughput_title(findings: Findings) -> str:
    """Say what was asked for."""
    wanted = findings.throughput[0].wanted_per_s
    return f"{wanted * throughput.PERIOD_S:,.0f} users at `constant_throughput(0.1)`: {wanted:g} tasks/s wanted"


def throughput_table(outcomes: Sequence[throughput.Outcome]) -> str:
    """What came out, and what it cost."""
    heads = ["contender", "tasks/s", "off by", "of a core", "resident MiB", "peak MiB", "all users there after",
             "requests: own count / nginx's"]  # fmt: skip
    rows = [
        [
            outcome.name,
            f"{outcome.tasks_per_s:.1f}",
            f"{outcome.error_share:+.2%}",
            f"{outcome.core_share:.1%}",
            f"{outcome.resident_bytes / MIB:.0f}",
            f"{outcome.peak_bytes / MIB:.0f}",
            f"{outcome.ramp_s:.1f} s",
            f"{outcome.counted_by_itself:,} / {outcome.counted_by_nginx:,}",
        ]
        for outcome in outcomes
    ]
    return table(heads, rows)


def duel_table(outcomes: Sequence[duel.Outcome]) -> str:
    """Speed and cost of both, side by side."""
    heads = ["`HttpUser` with", "stock requests/s", "rocust requests/s", "times stock (quartiles)", "stock CPU µs/request",
             "rocust CPU µs/request", "of stock's", "nginx busy", "rocust: own count / nginx's"]  # fmt: skip
    rows = [
        [
            duel.DUELS[outcome.scenario].title,
            f"{outcome.stock.requests_per_s:,.0f}",
            f"{outcome.ours.requests_per_s:,.0f}",
            as_times(paired.ratio(outcome.ours, outcome.stock, requests_per_s)),
            f"{outcome.stock.cpu_us_per_request:.1f}",
            f"{outcome.ours.cpu_us_per_request:.1f}",
            f"1/{1 / paired.ratio(outcome.ours, outcome.stock, cpu_us).middle:.1f}",
            f"{outcome.ours.nginx_share:.0%}",
            f"{outcome.ours.counted_by_itself:,} / {outcome.ours.counted_by_nginx:,}",
        ]
        for outcome in outcomes
    ]
    return table(heads, rows)


def duel_notes(outcomes: Sequence[duel.Outcome]) -> str:
    """Say whether the machine was ours alone."""
    records = [record for outcome in outcomes for record in (outcome.stock, outcome.ours)]
    elsewhere = sum(record.elsewhere_cores for record in records) / len(records)
    if elsewhere > QUIET_CORES:
        return f"**Other programs used {elsewhere:.2f} cores meanwhile: read ratios, not figures.**"
    return f"Other programs used {max(elsewhere, 0):.2f} cores meanwhile."


def crowd_table(outcomes: Sequence[crowd.Outcome]) -> str:
    """What many users weigh."""
    heads = ["contender", "all users there after", "resident MiB", "of one user alone", "KiB a user", "open files",
             "connections, as nginx counts"]  # fmt: skip
    rows = [
        [
            outcome.name,
            f"{outcome.ramp_s:.1f} s",
            f"{outcome.resident_bytes / MIB:.0f}",
            f"{outcome.alone_bytes / MIB:.0f}",
            f"{outcome.bytes_a_user / 1024:.1f}",
            f"{outcome.open_files:,}",
            f"{outcome.connections:,}",
        ]
        for outcome in outcomes
    ]
    return table(heads, rows)


def ramp_table(outcomes: Sequence[ramp.Outcome]) -> str:
    """How straight the lines were, and how late users were woken meanwhile."""
    heads = ["contender", "up: off the line at most", "above / below", "took", "down: off the line at most",
             "above / below", "took", "users woken late by: median", "99 %", "at most"]  # fmt: skip
    rows = [
        [outcome.name, *way_cells(outcome.up), *way_cells(outcome.down)]
        + [f"{outcome.delay_s(share) * 1e3:.1f} ms" for share in (0.5, 0.99, 1)]
        for outcome in outcomes
    ]
    return table(heads, rows)


def way_cells(way: ramp.Way) -> list[str]:
    """One ramp in a row of the table."""
    return [f"{way.off:.2%}", f"{way.above:.2%} / {way.below:.2%}", f"{way.took_s:.2f} s"]


def waiting_table(outcomes: Sequence[waiting.Outcome]) -> str:
    """What waiting users cost."""
    heads = ["contender", "all wait after", "CPU µs a user for that", "resident MiB", "of one user alone", "KiB a user",
             "of a core, at rest", "one user alone", "stopped after"]  # fmt: skip
    rows = [
        [
            outcome.name,
            f"{outcome.crowd.start_s:.1f} s",
            f"{outcome.start_cpu_s_a_user * 1e6:.0f}",
            f"{outcome.crowd.resident_bytes / MIB:.0f}",
            f"{outcome.alone.resident_bytes / MIB:.0f}",
            f"{outcome.bytes_a_user / 1024:.1f}",
            f"{outcome.crowd.core_share:.2%}",
            f"{outcome.alone.core_share:.2%}",
            f"{outcome.crowd.stop_s:.1f} s",
        ]
        for outcome in outcomes
    ]
    return table(heads, rows)


def long_markdown(outcome: long.Outcome, machine: str, command: str) -> str:
    """Lay out the long run."""
    said = f"Measured {date.today().isoformat()} on {machine}; again with `{command}`."
    return "\n\n".join([long_chart(outcome), long_words(outcome), said])


def long_chart(outcome: long.Outcome) -> str:
    """Draw the memory over the minutes, from zero, with a point for every minute: the most that it was since the last one."""
    minutes = range(1, int(outcome.minutes) + 1)
    peaks = [
        max(sample.resident_bytes for sample in outcome.samples if minute - 1 <= sample.at_s / 60 < minute) / MIB
        for minute in minutes
    ]
    return "\n".join([
        "```mermaid",
        "xychart-beta",
        f'    title "Resident memory, {long.USERS} users at full speed, {long.NAMES:,} names"',
        f'    x-axis "minutes" {minutes[0]} --> {minutes[-1]}',
        f'    y-axis "MiB" 0 --> {math.ceil(max(peaks) / 20) * 20}',
        f"    line [{', '.join(f'{peak:.1f}' for peak in peaks)}]",
        "```",
    ])  # fmt: skip


def long_words(outcome: long.Outcome) -> str:
    """Say what the chart cannot."""
    settled = [sample.resident_bytes / MIB for sample in outcome.settled]
    return (
        f"{outcome.name}: after the first {outcome.settled_after_s / 60:g} of {outcome.minutes:g} minutes between "
        f"{min(settled):.1f} and {max(settled):.1f} MiB, {outcome.growth_bytes_a_minute / 1024:+.1f} KiB a minute by the "
        f"straight line through {len(settled):,} samples; requests by its own count / nginx's: "
        f"{outcome.counted_by_itself:,} / {outcome.counted_by_nginx:,}."
    )


def truth_table(outcomes: Sequence[truth.Outcome]) -> str:
    """Reported times beside the target's own clock for the same requests."""
    heads = ["contender", "Python", "median ms: reported / true", "99 %: reported / true", "mean: reported / true",
             "requests: own count / target's", "other programs, cores"]  # fmt: skip
    rows = [
        [
            outcome.name,
            "saturated" if outcome.is_saturated else "idle",
            f"{outcome.reported.median_ms:g} / {outcome.target.median_ms:.2f}",
            f"{outcome.reported.p99_ms:g} / {outcome.target.p99_ms:.2f}",
            f"{outcome.reported.mean_ms:.2f} / {outcome.target.mean_ms:.2f}",
            f"{outcome.reported.count:,} / {outcome.target.count:,}",
            f"{max(outcome.elsewhere_cores, 0):.2f}",
        ]
        for outcome in outcomes
    ]
    return table(heads, rows)


def goal_rows(findings: Findings) -> list[list[str]]:
    """Hold what was measured against what was promised."""
    return [
        *speed_goals(findings),
        *duel_goals(findings.duels),
        *throughput_goals(findings.throughput),
        *truth_goals(findings.truth),
        *ramp_goals(findings.ramps),
    ]


def row(goal: str, measured: str, is_met: bool) -> list[str]:
    """Lay out one goal."""
    return [goal, measured, "yes" if is_met else "**no**"]


def speed_goals(findings: Findings) -> list[list[str]]:
    """Requests a second and CPU a request, both against stock in the same round."""
    rows = []
    for name, wanted in ((OURS_HTTP, 25), (OURS_FAST, 6)):
        ours, stock = findings.record(name), findings.record(RIVALS[name])
        if ours and stock:
            speed = paired.ratio(ours, stock, requests_per_s).middle
            rows.append(row(f"{name}: at least {wanted}x stock's requests/s", f"{speed:.1f}x", speed >= wanted))
    ours, stock = findings.record(OURS_HTTP), findings.record(STOCK_HTTP)
    if ours and stock:
        cost = paired.ratio(ours, stock, cpu_us).middle
        rows.append(row(f"{OURS_HTTP}: at most 1/25 of stock's CPU a request", f"1/{1 / cost:.1f}", cost <= 1 / 25))
    return rows


def duel_goals(outcomes: Sequence[duel.Outcome]) -> list[list[str]]:
    """Requests a second against stock in the same round."""
    rows = []
    for outcome in outcomes:
        asked = duel.DUELS[outcome.scenario]
        speed = paired.ratio(outcome.ours, outcome.stock, requests_per_s).middle
        goal = f"{OURS_HTTP} with {asked.title}: at least {asked.wanted:g}x stock's requests/s"
        rows.append(row(goal, f"{speed:.1f}x", speed >= asked.wanted))
    return rows


def throughput_goals(outcomes: Sequence[throughput.Outcome]) -> list[list[str]]:
    """The load as written, cheap in CPU and memory."""
    ours = next((outcome for outcome in outcomes if outcome.name == OURS_HTTP), None)
    stock = next((outcome for outcome in outcomes if outcome.name == STOCK_HTTP), None)
    if not ours:
        return []
    rows = [
        row(
            f"{ours.wanted_per_s:g} tasks/s within 1 %",
            f"{ours.error_share:+.2%}",
            abs(ours.error_share) <= LOAD_WITHIN,
        ),
        row("under 20 % of a core", f"{ours.core_share:.1%}", ours.core_share < CORE_AT_MOST),
    ]
    if stock:
        share = ours.peak_bytes / stock.peak_bytes
        rows.append(row("peak memory at most 60 % of stock's", f"{share:.0%}", share <= MEMORY_AT_MOST))
    return rows


def truth_goals(outcomes: Sequence[truth.Outcome]) -> list[list[str]]:
    """Reported percentiles within a millisecond of the target's own."""
    rows = []
    for outcome in outcomes:
        if outcome.name in (OURS_HTTP, OURS_FAST):
            busy = "Python saturated" if outcome.is_saturated else "idle"
            worst = max(abs(outcome.median_error_ms), abs(outcome.p99_error_ms))
            measured = f"{outcome.median_error_ms:+.2f} and {outcome.p99_error_ms:+.2f} ms"
            rows.append(row(f"{outcome.name}, {busy}: median and 99 % within 1 ms", measured, worst <= 1))
    return rows


def ramp_goals(outcomes: Sequence[ramp.Outcome]) -> list[list[str]]:
    """Users over time close to the line."""
    return [
        row(
            f"{outcome.name}: users over time within 2 % of the line, up and down",
            f"{outcome.up.off:.2%} and {outcome.down.off:.2%}",
            max(outcome.up.off, outcome.down.off) <= LINE_WITHIN,
        )
        for outcome in outcomes
        if outcome.name == OURS
    ]


def machine(programs: dict[str, Path]) -> str:
    """Say in one line what this ran on, without names of hosts or paths."""
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    kernel = re.match(r"[\d.]+", platform.release())
    facts = [
        found[1].strip() if found else platform.machine(),
        f"{os.cpu_count()} cores",
        f"Linux {kernel[0] if kernel else ''}",
        f"Python {platform.python_version()}",
        *(version(name, program) for name, program in programs.items()),
        version("nginx", Path(nginx_program())),
    ]
    return ", ".join(facts)


def version(name: str, program: Path) -> str:
    """Ask a program for its version."""
    option = "-v" if name in ("nginx", "wrk") else "--version"
    asked = subprocess.run([program, option], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", asked.stdout + asked.stderr)
    return f"{name} {found[0] if found else '(version unknown)'}"


def write(document: Path, block: str, name: str = BLOCK) -> None:
    """Put the block between the markers of this name in the document, in place of what stood there."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    text = document.read_text()
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise SystemExit(f"{document.name} lacks the markers {begin} and {end}; nothing was written.")
    document.write_text(f"{before}{begin}\n\n{block}\n\n{end}{after}")

"""What was measured, as Markdown."""

import base64
import datetime
import os
import re
import shlex
import statistics
import sys
from pathlib import Path

from meter import KINDS


def decoded(text):
    return base64.b64decode(text, validate=True)


def machine():
    cpu = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    total = int(re.search(r"\d+", Path("/proc/meminfo").read_text()).group())
    return {"cpu": cpu.group(1) if cpu else "unknown", "cores": os.cpu_count(),
            "memory_gib": round(total / 1024 ** 2, 1), "kernel": os.uname().release}


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def micro(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def latency(kind):
    return f"{kind['p50_ms']:.1f} / {kind['p99_ms']:.1f}" if kind["count"] else "–"


def summary(windows, raws):
    """Of a scenario: its windows, and one bare rate more than these, in the order of measuring."""
    shares, by_cpu, around = [], [], []
    for window, before, after in zip(windows, raws, raws[1:]):
        ours = sum(window[kind] for kind in KINDS) + window["cpu_s"]
        around.append({what: (before[what] + after[what]) / 2 for what in ("rate", "cpu_us")})
        shares.append(window["rate"] / around[-1]["rate"])
        by_cpu.append(around[-1]["cpu_us"] * window["signatures"] / (1e6 * ours))
    total = {what: sum(window[what] for window in windows)
             for what in ("seconds", "signatures", "cpu_s", "machine", "stolen", "commits", "wal", *KINDS)}
    seconds, signatures = total["seconds"], total["signatures"]
    used = sum(total[kind] for kind in KINDS) + total["cpu_s"]
    return {
        "rate": signatures / seconds, "raw": statistics.mean(one["rate"] for one in around),
        "raw_cpu_us": statistics.mean(one["cpu_us"] for one in around),
        "share": statistics.median(shares), "shares": shares,
        "share_by_cpu": statistics.median(by_cpu), "seconds": seconds, "signatures": signatures,
        "authorize": windows[-1]["authorize"], "sign": windows[-1]["sign"],
        "cpu_us": {**{kind: 1e6 * total[kind] / signatures for kind in KINDS},
                   "load": 1e6 * total["cpu_s"] / signatures},
        "busy": total["machine"] / seconds / os.cpu_count(),
        "others": max(0.0, total["machine"] - used) / seconds / os.cpu_count(),
        "stolen": total["stolen"] / seconds / os.cpu_count(),
        "commits_per_signature": total["commits"] / signatures,
        "wal_per_signature": total["wal"] / signatures}


def spread(shares):
    return f" ({min(shares):.2f}–{max(shares):.2f})" if len(shares) > 1 else ""


def rate_rows(results):
    for one in results:
        verdict = "" if one["share"] >= one["floor"] else " **missed**"
        yield [one["title"], one["key"], number(one["raw"]), number(one["rate"]),
               f"{one['share']:.2f}{spread(one['shares'])}", f"{one['floor']:.2f}{verdict}",
               f"{one['share_by_cpu']:.2f}", latency(one["authorize"]), latency(one["sign"])]


def cost_rows(results):
    for one in results:
        cost = one["cpu_us"]
        yield [one["title"], one["key"], micro(one["raw_cpu_us"]),
               *(micro(cost[kind]) for kind in ("api", "sams", "postgres", "load")),
               f"{one['commits_per_signature']:.3f}", number(one["wal_per_signature"]),
               *(f"{one['memory'][kind] / 1e6:.0f}" for kind in ("api", "sams", "postgres")),
               f"{one['busy']:.0%} / {one['others']:.0%} / {one['stolen']:.0%}"]


def markdown(measured):
    host, durable = measured["machine"], measured["durability"]
    options = ", ".join(f"{name} = {value}" for name, value in measured["options"].items())
    raw = [[one["key"], one["way"], " · ".join(map(number, one["rates"]))]
           for one in measured["raw"]]
    return "\n\n".join([
        f"`{measured['command']}`, {measured['date']}: {host['cores']} cores ({host['cpu']}), "
        f"{host['memory_gib']} GiB, PostgreSQL {durable['server_version'].split()[0]} with "
        f"fsync = {durable['fsync']}, synchronous_commit = {durable['synchronous_commit']}; "
        f"{options}; load generator on the same cores.",
        table(["timed", "key", "raw /s", "signatures /s", "share (least–most)", "floor", "by CPU time",
               "authorize p50 / p99 ms", "signHash p50 / p99 ms"], rate_rows(measured["results"])),
        table(["timed", "key", "CPU µs a signature: raw", "api", "SAMs", "PostgreSQL", "load",
               "commits a signature", "WAL bytes a signature",
               "PSS MB: api", "SAMs", "PostgreSQL", "cores busy / by others / stolen"],
              cost_rows(measured["results"])),
        table(["raw", "way", "signatures /s, in the order of measuring"], raw)]) + "\n"


def head(options):
    return {"command": shlex.join(["tests/bench/run", *sys.argv[1:]]),
            "date": datetime.date.today().isoformat(), "machine": machine(), "options": options}

"""CPU time, memory and commits of everything that runs, by kind of process."""

import contextlib
import os
import re
import subprocess
from pathlib import Path

import psycopg2

TICK = os.sysconf("SC_CLK_TCK")
KINDS = ("api", "sams", "postgres")


def stat(pid):
    """CPU seconds of a process itself, and of its children that ended; zeros if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0, 0.0
    own, ended = fields[11:13], fields[13:15]
    return sum(map(int, own)) / TICK, sum(map(int, ended)) / TICK


def children(pid):
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def memory(pid):
    """Its share of what it maps (PSS), in bytes; 0 where this user may not look."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) * 1024


def machine():
    """CPU seconds that the whole machine was busy, and that its host gave to others, since it
    started."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, stolen = map(int, words[:8])
    return {"machine": (user + nice + system + irq + softirq) / TICK, "stolen": stolen / TICK}


class Meter:
    """Of one daemon and its PostgreSQL."""

    def __init__(self, server):
        self.server = server
        pid_file = server.instance.path("pg", "data", "postmaster.pid")
        self.postmaster = int(pid_file.read_text().split()[0])
        self.database = server.instance.connect("postgres")

    def close(self):
        self.database.close()

    def pids(self):
        sams = [pid for role in ("activate", "sign", "issue") for pid in self.server.sams(role)]
        return {"api": [self.server.api_pid()], "sams": sams,
                "postgres": [self.postmaster, *children(self.postmaster)]}

    def cpu(self):
        """A process that ended meanwhile is in its parent's account: SAMs are the supervisor's."""
        pids = self.pids()
        used = {kind: sum(sum(stat(pid)) for pid in pids[kind]) for kind in KINDS}
        used["sams"] += stat(self.server.process.pid)[1]
        return {**used, **machine()}

    def all(self):
        return {**self.cpu(), **self.written()}

    def memory(self):
        return {kind: sum(map(memory, pids)) for kind, pids in self.pids().items()}

    def written(self):
        """Commits that wrote something, and bytes of the write-ahead log, since ever."""
        with self.database.cursor() as cursor:
            cursor.execute("SELECT txid_snapshot_xmax(txid_current_snapshot()),"
                           " pg_current_wal_insert_lsn() - '0/0'")
            commits, wal = cursor.fetchone()
        return {"commits": int(commits), "wal": int(wal)}

    def durability(self):
        with self.database.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings WHERE name IN"
                           " ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version')")
            return dict(cursor.fetchall())


class Statements:
    """What PostgreSQL did while the window lasted, by statement: pg_stat_statements."""

    @staticmethod
    def prepare(instance):
        """Loads it into the cluster; before a daemon uses it."""
        for name, value in (("shared_preload_libraries", "'pg_stat_statements'"),
                            ("pg_stat_statements.track_planning", "on")):
            with contextlib.closing(instance.connect("postgres")) as database:
                with database.cursor() as cursor:
                    cursor.execute(f"ALTER SYSTEM SET {name} = {value}")
            instance.postgres_stop()
            instance.postgres_start()

    def __init__(self, instance):
        # in a database that is not the service's
        self.database = psycopg2.connect(instance.conninfo("postgres"), dbname="postgres")
        self.database.autocommit, self.found = True, []
        self.ask("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        self.ask("SELECT pg_stat_statements_reset()")

    def ask(self, sql):
        with self.database.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def keep(self):
        self.found = self.ask(
            "SELECT calls, rows, total_exec_time * 1000, total_plan_time * 1000,"
            " regexp_replace(query, '\\s+', ' ', 'g') FROM pg_stat_statements"
            " ORDER BY total_exec_time + total_plan_time DESC LIMIT 12")
        self.database.close()

    def report(self, signatures):
        lines = ["us a signature: run, plan; calls, rows a signature; statement"]
        return lines + [
            f"{run / signatures:8.1f} {plan / signatures:6.1f} {calls / signatures:7.3f}"
            f" {rows / signatures:7.3f}  {self.short(query)}"
            for calls, rows, run, plan, query in self.found if "pg_stat_statements" not in query]

    @staticmethod
    def short(query):
        """How it begins, and what it writes."""
        writes = re.findall(r"(?:INSERT INTO|UPDATE|DELETE FROM) [\w.]+", query)
        return query[:90] + (" … " + ", ".join(writes) if writes else "")


class Profile:
    """perf record of every kind of process, and PostgreSQL's statements, while a window lasts."""

    def __init__(self, instance):
        self.instance, self.records, self.statements = instance, {}, None

    def start(self, pids, seconds):
        self.statements = Statements(self.instance)
        for kind, group in pids.items():
            file = Path(self.instance.folder) / f"perf.{kind}"
            self.records[kind] = file, subprocess.Popen(
                ["perf", "record", "-q", "-F", "499", "-o", str(file), "-p",
                 ",".join(map(str, group)), "--", "sleep", str(seconds)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.statements.keep()

    def report(self, signatures, lines=30):
        """Of each kind: how much of its CPU is in which file, and the dearest symbols."""
        found = {}
        for kind, (file, process) in self.records.items():
            process.wait()
            found[kind] = self.shares(file, "dso")[:8] + [""] + self.shares(file, "dso,symbol")[:lines]
        return {**found, "statements": self.statements.report(signatures)}

    @staticmethod
    def shares(file, by):
        text = subprocess.run(
            ["perf", "report", "-i", str(file), "--stdio", "-q", "--sort", by,
             "--percent-limit", "0.4"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, check=False).stdout
        return [re.sub(r"[\s-]*$", "", line) for line in text.splitlines() if line.strip()]

"""An instance: PostgreSQL cluster, tokens, certificates and configuration in one folder, made by the
same steps as quickstart's (rsspd/bootstrap/instance)."""

import os
import shlex
import socket
import subprocess
from pathlib import Path

import psycopg2

SOURCE = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("RSSPD_BUILD", SOURCE / "build")).resolve()


def free_ports(count):
    """Ports of the loopback that nobody listens on; all different."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Instance:
    def __init__(self, folder):
        self.folder = Path(folder)
        try:
            self.run("prepare", str(BUILD))
        except RuntimeError:
            self.close()
            raise

    def run(self, command, *arguments):
        """One command of rsspd/bootstrap/instance; its output is the error's text."""
        done = subprocess.run(
            [str(SOURCE / "rsspd/bootstrap/instance"), command, str(self.folder), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=180, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"instance {command} failed:\n{done.stdout}")
        return done.stdout

    def environment(self):
        return {**os.environ, "SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}

    def path(self, *parts):
        return self.folder.joinpath(*parts)

    def config(self, name, **options):
        """Writes a configuration; options are section__key=value, with _ for - in the key."""
        pairs = []
        for option, value in options.items():
            section, key = option.split("__")
            pairs.append(f"{section}.{key.replace('_', '-')}={value}")
        file = self.path(name)
        self.run("config", str(file), *pairs)
        return file

    def operator(self, name):
        self.run("operator", name)
        return self.path("operators", f"{name}.pem"), self.path("operators", f"{name}.key")

    def conninfo(self, role):
        return self.run("conninfo", role).strip()

    def connect(self, role, autocommit=True):
        """A psycopg2 connection as postgres (superuser), rsspd (the daemon) or rssp_auditor."""
        connection = psycopg2.connect(self.conninfo(role))
        connection.autocommit = autocommit
        return connection

    def postgres_stop(self):
        self.run("postgres-stop")

    def postgres_start(self):
        self.run("postgres-start")

    def mails(self, spool):
        """The texts in the spool `codes` or `notices`, oldest first."""
        files = [file for file in self.path("spool", spool).iterdir() if file.is_file() and not file.name.startswith(".")]
        return [file.read_text() for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)]

    def close(self):
        self.postgres_stop()
        place = self.path("pg")
        if place.is_symlink():
            subprocess.run(f"rm -rf {shlex.quote(str(place.resolve()))}", shell=True, check=True)

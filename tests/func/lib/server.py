"""One running rsspd."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import requests

from .instance import BUILD, free_ports


class Server:
    """A daemon on free ports; several may share an instance, that is, database and tokens."""

    def __init__(self, instance, name="rsspd", **options):
        self.instance, self.name = instance, name
        self.port, self.pki_port = free_ports(2)
        self.url = f"https://127.0.0.1:{self.port}"
        self.pki_url = f"http://127.0.0.1:{self.pki_port}"
        self.cacert = str(instance.path("tls", "root.pem"))
        self.log_file = instance.path("log", f"{name}.log")
        self.config_file = instance.config(f"{name}.conf", **{
            "listen__port": self.port, "listen__public_url": self.url,
            "pki__port": self.pki_port, "pki__url": self.pki_url, **options})
        self.process = None

    def program(self, name):
        return str(BUILD / "bin" / name)

    def start(self, ready=True):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [self.program("rsspd"), "run", "--config", str(self.config_file)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.instance.environment(), start_new_session=True)
        if ready:
            self.wait_ready()
        return self

    def ready(self):
        try:
            return requests.get(self.url + "/readyz", verify=self.cacert, timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def wait_ready(self, timeout=30):
        self.wait_until(self.ready, timeout, "rsspd is not ready")

    def wait_until(self, condition, timeout, message):
        """Asks again every 50 ms; ends at once when the daemon does."""
        end = time.monotonic() + timeout
        while not condition():
            if self.process.poll() is not None:
                raise AssertionError(f"rsspd ended with {self.process.returncode}:\n{self.log_tail()}")
            if time.monotonic() > end:
                raise AssertionError(f"{message} after {timeout} s:\n{self.log_tail()}")
            time.sleep(0.05)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def log_tail(self, lines=40):
        return "\n".join(self.log().splitlines()[-lines:])

    def sanitizer_reports(self):
        """A process that a sanitizer ended is replaced: only the log tells."""
        return [line for line in self.log().splitlines()
                if "Sanitizer" in line or "runtime error:" in line]

    def stop(self, timeout=30):
        """SIGTERM to the supervisor; its exit status."""
        status = self.end(timeout)
        assert not self.sanitizer_reports(), self.sanitizer_reports()
        return status

    def end(self, timeout):
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            for pid in [self.process.pid, *self.children()]:
                os.kill(pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"rsspd did not end after SIGTERM:\n{self.log_tail()}") from None

    # -- its processes --

    def children(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in Path(path).read_text().split()]

    def command_line(self, pid):
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return []

    def sams(self, role):
        """Process ids of the SAMs of a role: activate, sign or issue."""
        found = []
        for pid in self.children():
            words = self.command_line(pid)
            if b"--role" in words and words[words.index(b"--role") + 1] == role.encode():
                found.append(pid)
        return found

    def api_pid(self):
        """The api process: the one child that is no SAM."""
        pids = [pid for pid in self.children() if b"--role" not in self.command_line(pid)]
        assert len(pids) == 1, f"api processes: {pids}"
        return pids[0]

    def kill_sam(self, role, wait=True):
        """kill -9 to every SAM of that role; then waits until the api process has the new ones."""
        old = self.sams(role)
        assert old, f"no SAM of role {role}"
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        if wait:
            self.wait_until(lambda: self.sams_greeted(role, len(old), old), 20,
                            f"no new SAM of role {role}")
        return old

    def sams_greeted(self, role, count, but=()):
        """Are there so many SAMs of that role, other than those, that greeted the api process?"""
        pids, log = [pid for pid in self.sams(role) if pid not in but], self.log()
        return len(pids) == count and self.ready() and all(
            re.search(rf"sam is ready role={role} index=\d+ sam_pid={pid}\b", log) for pid in pids)

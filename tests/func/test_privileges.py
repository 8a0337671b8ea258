"""The boundary between the api process and the SAMs: different users, each with its own files. The users
are two that every Debian has; what the one must not read is tried under its uid. Needs root."""

import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
import requests

from lib import exposition
from lib.instance import BUILD, Instance, free_ports
from lib.people import Operator
from lib.server import Server
from lib.signatures import verify

SAM_USER, API_USER = pwd.getpwnam("daemon"), pwd.getpwnam("nobody")
ROLES = ("activate", "sign", "issue")


class InstalledServer(Server):
    """Its programs stand where any user can execute them, as after an installation."""

    def program(self, name):
        return str(self.instance.path("bin", name))

    def every_sam(self):
        return [pid for role in ROLES for pid in self.sams(role)]


@pytest.fixture(scope="module")
def bounded():
    # not in pytest's own folder, which is closed to other users
    with tempfile.TemporaryDirectory(prefix="rsspd-users-") as folder:
        instance = Instance(folder)
        server = None
        try:
            instance.path("bin").mkdir(mode=0o755)
            for name in ("rsspd", "rssp-sam"):
                shutil.copyfile(BUILD / "bin" / name, instance.path("bin", name))
                instance.path("bin", name).chmod(0o755)
            server = InstalledServer(
                instance, "bounded", sam__user=SAM_USER.pw_name, api__user=API_USER.pw_name,
                log__file=instance.path("log", "bounded.file"), metrics__port=free_ports(1)[0])
            instance.run("owners", SAM_USER.pw_name, API_USER.pw_name)
            yield server.start()
            assert server.stop() == 0
        finally:
            if server is not None:
                server.stop()
            instance.close()


def run_as(user, *command):
    return subprocess.run(
        ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--",
         *map(str, command)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        errors="replace", env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, check=False)


def can_read(user, path):
    """A folder: its list; a file: its bytes. Refused for permission, or else the test is wrong."""
    command = ("ls", "-1") if path.is_dir() else ("cat",)
    done = run_as(user, *command, path)
    assert done.returncode == 0 or "Permission denied" in done.stderr, done.stderr
    return done.returncode == 0


def status(pid):
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def descriptors(pid):
    return [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]


def mapped(pid):
    """The names of the files in its memory."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {Path(line.split(None, 5)[5]).name for line in lines if len(line.split(None, 5)) == 6}


def network_sockets(pid):
    """Its descriptors that are TCP or UDP sockets."""
    tables = [Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
              for name in ("tcp", "tcp6", "udp", "udp6")]
    inodes = {line.split()[9] for table in tables for line in table}
    return [name for name in descriptors(pid) if name.strip("socket:[]") in inodes]


def test_each_process_runs_under_its_user_and_with_nothing_more(bounded):
    places = [(bounded.api_pid(), API_USER)] + [(pid, SAM_USER) for pid in bounded.every_sam()]
    assert len(places) == 5
    for pid, user in places:
        has = status(pid)
        assert has["Uid"] == [str(user.pw_uid)] * 4
        assert has["Gid"] == [str(user.pw_gid)] * 4
        assert set(has["Groups"]) <= {str(user.pw_gid)}
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(has[kind][0], 16) == 0, kind
        assert has["NoNewPrivs"] == ["1"]


def test_the_log_file_is_roots_and_every_process_writes_it(bounded):
    file = bounded.instance.path("log", "bounded.file")
    assert (file.stat().st_uid, file.stat().st_mode & 0o027) == (0, 0)
    names = {line.split()[2] for line in file.read_text().splitlines()}
    assert names == {"supervisor", "api", "sam-activate-0", "sam-sign-0", "sam-sign-1", "sam-issue-0"}
    for user in (API_USER, SAM_USER):
        assert not can_read(user, file)
    for pid in [bounded.api_pid(), *bounded.every_sam()]:
        assert str(file) in descriptors(pid)


def test_after_logrotate_the_processes_get_a_file_that_they_may_not_open(bounded):
    file = bounded.instance.path("log", "bounded.file")
    old = file.with_suffix(".1")
    file.rename(old)
    os.kill(bounded.process.pid, signal.SIGHUP)
    bounded.wait_until(
        lambda: file.exists() and "certificate and key reloaded" in file.read_text(), 10, "not followed")
    assert {line.split()[2] for line in file.read_text().splitlines()} == {"supervisor", "api"}
    assert not can_read(API_USER, file)


def test_the_api_process_reports_itself_under_its_own_user(bounded):
    port = re.search(r"metrics=(\d+)", bounded.log()).group(1)
    answer = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
    families = exposition.parse(answer.text)
    for name in ("process_open_fds", "process_resident_memory_bytes", "process_cpu_seconds_total"):
        assert exposition.value(families, name) > 0, name


def test_the_check_passes_what_two_users_run(bounded):
    done = subprocess.run([bounded.program("rsspd"), "--check-config", "--with-database", "--config",
                           str(bounded.config_file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_check_finds_what_one_of_them_cannot_read(bounded):
    secret = bounded.instance.path("tls", "server.key")
    kept = secret.stat()
    os.chown(secret, SAM_USER.pw_uid, SAM_USER.pw_gid)
    try:
        done = subprocess.run([bounded.program("rsspd"), "--check-config", "--config",
                               str(bounded.config_file)], capture_output=True, text=True, check=False)
    finally:
        os.chown(secret, kept.st_uid, kept.st_gid)
    assert done.returncode == 78
    assert f"cannot be read by {API_USER.pw_name}" in done.stderr


def test_no_process_can_be_dumped_or_traced_even_by_its_own_user(bounded):
    for pid, user in [(bounded.api_pid(), API_USER)] + [(pid, SAM_USER) for pid in bounded.every_sam()]:
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        cores = next(line.split() for line in limits if line.startswith("Max core file size"))
        assert cores[4:6] == ["0", "0"]
        # of a process that cannot be dumped they belong to root, not to its user
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0
        for one in (API_USER, SAM_USER):
            assert not can_read(one, Path(f"/proc/{pid}/environ"))
            assert not can_read(one, Path(f"/proc/{pid}/fd"))


def test_the_token_and_its_pins_are_for_the_sams_alone(bounded):
    path = bounded.instance.path
    objects = [file for file in path("tokens").rglob("*") if file.is_file()]
    assert objects
    secrets = [path("tokens"), *objects, path("secrets", "keys.pin"), path("secrets", "ca.pin"),
               path("spool", "codes")]
    assert can_read(API_USER, path("bounded.conf")), "its folder is closed: nothing is shown"
    for secret in secrets:
        assert not can_read(API_USER, secret), secret
        assert can_read(SAM_USER, secret), secret


def test_the_tls_key_and_the_database_password_are_for_the_api_process_alone(bounded):
    path = bounded.instance.path
    for secret in (path("tls", "server.key"), path("secrets", "rsspd.pgpass"), path("spool", "notices")):
        assert can_read(API_USER, secret), secret
        assert not can_read(SAM_USER, secret), secret


def test_neither_user_reads_the_security_officers_pins_or_changes_what_is_trusted(bounded):
    path = bounded.instance.path
    for user in (API_USER, SAM_USER):
        assert not can_read(user, path("secrets", "keys.so-pin"))
        assert not can_read(user, path("secrets", "ca.so-pin"))
        for file in ("operators.pem", "bounded.conf", "ca.pem"):
            assert run_as(user, "test", "-r", path(file)).returncode == 0
            assert run_as(user, "test", "-w", path(file)).returncode == 1


def test_the_api_process_holds_no_token_and_no_module(bounded):
    pid = bounded.api_pid()
    tokens = str(bounded.instance.path("tokens"))
    assert not [name for name in descriptors(pid) if name.startswith(tokens)]
    assert not [name for name in mapped(pid) if "softhsm" in name]
    assert network_sockets(pid), "the listener: else the test of the SAMs shows nothing"
    assert [name for name in mapped(pid) if name.startswith("libpq")]
    for sam in bounded.every_sam():
        assert [name for name in mapped(sam) if "softhsm" in name]


def test_the_supervisor_holds_no_network(bounded):
    assert not network_sockets(bounded.process.pid)


def test_the_sams_hold_no_network_and_no_database(bounded):
    for pid in bounded.every_sam():
        assert not network_sockets(pid)
        libraries = ("libpq", "libssl", "libcurl", "libevent", "libldap", "libgssapi")
        assert not [name for name in mapped(pid) if name.startswith(libraries)]


def test_a_signature_is_made_across_the_boundary(bounded):
    operator = Operator(bounded)
    agency = operator.add_agency()
    client = operator.add_client(agency)
    subscriber = operator.subscriber(agency)
    digest = hashlib.sha256(b"across the boundary").digest()
    sad = client.authorize(subscriber, [digest])
    answer = client.sign(subscriber, sad, [digest]).json()
    verify(subscriber.certificate, answer["signatures"][0], digest)
    for spool, user in (("codes", SAM_USER), ("notices", API_USER)):
        mails = list(bounded.instance.path("spool", spool).iterdir())
        assert mails and {mail.stat().st_uid for mail in mails} == {user.pw_uid}


def test_after_its_death_a_process_starts_under_the_same_user(bounded):
    bounded.kill_sam("sign")
    for pid in bounded.sams("sign"):
        assert status(pid)["Uid"] == [str(SAM_USER.pw_uid)] * 4


def test_the_start_says_when_there_is_no_boundary(bounded):
    assert "no boundary" not in bounded.log()
    for name, options in {"same": {"sam__user": "nobody", "api__user": "nobody"},
                          "half": {"sam__user": "daemon"}}.items():
        open_server = InstalledServer(bounded.instance, name, **options)
        try:
            open_server.start(ready=False)
            open_server.wait_until(
                lambda: "no boundary between them" in open_server.log(), 10, "nothing said")
        finally:
            open_server.stop()


@pytest.mark.parametrize("user", ["root", "no-such-user"])
def test_root_or_a_stranger_is_refused_as_user(bounded, user):
    wrong = InstalledServer(bounded.instance, f"wrong-{user}", sam__user=user)
    wrong.start(ready=False)
    assert wrong.process.wait(10) == 78

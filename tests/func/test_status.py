"""`rssp operator status` and the route behind it: what is wrong, and what to do about it."""

import os
import re
import shutil
import signal
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from lib.instance import SOURCE, Instance
from lib.people import Operator
from lib.rssp import Rssp
from lib.server import Server
from test_reload import DAY, fresh, make_certificate

STATUS = "/operator/v1/status"


class Observed(Server):
    """A daemon whose certificate a test may change, and whose parts it may end."""

    def __init__(self, instance):
        self.certificate, self.key = (instance.path("tls", name) for name in ("live.pem", "live.key"))
        for source, copy in (("server.pem", self.certificate), ("server.key", self.key)):
            shutil.copy(instance.path("tls", source), copy)
        super().__init__(instance, tls__certificate=self.certificate, tls__key=self.key,
                         database__connections=4)

    def hang_up(self, until):
        """SIGHUP, then waits for a line of the log."""
        count = self.log().count(until)
        self.process.send_signal(signal.SIGHUP)
        self.wait_until(lambda: self.log().count(until) > count, 10, until)


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    instance = Instance(tmp_path_factory.mktemp("status"))
    daemon = Observed(instance)
    try:
        daemon.start()
        yield daemon
        assert daemon.stop() == 0
    finally:
        instance.close()


@pytest.fixture(scope="module")
def watcher(observed):
    return Operator(observed)


def problems(body):
    return {(one["part"], one["code"], one["severity"]) for one in body["problems"]}


def crl_is_there(watcher):
    return watcher.get("status").json()["revocationList"]["nextUpdate"] is not None


def test_all_is_well_after_the_start(observed, watcher):
    observed.wait_until(lambda: crl_is_there(watcher), 10, "no revocation list")
    body = watcher.get("status").json()
    assert (body["status"], body["problems"]) == ("ok", [])
    assert body["database"]["up"] == body["database"]["connections"] == 4
    assert [(one["role"], one["ready"], one["processes"]) for one in body["modules"]] == [
        ("activate", 1, 1), ("sign", 2, 2), ("issue", 1, 1)]
    assert [one["name"] for one in body["certificates"]] == ["server", "ca", "operator"]
    assert all(one["daysLeft"] > 30 for one in body["certificates"])
    assert body["requests"]["inFlight"] == 1  # this one


def test_people_read_a_table(observed, watcher):
    observed.wait_until(lambda: crl_is_there(watcher), 10, "no revocation list")
    shown = Rssp(observed, operator=watcher).run("operator", "status").out
    lines = shown.splitlines()
    assert re.match(r"Dịch vụ ký số tập trung Mẫu  rsspd \S+  ok  since ", lines[0])
    for part in ("database", "audit", "modules: activate", "modules: sign", "modules: issue",
                 "server certificate", "CA certificate", "operator certificate", "revocation list",
                 "requests"):
        [line] = [line for line in lines if line.startswith(part)]
        assert re.match(rf"{part} +ok  ", line), line
    assert re.search(r"^server certificate +ok +until \d{4}-\d\d-\d\d \d\d:\d\d UTC, \d+ days left$",
                     shown, re.MULTILINE)
    assert "Do:" not in shown and "\033" not in shown


def test_it_speaks_vietnamese(observed, watcher):
    shown = Rssp(observed, operator=watcher, lang="vi").run("operator", "status").out
    assert re.search(r"^cơ sở dữ liệu +bình thường  +4/4 kết nối", shown, re.MULTILINE)


def test_programs_read_json(observed, watcher):
    said = Rssp(observed, operator=watcher).json("operator", "status")
    assert said["status"] in ("ok", "warning") and len(said["modules"]) == 3


def test_a_terminal_gets_colours(observed, watcher):
    code, shown, _ = Rssp(observed, operator=watcher).talk("operator", "status", answers=[])
    assert code == 0 and re.search("database *\033\\[32mok", shown)


def test_nobody_else_sees_it(observed):
    done = Rssp(observed).run("operator", "status", expect=2)
    assert "operator" in done.err


def test_a_sam_that_died_is_told_with_what_to_do(observed, watcher):
    observed.kill_sam("sign")
    body = watcher.get("status").json()
    assert ("sign", "module-restarts", "warning") in problems(body)
    [sign] = [one for one in body["modules"] if one["role"] == "sign"]
    assert sign["died"] == 2 and sign["lastRestart"] is not None and sign["ready"] == 2
    shown = Rssp(observed, operator=watcher).run("operator", "status").out
    assert re.search(r"^modules: sign +warning .*died 2", shown, re.MULTILINE)
    assert re.search(r"^modules: sign: A module died .*\n  Do: .*rssp-keys check", shown, re.MULTILINE)
    assert "Cần làm:" in Rssp(observed, operator=watcher, lang="vi").run("operator", "status").out


def test_a_role_without_a_sam_is_critical(observed, watcher):
    pin = observed.instance.path("secrets", "ca.pin")
    away = pin.with_name("ca.pin.away")
    pin.rename(away)  # the next one cannot log in
    old = observed.sams("issue")
    try:
        os.kill(old[0], signal.SIGKILL)
        observed.wait_until(
            lambda: ("issue", "module-missing", "critical") in problems(watcher.get("status").json()),
            10, "the missing module is not told")
        assert watcher.get("status").json()["status"] == "critical"
        shown = Rssp(observed, operator=watcher, lang="vi").run("operator", "status").out
        assert re.search(r"^mô-đun: issue +nghiêm trọng  0/1 sẵn sàng", shown, re.MULTILINE)
    finally:
        away.rename(pin)
    observed.wait_until(lambda: observed.sams_greeted("issue", 1, old), 20, "no SAM")


@pytest.mark.parametrize("days, severity", [(20, "warning"), (6, "critical")])
def test_a_certificate_near_its_end_is_told(observed, watcher, days, severity):
    """Judged by what the server says on a connection that is open: the new certificate is not of the
    root that the tests trust."""
    now = datetime.utcnow()
    kept = [(file, file.read_bytes()) for file in (observed.certificate, observed.key)]
    watcher.get("status")
    certificate, key = make_certificate(now - DAY, now + timedelta(days=days, hours=1))
    observed.certificate.write_bytes(certificate)
    observed.key.write_bytes(key)
    observed.hang_up("certificate and key reloaded")
    try:
        body = watcher.get("status").json()
        assert ("server", "server-certificate", severity) in problems(body)
        [server] = [one for one in body["certificates"] if one["name"] == "server"]
        assert server["daysLeft"] == days
    finally:
        for file, content in kept:
            file.write_bytes(content)
        observed.hang_up("certificate and key reloaded")
    assert not any(part == "server" for part, _, _ in problems(watcher.get("status").json()))


def test_a_reload_that_failed_is_told_until_one_succeeds(observed, watcher):
    kept = observed.key.read_bytes()
    observed.key.write_bytes(fresh()[1])
    observed.hang_up("old ones stay")
    assert ("server", "reload-failed", "critical") in problems(watcher.get("status").json())
    shown = Rssp(observed, operator=watcher).run("operator", "status").out
    assert "rsspd --check-config says what is wrong" in shown
    observed.key.write_bytes(kept)
    observed.hang_up("certificate and key reloaded")
    assert not any(part == "server" for part, _, _ in problems(watcher.get("status").json()))


def test_a_database_that_is_away_is_told_all_the_same(observed, watcher):
    observed.instance.postgres_stop()
    try:
        observed.wait_until(lambda: not observed.ready(), 10, "still ready")
        answer = watcher.get("status", expect=503)
        assert answer.headers["Retry-After"]
        assert ("database", "database-down", "critical") in problems(answer.json())
        done = Rssp(observed, operator=watcher).run("operator", "status")
        assert re.search(r"^database +critical +0 of 4 connections", done.out, re.MULTILINE)
        assert re.search(r"Do: Start PostgreSQL", done.out)
        assert Rssp(observed, operator=watcher).json("operator", "status")["status"] == "critical"
    finally:
        observed.instance.postgres_start()
        observed.wait_ready()
    observed.wait_until(lambda: watcher.get("status").json()["database"]["up"] == 4, 20, "not all back")


def stop_or_go(instance, number):
    """PostgreSQL with all its processes."""
    [file] = instance.path("pg").resolve().rglob("postmaster.pid")
    pid = int(file.read_text().split()[0])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (pid, *map(int, children)):
        os.kill(one, number)


def test_a_database_that_hangs_is_told_all_the_same(observed, watcher):
    """Its connections are there, and nothing comes back: a disk that stands still."""
    stop_or_go(observed.instance, signal.SIGSTOP)
    try:
        body = watcher.get("status", expect=503).json()
    finally:
        stop_or_go(observed.instance, signal.SIGCONT)
        observed.wait_ready()
    assert body["error"] == "temporarily_unavailable"
    assert body["status"] == "critical"
    assert ("database", "database-down", "critical") in problems(body)
    assert [one["ready"] for one in body["modules"]] == [1, 2, 1]
    observed.wait_until(lambda: watcher.get("status").json()["database"]["up"] == 4, 20, "not all back")


def test_every_problem_of_the_description_has_words_in_both_languages():
    described = (SOURCE / "api" / "openapi.yaml").read_text(encoding="utf-8")
    codes = re.search(r"enum: \[(database-down[^\]]*)\]", described).group(1).split(", ")
    words = (SOURCE / "clients" / "cli" / "status.c").read_text(encoding="utf-8")
    handler = (SOURCE / "api" / "operator_status.c").read_text(encoding="utf-8")
    for code in codes:
        assert f'{{"{code}",' in words and f'"{code}"' in handler, code

"""SIGHUP: certificate and key of TLS are read again, the log file is opened anew. And the log as JSON,
into a file that every process writes."""

import json
import os
import re
import shutil
import signal
import ssl
from datetime import datetime, timedelta, timezone

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lib import exposition
from lib.api import Api
from lib.crowd import background
from lib.instance import Instance, free_ports
from lib.people import Operator
from lib.server import Server

DAY = timedelta(days=1)


class Reloaded(Server):
    def __init__(self, instance):
        self.log_json = instance.path("log", "rsspd.json")
        self.metrics_port, self.mtls_port = free_ports(2)
        self.certificate, self.key = (instance.path("tls", name) for name in ("live.pem", "live.key"))
        for source, copy in (("server.pem", self.certificate), ("server.key", self.key)):
            shutil.copy(instance.path("tls", source), copy)
        super().__init__(instance, tls__certificate=self.certificate, tls__key=self.key,
                         metrics__port=self.metrics_port, listen__mtls_port=self.mtls_port,
                         log__format="json", log__level="debug", log__file=self.log_json)

    def served(self):
        """The certificate that a new connection gets, DER; at both listeners."""
        first, second = (ssl.get_server_certificate(("127.0.0.1", port))
                         for port in (self.port, self.mtls_port))
        assert first == second
        return ssl.PEM_cert_to_DER_cert(first)

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def reloads(self, result):
        text = requests.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10).text
        return exposition.value(exposition.parse(text), "rsspd_tls_reloads_total", result=result)

    def reload(self, result):
        """SIGHUP, then waits until the reload has ended so."""
        before = self.reloads(result)
        self.hang_up()
        self.wait_until(lambda: self.reloads(result) > before, 10, f"no reload: {result}")

    def settled(self):
        """Has every SIGHUP that was taken had its end?"""
        taken = sum(line["event"] == "reloading" for file in self.log_json.parent.glob("rsspd.*")
                    if file != self.log_file for line in self.lines(file))
        return taken == self.reloads("ok") + self.reloads("failed")

    def lines(self, file=None):
        return [json.loads(line) for line in (file or self.log_json).read_text().splitlines()]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    instance = Instance(tmp_path_factory.mktemp("reload"))
    started = Reloaded(instance)
    try:
        started.start()
        yield started
        assert started.stop() == 0
    finally:
        instance.close()


@pytest.fixture
def restored(daemon):
    """Whatever a test puts there, the certificate of the start is back and in force after it."""
    kept = [(file, file.read_bytes()) for file in (daemon.certificate, daemon.key)]
    yield daemon
    for file, content in kept:
        file.write_bytes(content)
    daemon.reload("ok")


def make_certificate(not_before, not_after, key=None):
    """A self-signed one for 127.0.0.1: (certificate PEM, key PEM)."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before).not_valid_after(not_after)
            .sign(key, hashes.SHA256()))
    return made.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def fresh():
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    return make_certificate(now - DAY, now + 30 * DAY)


def put(daemon, certificate, key):
    daemon.certificate.write_bytes(certificate)
    daemon.key.write_bytes(key)


# -- TLS --

def test_a_new_certificate_is_served_after_sighup(restored):
    before = restored.served()
    certificate, key = fresh()
    put(restored, certificate, key)
    assert restored.served() == before, "a file that changes changes nothing by itself"
    restored.reload("ok")
    assert restored.served() == ssl.PEM_cert_to_DER_cert(certificate.decode()) != before


def test_a_connection_that_is_open_goes_on(restored):
    api = Api(restored)
    api.get("/healthz", 200)
    put(restored, *fresh())
    restored.reload("ok")
    # a new handshake would fail: the new certificate is not of the root that this client trusts
    api.get("/healthz", 200)
    with pytest.raises(requests.exceptions.SSLError):
        Api(restored).get("/healthz")


def test_a_request_under_way_is_answered(restored):
    stopped = restored.sams("issue")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        asked = background(lambda: Api(restored).post("/activation/v1/activate", {
            "code": "AAAAA-BBBBB-CCCCC-DDDDD", "identityNumber": "012345678901", "PIN": "kP7vRm2xWq"}, 400))
        put(restored, *fresh())
        restored.reload("ok")
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    assert asked.result(30).status_code == 400


def test_the_end_of_the_new_certificate_is_told(restored):
    now = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
    put(restored, *make_certificate(now - DAY, now + 17 * DAY))
    restored.reload("ok")
    text = requests.get(f"http://127.0.0.1:{restored.metrics_port}/metrics", timeout=10).text
    end = exposition.value(exposition.parse(text), "rsspd_certificate_not_after_seconds",
                           certificate="server")
    assert end == (now + 17 * DAY).replace(tzinfo=timezone.utc).timestamp()


def broken():
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    certificate, key = fresh()
    _, other_key = fresh()
    expired, expired_key = make_certificate(now - 30 * DAY, now - DAY)
    early, early_key = make_certificate(now + DAY, now + 30 * DAY)
    return [("no PEM", b"nothing\n", key, "tls.certificate"),
            ("empty", b"", key, "tls.certificate"),
            ("cut", certificate[:200], key, "tls.certificate"),
            ("another key", certificate, other_key, "tls.key"),
            ("no key", certificate, b"", "tls.key"),
            ("expired", expired, expired_key, "valid"),
            ("not yet valid", early, early_key, "valid")]


@pytest.mark.parametrize("what, certificate, key, says", broken(), ids=lambda value: value
                         if isinstance(value, str) else "")
def test_a_broken_certificate_is_refused_and_the_old_one_stays(restored, what, certificate, key, says):
    before, seen = restored.served(), len(restored.lines())
    put(restored, certificate, key)
    restored.reload("failed")
    assert restored.served() == before
    Api(restored).get("/healthz", 200)
    said = [line for line in restored.lines()[seen:] if line["level"] == "error"]
    assert any(says in json.dumps(line) for line in said), said
    assert any("old ones stay" in line["event"] for line in said), said


def test_a_missing_file_is_refused_and_the_old_one_stays(restored):
    before, content = restored.served(), restored.certificate.read_bytes()
    restored.certificate.unlink()
    restored.reload("failed")
    assert restored.served() == before
    restored.certificate.write_bytes(content)


def test_sighup_ends_nobody(daemon):
    pids = sorted(daemon.children())
    for _ in range(5):
        daemon.reload("ok")
    assert sorted(daemon.children()) == pids and daemon.process.poll() is None


def test_a_burst_of_sighups_is_harmless(daemon):
    for _ in range(50):
        daemon.hang_up()
    daemon.hang_up()
    daemon.wait_until(daemon.settled, 10, "reloads are missing")
    Api(daemon).get("/healthz", 200)


# -- the log file --

def test_every_line_of_the_file_is_one_json_object(daemon):
    Api(daemon).get("/healthz", 200)
    for line in daemon.lines():
        assert list(line)[:6] == ["time", "level", "process", "pid", "module", "event"], line
        datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
        assert re.fullmatch(r".{19}\.\d{3}Z", line["time"])
        assert line["level"] in ("debug", "info", "warning", "error")
        assert isinstance(line["pid"], int)


def test_every_process_writes_the_file_under_its_own_name(daemon):
    pids = {}
    for line in daemon.lines():
        pids.setdefault(line["process"], set()).add(line["pid"])
    assert pids == {
        "supervisor": {daemon.process.pid}, "api": {daemon.api_pid()},
        "sam-activate-0": set(daemon.sams("activate")), "sam-issue-0": set(daemon.sams("issue")),
        "sam-sign-0": {daemon.sams("sign")[0]}, "sam-sign-1": {daemon.sams("sign")[1]}}


def test_a_request_is_found_by_its_id(daemon):
    answer = Api(daemon).get('/no/such/"route"\\%0A', 404)
    [line] = [line for line in daemon.lines() if line.get("req") == answer.headers["X-Request-Id"]]
    assert (line["module"], line["event"], line["level"]) == ("api", "answered", "info")
    assert (line["method"], line["status"], line["code"]) == ("GET", 404, "ROUTE_UNKNOWN")
    assert isinstance(line["us"], int)


def test_what_went_well_costs_a_line_at_debug_only(daemon):
    answer = Api(daemon).get("/healthz", 200)
    [line] = [line for line in daemon.lines() if line.get("req") == answer.headers["X-Request-Id"]]
    assert line["level"] == "debug"


def test_the_log_also_goes_to_standard_error(daemon):
    assert daemon.log().splitlines()[-1] in daemon.log_json.read_text().splitlines()


def test_the_file_is_not_for_everybody(daemon):
    assert daemon.log_json.stat().st_mode & 0o7777 == 0o640 & ~os.umask(os.umask(0o022))


def test_after_logrotate_every_process_writes_the_new_file(daemon):
    old = daemon.log_json.with_suffix(".1")
    daemon.log_json.rename(old)
    daemon.reload("ok")
    answer = Api(daemon).get("/moved", 404)
    request = answer.headers["X-Request-Id"]
    assert any(line.get("req") == request for line in daemon.lines())
    before = old.read_text()
    assert request not in before
    # a SAM that has lived since before, and one that starts now
    operator = Operator(daemon)
    agency = operator.add_agency()
    client, subscriber = operator.add_client(agency), operator.subscriber(agency)
    for _ in range(5):
        client.authorize(subscriber, [bytes(32)], 400, pin="wrong pin 1", otp=subscriber.wrong_otp())
    operator.unlock(subscriber.credential)
    client.authorize(subscriber, [bytes(32)])
    [dying], [living] = daemon.sams("issue"), daemon.sams("activate")
    os.kill(dying, signal.SIGKILL)
    daemon.wait_until(lambda: any(line["process"] == "sam-issue-0" for line in daemon.lines()), 20,
                      "the new SAM writes nothing")
    lines = daemon.lines()
    assert any(line["pid"] == living and "unlocked" in line["event"] for line in lines)
    assert any(line.get("child") == "sam-issue-0" and line.get("signal") == 9 for line in lines)
    assert old.read_text() == before, "somebody still writes the old file"


def test_a_folder_that_is_gone_stops_nobody(daemon):
    away = daemon.log_json.parent.with_name("log-away")
    daemon.log_json.parent.rename(away)
    try:
        daemon.reload("ok")
        Api(daemon).get("/healthz", 200)
    finally:
        away.rename(daemon.log_json.parent)
    daemon.reload("ok")

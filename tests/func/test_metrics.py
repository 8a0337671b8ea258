"""/metrics: what it counts, in which form, and where it is to be had."""

import hashlib
import os
import signal
import socket
import ssl
import time

import pytest
import requests

from lib import exposition
from lib.api import Api, b64
from lib.crowd import background
from lib.instance import Instance, free_ports
from lib.people import SHA256_OID, Operator
from lib.server import Server

PATH = "/csc/v2/signatures/signHash"


class Watched(Server):
    """A daemon whose metrics are read."""

    def __init__(self, instance):
        (self.metrics_port,) = free_ports(1)
        super().__init__(instance, metrics__port=self.metrics_port, limits__waiting=3)
        self.metrics_url = f"http://127.0.0.1:{self.metrics_port}/metrics"

    def metrics(self):
        answer = requests.get(self.metrics_url, timeout=10)
        assert answer.status_code == 200, answer
        return exposition.parse(answer.content.decode("utf-8"))

    def value(self, name, suffix="", **labels):
        return exposition.value(self.metrics(), name, suffix, **labels)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    instance = Instance(tmp_path_factory.mktemp("metrics"))
    daemon = Watched(instance)
    try:
        daemon.start()
        daemon.wait_until(lambda: daemon.value("rsspd_crl_this_update_seconds"), 10, "no CRL")
        yield daemon
        assert daemon.stop() == 0
    finally:
        instance.close()


@pytest.fixture(scope="module")
def application(watched):
    operator = Operator(watched)
    return operator.add_client(operator.add_agency())


@pytest.fixture
def signer(watched, application):
    """(client, subscriber)"""
    return application, Operator(watched).subscriber(application.agency)


def sign_one(client, subscriber):
    digest = hashlib.sha256(os.urandom(8)).digest()
    sad = client.authorize(subscriber, [digest])
    return client.api.post(PATH, {
        "credentialID": subscriber.credential, "SAD": sad, "signAlgo": subscriber.sign_algo,
        "hashes": [b64(digest)], "hashAlgorithmOID": SHA256_OID}, 200)


def test_the_text_is_of_the_format(watched):
    answer = requests.get(watched.metrics_url, timeout=10)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = exposition.parse(answer.text)
    assert [name for name, family in families.items() if not family.help.endswith(".")] == []
    # what has not happened yet, or is not known yet
    silent = {name for name, family in families.items() if not family.samples}
    assert silent <= {"rsspd_hsm_errors_total", "rsspd_process_last_restart_seconds"}


def test_requests_are_counted_by_route_and_status(watched):
    def count():
        return watched.value("rsspd_http_requests_total", route="/healthz", method="GET",
                             status="200") or 0
    before = count()
    for _ in range(3):
        Api(watched).get("/healthz", 200)
    assert count() == before + 3


def test_a_signature_shows_in_every_stage(watched, signer):
    def counts():
        metrics = watched.metrics()
        return [exposition.value(metrics, name, suffix, **labels) or 0 for name, suffix, labels in (
            ("rsspd_http_requests_total", "", {"route": PATH, "method": "POST", "status": "200"}),
            ("rsspd_http_request_duration_seconds", "_count", {"route": PATH, "method": "POST"}),
            ("rsspd_sam_jobs_total", "", {"role": "activate", "result": "OK"}),
            ("rsspd_sam_jobs_total", "", {"role": "sign", "result": "OK"}),
            ("rsspd_sam_job_duration_seconds", "_count", {"role": "sign"}))]
    before = counts()
    sign_one(*signer)
    assert [now - then for now, then in zip(counts(), before)] == [1, 1, 1, 1, 1]


def test_a_signature_costs_commits_and_time(watched, signer):
    committed = watched.value("rsspd_store_commits_total", result="committed")
    spent = watched.value("rsspd_http_request_duration_seconds", "_sum", route=PATH, method="POST")
    sign_one(*signer)
    metrics = watched.metrics()
    assert exposition.value(metrics, "rsspd_store_commits_total", result="committed") >= committed + 2
    took = exposition.value(metrics, "rsspd_http_request_duration_seconds", "_sum",
                            route=PATH, method="POST") - (spent or 0)
    assert 0.0002 < took < 10
    assert exposition.value(metrics, "rsspd_store_group_size", "_count") > 0


def test_refusals_are_counted_by_their_reason(watched, signer):
    client, subscriber = signer
    before = watched.value("rsspd_results_total", result="OTP_WRONG") or 0
    client.authorize(subscriber, [hashlib.sha256(b"x").digest()], 400, otp=subscriber.wrong_otp())
    metrics = watched.metrics()
    assert exposition.value(metrics, "rsspd_results_total", result="OTP_WRONG") == before + 1
    assert exposition.value(metrics, "rsspd_sam_jobs_total", role="activate", result="OTP_WRONG") >= 1
    assert not metrics["rsspd_hsm_errors_total"].samples, "a wrong code is no error of the HSM"


def test_no_address_makes_a_series_of_its_own(watched):
    def series():
        return sum(len(family.samples) for family in watched.metrics().values())
    Api(watched).get("/no/such/route", 404)
    Api(watched).request("DELETE", "/healthz", 405)
    before = series()
    for number in range(20):
        Api(watched).get(f"/no/such/route/{number}?x={number}", 404)
        Api(watched).request("PUT", "/healthz", 405, headers={"X-Any": str(number)})
    metrics = watched.metrics()
    assert series() == before
    assert exposition.value(metrics, "rsspd_http_requests_total", route="unknown", method="GET",
                            status="404") >= 21
    assert exposition.value(metrics, "rsspd_http_requests_total", route="/healthz", method="other",
                            status="405") >= 21


def test_a_killed_sam_is_counted_as_restarted(watched):
    labels = {"process": "sam-sign", "cause": "died"}
    before = watched.value("rsspd_process_restarts_total", **labels)
    assert before == 0 and watched.value("rsspd_sams_ready", role="sign") == 2
    watched.kill_sam("sign")
    assert watched.value("rsspd_process_restarts_total", **labels) == before + 2
    assert watched.value("rsspd_process_restarts_total", process="api", cause="died") == 0
    assert watched.value("rsspd_sams_ready", role="sign") == 2


def test_a_job_that_a_dead_sam_had_is_an_error_of_the_hsm(watched, signer):
    client, subscriber = signer
    digest = hashlib.sha256(b"never signed").digest()
    stopped = watched.sams("activate")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)  # the job is there, the answer never comes
    before = watched.value("rsspd_hsm_errors_total", error="HSM_LOST") or 0
    asked = background(lambda: client.authorize(subscriber, [digest], 503))
    watched.wait_until(lambda: watched.value("rsspd_sam_jobs_in_flight", role="activate") == 1, 10,
                       "the job is not with the SAM")
    assert watched.value("rsspd_http_requests_in_flight") == 1
    for pid in stopped:
        os.kill(pid, signal.SIGKILL)
    asked.result(30)
    assert watched.value("rsspd_hsm_errors_total", error="HSM_LOST") == before + 1
    watched.wait_until(lambda: watched.sams_greeted("activate", 1, stopped), 20, "no new SAM")


def test_what_is_refused_for_load_is_counted(watched, signer):
    client, subscriber = signer
    before = watched.value("rsspd_overload_refusals_total", limit="requests")
    body = {"credentialID": subscriber.credential, "numSignatures": 1, "PIN": subscriber.pin,
            "hashes": [b64(bytes(32))], "hashAlgorithmOID": SHA256_OID, "OTP": subscriber.wrong_otp()}
    callers = [client.on(watched) for _ in range(6)]
    stopped = watched.sams("activate")
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        asked = [background(lambda caller=caller: caller.api.post("/csc/v2/credentials/authorize", body))
                 for caller in callers]
        watched.wait_until(
            lambda: watched.value("rsspd_overload_refusals_total", limit="requests") == before + 3, 10,
            "nobody is refused")
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    assert sorted(one.result(30).status_code for one in asked) == [400, 400, 400, 503, 503, 503]


def test_a_handshake_that_fails_is_counted(watched):
    before = watched.value("rsspd_tls_handshakes_total", result="failed")
    trusts_nobody = ssl.create_default_context()
    with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", watched.port)) as raw:
        trusts_nobody.wrap_socket(raw, server_hostname="127.0.0.1")
    watched.wait_until(
        lambda: watched.value("rsspd_tls_handshakes_total", result="failed") == before + 1, 10,
        "the handshake is not counted")


def test_a_handshake_that_succeeds_is_counted_once(watched):
    def done():
        return watched.value("rsspd_tls_handshakes_total", result="ok")
    before = done()
    api = Api(watched)
    for _ in range(3):
        api.get("/healthz", 200)
    assert done() == before + 1


def test_what_runs_out_is_told(watched):
    metrics, now = watched.metrics(), time.time()
    day = 86400
    for name in ("server", "ca", "operator"):
        assert exposition.value(metrics, "rsspd_certificate_not_after_seconds",
                                certificate=name) > now + day
    made = exposition.value(metrics, "rsspd_crl_this_update_seconds")
    assert now - 3600 < made <= now
    assert made < exposition.value(metrics, "rsspd_crl_next_update_seconds") <= made + 2 * day
    assert exposition.value(metrics, "rsspd_audit_partitions_until_seconds") > now + 28 * day


def test_the_process_describes_itself(watched):
    metrics = watched.metrics()
    pid = watched.api_pid()
    started = exposition.value(metrics, "process_start_time_seconds")
    assert abs(started - os.stat(f"/proc/{pid}").st_mtime) < 60
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    assert 0.5 < exposition.value(metrics, "process_resident_memory_bytes") / resident < 2
    assert 5 < exposition.value(metrics, "process_open_fds") < exposition.value(
        metrics, "process_max_fds")
    assert exposition.value(metrics, "process_cpu_seconds_total") > 0
    assert exposition.value(metrics, "rsspd_store_connections_up") == exposition.value(
        metrics, "rsspd_store_connections_wanted") >= 2
    [(_, labels, one)] = metrics["rsspd_build_info"].samples
    assert one == 1 and labels["version"]


def test_what_watches_can_only_read(watched):
    for method, path, status in (("POST", "/metrics", 405), ("GET", "/", 404), ("GET", "/csc/v1/info", 404),
                                 ("GET", "/metrics/x", 404), ("HEAD", "/metrics", 200)):
        answer = requests.request(method, f"http://127.0.0.1:{watched.metrics_port}{path}", timeout=10)
        assert answer.status_code == status, (method, path)
    assert requests.post(watched.metrics_url, timeout=10).headers["Allow"] == "GET, HEAD"


def test_metrics_are_nowhere_but_on_their_own_port(watched):
    Api(watched).get("/metrics", 404)
    assert requests.get(watched.pki_url + "/metrics", timeout=10).status_code == 404


def test_the_port_listens_on_the_loopback_alone(watched):
    listening = []
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}", encoding="ascii") as file:
            rows = [line.split() for line in file][1:]
        listening += [row[1] for row in rows
                      if row[3] == "0A" and int(row[1].split(":")[1], 16) == watched.metrics_port]
    assert [address.split(":")[0] for address in listening] == ["0100007F"]


def test_without_a_port_there_are_no_metrics(server):
    assert "metrics=0" in server.log()


def test_nobody_is_named(watched, signer):
    client, subscriber = signer
    sign_one(client, subscriber)
    text = requests.get(watched.metrics_url, timeout=10).text
    for secret in (client.id, subscriber.credential, subscriber.user, subscriber.person["name"],
                   subscriber.person["email"], subscriber.person["identity_number"]):
        assert secret not in text


def test_a_dead_api_process_is_counted_by_its_successor(watched):
    """The last of the module: the counts of an api process end with it."""
    died = watched.value("rsspd_process_restarts_total", process="sam-sign", cause="died")
    os.kill(watched.api_pid(), signal.SIGKILL)
    watched.wait_until(
        lambda: watched.ready() and watched.value(
            "rsspd_process_restarts_total", process="api", cause="died") == 1, 30, "not back")
    assert watched.value("rsspd_process_restarts_total", process="sam-sign", cause="died") == died

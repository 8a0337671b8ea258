"""Probes: alive as long as the loop turns, ready only while it could sign."""

import os
import signal

from lib.api import Api, error
from lib.books import rows


def test_alive_and_ready(server):
    api = Api(server)
    assert api.get("/healthz", 200).json() == {"status": "ok"}
    assert api.get("/readyz", 200).json() == {
        "status": "ok", "store": "ok", "sams": "ok", "clock": "ok", "tokens": "ok"}


def test_probes_leave_no_audit_row(server, auditor_db):
    for path in ("/healthz", "/readyz"):
        request = Api(server).get(path, 200).headers["X-Request-Id"]
        assert rows(auditor_db, "SELECT 1 FROM audit.event WHERE request = %s", request) == []


def line_of(server, answer):
    [line] = [line for line in server.log().splitlines()
              if f"req={answer.headers['X-Request-Id']}" in line]
    return line


def test_without_postgresql_alive_but_not_ready(private):
    server = private()
    api = Api(server)
    server.instance.postgres_stop()
    server.wait_until(lambda: api.get("/readyz").status_code == 503, 15, "still ready")
    answer = api.get("/readyz", 503)
    assert answer.json()["store"] == "down" and answer.json()["status"] == "unavailable"
    assert int(answer.headers["Retry-After"]) > 0
    assert "status=503 code=UNAVAILABLE" in line_of(server, answer)
    api.get("/healthz", 200)
    refused = api.post("/csc/v1/info", {}, 503)
    assert error(refused)[0] == "temporarily_unavailable"
    assert int(refused.headers["Retry-After"]) > 0
    server.instance.postgres_start()
    server.wait_ready()
    api.post("/csc/v1/info", {}, 200)


def test_without_a_sam_alive_but_not_ready(private):
    server = private()
    api = Api(server)
    held = server.sams("issue")
    for pid in held:
        os.kill(pid, signal.SIGKILL)

    def seen_down_or_replaced():
        answer = api.get("/readyz")
        if answer.status_code == 503:
            assert answer.json()["sams"] == "down"
            api.get("/healthz", 200)
            return True
        return bool(server.sams("issue")) and not set(held) & set(server.sams("issue"))
    server.wait_until(seen_down_or_replaced, 15, "neither down nor replaced")
    server.wait_ready()


def test_probes_take_no_other_method(server):
    for path in ("/healthz", "/readyz"):
        assert Api(server).post(path, {}, 405).headers["Allow"] == "GET"

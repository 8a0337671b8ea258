"""PostgreSQL or the SAMs away: nothing is signed that is not written down, nothing is lost that need
not be, and the service resumes by itself."""

import os
import secrets
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.api import Api, error
from lib.books import audit_of, one, rows, value
from lib.people import Operator

HELD = ("SELECT count(*) FROM pg_stat_activity WHERE usename = 'rsspd'"
        " AND wait_event_type = 'Lock'")


class Scene:
    """A daemon of its own, with a client and a subscriber."""

    def __init__(self, server):
        self.server, self.instance = server, server.instance
        operator = Operator(server)
        agency = operator.add_agency()
        self.client, self.subscriber = operator.add_client(agency), operator.subscriber(agency)

    def authorize(self, count=1):
        digests = [secrets.token_bytes(32) for _ in range(count)]
        return self.client.authorize(self.subscriber, digests), digests

    def sign(self, sad, digests, expect=200):
        return self.client.sign(self.subscriber, sad, digests, expect)


@pytest.fixture
def scene(private):
    return Scene(private())


def refused(answer):
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
    assert error(answer)[0] == "temporarily_unavailable"


def test_without_postgresql_everything_is_503_and_comes_back_by_itself(scene):
    sad, digests = scene.authorize()
    otp = scene.subscriber.next_otp()
    scene.instance.postgres_stop()
    refused(scene.sign(sad, digests, 503))
    refused(scene.client.authorize(scene.subscriber, digests, 503, otp=otp))
    refused(scene.client.call("credentials/info", {
        "credentialID": scene.subscriber.credential}, expect=503))
    Api(scene.server).get("/readyz", expect=503)
    Api(scene.server).get("/healthz", expect=200)
    scene.instance.postgres_start()
    scene.server.wait_ready()
    # nothing was spent and no step used up
    assert scene.sign(sad, digests).json()["signatures"]
    assert scene.client.authorize(scene.subscriber, digests, otp=otp)


@pytest.fixture
def superuser(scene):
    connection = scene.instance.connect("postgres")
    yield connection
    connection.close()


def blocked(scene, superuser, sad_lock, work):
    """Runs work in a thread while another transaction holds rows; gives its future once the
    daemon's backend waits for the lock."""
    holder = scene.instance.connect("postgres", autocommit=False)
    rows(holder, sad_lock, scene.subscriber.credential)
    future = ThreadPoolExecutor(1).submit(work)
    scene.server.wait_until(lambda: value(superuser, HELD) > 0, 10, "nobody waits for the lock")
    return holder, future


LOCK_SAD = "SELECT FROM rssp.sad WHERE credential = %s FOR UPDATE"
LOCK_SUBSCRIBER = ("SELECT FROM rssp.subscriber s JOIN rssp.credential c ON c.subscriber = s.id"
                   " WHERE c.id = %s FOR UPDATE OF s")
WAITING_PID = ("SELECT pid FROM pg_stat_activity WHERE usename = 'rsspd'"
               " AND wait_event_type = 'Lock' LIMIT 1")


def test_a_commit_of_unknown_outcome_signs_nothing(scene, superuser):
    """The backend is ended while it is about to spend: the client hears 503, no signature exists."""
    sad, digests = scene.authorize()
    holder, future = blocked(scene, superuser, LOCK_SAD, lambda: scene.sign(sad, digests, 503))
    rows(superuser, "SELECT pg_terminate_backend(%s)", value(superuser, WAITING_PID))
    refused(future.result(20))
    holder.rollback()
    holder.close()
    scene.server.wait_ready()
    assert value(superuser, "SELECT count(*) FROM audit.event WHERE event = 'signature.created'") == 0
    # here the commit had not happened: the SAD is as it was
    assert scene.sign(sad, digests).json()["signatures"]


def test_a_headmaster_since_the_signature_began_gets_none(scene, superuser):
    """The position changes between the commit that spends and the one that records."""
    sad, digests = scene.authorize()
    for pid in scene.server.sams("sign"):
        os.kill(pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(scene.sign, sad, digests, None)
            scene.server.wait_until(
                lambda: value(superuser, "SELECT count(*) FROM rssp.signing") == 1, 10, "not begun")
            Operator(scene.server).post("subscribers/set-position", {
                "userID": scene.subscriber.user, "position": "Hiệu trưởng"})
            for pid in scene.server.sams("sign"):
                os.kill(pid, signal.SIGCONT)
            answer = future.result(20)
    finally:
        for pid in scene.server.sams("sign"):
            os.kill(pid, signal.SIGCONT)
    assert error(answer)[0] == "access_denied" and "signatures" not in answer.json()
    events = [(row["event"], row["code"]) for row in audit_of(superuser, answer)]
    assert events == [("signature.started", "OK"), ("signature.failed", "STALE")]
    assert one(superuser, "SELECT state, seal FROM rssp.sad")["state"] == "spent"


def test_a_killed_sam_fails_that_batch_and_the_next_one_works(scene, superuser):
    sad, digests = scene.authorize(3)
    for pid in scene.server.sams("sign"):
        os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(scene.sign, sad, digests[:2], None)
        scene.server.wait_until(
            lambda: value(superuser, "SELECT count(*) FROM rssp.signing") == 1, 10, "not begun")
        scene.server.kill_sam("sign")
        answer = future.result(20)
    refused(answer)
    events = [(row["event"], row["code"]) for row in audit_of(superuser, answer)]
    assert events == [("signature.started", "OK"), ("signature.failed", "HSM_LOST")]
    assert len(scene.sign(sad, digests[2:]).json()["signatures"]) == 1
    assert error(scene.sign(sad, digests[:1], 400))[1] == "Invalid parameter SAD"


def test_what_was_never_begun_is_given_back(scene, superuser):
    """No SAM is there and none is started (the supervisor stands still): the hashes come back."""
    sad, digests = scene.authorize(2)
    supervisor = scene.server.process.pid
    os.kill(supervisor, signal.SIGSTOP)
    try:
        for pid in scene.server.sams("sign"):
            os.kill(pid, signal.SIGKILL)
        scene.server.wait_until(
            lambda: Api(scene.server).get("/readyz").status_code == 503, 10, "SAMs not missed")
        answer = scene.sign(sad, digests, 503)
    finally:
        os.kill(supervisor, signal.SIGCONT)
    refused(answer)
    events = [(row["event"], row["code"], row["detail"]) for row in audit_of(superuser, answer)]
    assert events == [("signature.started", "OK", {}),
                      ("signature.failed", "HSM_DOWN", {"given_back": True})]
    scene.server.wait_ready()
    assert len(scene.sign(sad, digests).json()["signatures"]) == 2


def test_a_try_is_given_back_when_no_sam_checked_it(scene, superuser):
    otp, digest = scene.subscriber.next_otp(), secrets.token_bytes(32)
    supervisor = scene.server.process.pid
    os.kill(supervisor, signal.SIGSTOP)
    try:
        for pid in scene.server.sams("activate"):
            os.kill(pid, signal.SIGKILL)
        scene.server.wait_until(
            lambda: Api(scene.server).get("/readyz").status_code == 503, 10, "SAM not missed")
        refused(scene.client.authorize(scene.subscriber, [digest], 503, otp=otp))
    finally:
        os.kill(supervisor, signal.SIGCONT)
    assert value(superuser, "SELECT failures FROM rssp.credential_guard") == 0
    scene.server.wait_ready()
    assert scene.client.authorize(scene.subscriber, [digest], otp=otp)


def test_a_slow_lock_is_waited_for(scene, superuser):
    sad, digests = scene.authorize()
    holder, future = blocked(scene, superuser, LOCK_SUBSCRIBER, lambda: scene.sign(sad, digests))
    holder.rollback()
    holder.close()
    assert future.result(20).json()["signatures"]


def test_a_read_only_database_signs_nothing(scene, superuser):
    sad, digests = scene.authorize()
    rows(superuser, "ALTER DATABASE rssp SET default_transaction_read_only = on")
    rows(superuser, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rsspd'")
    scene.server.wait_until(
        lambda: Api(scene.server).get("/readyz").status_code == 503, 10, "still ready")
    refused(scene.sign(sad, digests, 503))
    rows(superuser, "SET default_transaction_read_only = off")
    rows(superuser, "ALTER DATABASE rssp RESET default_transaction_read_only")
    scene.server.wait_ready()
    assert scene.sign(sad, digests).json()["signatures"]

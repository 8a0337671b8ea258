"""What dies in the middle: a SAM, the api process, PostgreSQL, and an orderly end. Nothing is signed
twice, nothing leaves without its row, and the service comes back by itself.

Each fixture at module scope is one incident; the tests after it look at what it left behind."""

import json
import os
import secrets
import signal
import socket
import ssl
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from lib.api import Api, b64, error
from lib.books import audit_of, one, rows, value
from lib.crowd import background
from lib.instance import Instance
from lib.module_scope import agency, client
from lib.people import Operator, Subscriber, code_for, new_person
from lib.server import Server

BATCH = 500
WRONG = "wrong-PIN-37"
FAILURES = "SELECT failures FROM rssp.credential_guard WHERE credential = %s"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """An instance that these tests may break; each leaves it running."""
    instance = Instance(tmp_path_factory.mktemp("crash"))
    started = Server(instance)
    yield started.start()
    try:
        assert started.stop() == 0
    finally:
        instance.close()


@pytest.fixture(scope="module")
def operator(own):
    return Operator(own)


@contextmanager
def opened(own):
    connection = own.instance.connect("postgres")
    yield connection
    connection.close()


@pytest.fixture
def books(own):
    with opened(own) as connection:
        yield connection


def batch(size=BATCH):
    return [secrets.token_bytes(32) for _ in range(size)]


@pytest.fixture(scope="module")
def authorised(operator, agency, client):
    """Makes (subscriber, SAD, hashes) of a new key: RSA, so that a batch can be cut off."""
    def make(size=BATCH, key="rsa-2048"):
        someone, hashes = operator.subscriber(agency, key=key), batch(size)
        return SimpleNamespace(subscriber=someone, sad=client.authorize(someone, hashes), hashes=hashes)
    return make


def sign(client, work):
    """signHash; the answer, whatever it is."""
    return client.sign(work.subscriber, work.sad, work.hashes, expect=None)


def until(condition, what, timeout=20):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"{what} after {timeout} s"
        time.sleep(0.002)


def worked_ns(pid):
    """CPU time of a process, by the kernel's books."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def in_the_middle(server, role, start, ms=30):
    """Starts a request and waits until a SAM of that role has worked on it for so long: longer than
    a piece of a batch, far shorter than the whole. Gives the request and the SAMs at work."""
    before = {pid: worked_ns(pid) for pid in server.sams(role)}
    request = background(start)

    def busy():
        return [pid for pid, had in before.items() if worked_ns(pid) - had > ms * 1_000_000]
    until(lambda: busy() or request.done(), f"no SAM of role {role} at work")
    assert not request.done(), f"the request ended first: {request.result().text}"
    return request, busy()


def replaced(server, role, old):
    server.wait_until(
        lambda: len(server.sams(role)) >= len(old) and not set(old) & set(server.sams(role))
        and server.ready(), 20, f"no new SAM of role {role}")


def story(connection, answer):
    return [(row["event"], row["result"], row["code"]) for row in audit_of(connection, answer)]


def refused_for_now(answer):
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert set(answer.json()) - {"code"} == {"error", "error_description"}  # a code: for our pages
    assert error(answer)[0] == "temporarily_unavailable"


# -- the SAMs that sign --

@pytest.fixture(scope="module")
def signing_killed(own, client, authorised):
    """Every signing SAM killed in the middle of a batch."""
    work = authorised()
    request, _ = in_the_middle(own, "sign", lambda: sign(client, work))
    old = own.kill_sam("sign", wait=False)
    answer = request.result()
    replaced(own, "sign", old)
    return SimpleNamespace(work=work, answer=answer)


def test_a_batch_whose_sams_are_killed_fails_cleanly(signing_killed):
    refused_for_now(signing_killed.answer)


def test_a_batch_whose_sams_are_killed_is_audited(signing_killed, books):
    assert story(books, signing_killed.answer) == [
        ("signature.started", "ok", "OK"), ("signature.failed", "failed", "HSM_LOST")]


def test_what_a_killed_sam_had_to_sign_stays_spent(signing_killed, client, books):
    assert sign(client, signing_killed.work).status_code == 400
    assert value(books, "SELECT unspent FROM rssp.sad WHERE credential = %s",
                 signing_killed.work.subscriber.credential) == 0


def test_the_seal_of_what_a_killed_sam_had_to_sign_is_deleted(signing_killed, books):
    assert value(books, "SELECT seal IS NULL FROM rssp.sad WHERE credential = %s",
                 signing_killed.work.subscriber.credential)
    assert not rows(books, "SELECT * FROM rssp.signing")


def test_after_the_sams_are_back_the_next_request_works(signing_killed, client, authorised):
    assert signing_killed and sign(client, authorised(3)).status_code == 200


def test_when_one_of_two_sams_is_killed_the_next_request_works_at_once(own, client, authorised):
    small, large = authorised(1), authorised()
    request, busy = in_the_middle(own, "sign", lambda: sign(client, large))
    os.kill(busy[0], signal.SIGKILL)
    assert sign(client, small).status_code == 200
    refused_for_now(request.result())
    replaced(own, "sign", busy[:1])


# -- the SAM that activates --

def wrong(client, person, times):
    otp = person.otp(1)
    return [client.authorize(person, batch(1), pin=WRONG, otp=otp, expect=400) for _ in range(times)]


def forget(connection, person):
    """A superuser gives the tries back and forgets the OTP, as far as the database goes."""
    connection.cursor().execute(
        "UPDATE rssp.credential_guard SET failures = 0, locked_at = NULL, last_step = 0"
        " WHERE credential = %s", (person.credential,))


@pytest.fixture(scope="module")
def known(operator, agency, client):
    """Makes what the SAMs must remember: three wrong PINs of one person, a used OTP of another."""
    def make():
        guessed, used = operator.subscriber(agency), operator.subscriber(agency)
        otp = used.next_otp()
        wrong(client, guessed, 3)
        client.authorize(used, batch(1), otp=otp)
        return SimpleNamespace(guessed=guessed, used=used, otp=otp)
    return make


@pytest.fixture(scope="module")
def authorising_killed(own, operator, agency, client, known):
    """The SAM killed with an authorisation that it had got and not answered."""
    memory, person, hashes = known(), operator.subscriber(agency), batch()
    otp, old = person.next_otp(), own.sams("activate")
    for pid in old:
        os.kill(pid, signal.SIGSTOP)
    request = background(lambda: client.authorize(person, hashes, otp=otp, expect=None))
    with opened(own) as books:
        until(lambda: value(books, FAILURES, person.credential) == 1, "the try is not counted")
        for _ in range(3):  # answers of the same loop, each after a commit: it was sent by then
            Api(own).post("/csc/v1/info", expect=200)
        own.kill_sam("activate", wait=False)
        answer = request.result()
        counted = value(books, FAILURES, person.credential)
    replaced(own, "activate", old)
    return SimpleNamespace(answer=answer, person=person, otp=otp, counted=counted, memory=memory)


def test_an_authorisation_whose_sam_is_killed_fails_cleanly(authorising_killed):
    refused_for_now(authorising_killed.answer)


def test_an_authorisation_whose_sam_is_killed_is_audited(authorising_killed, books):
    assert [row[1:] for row in story(books, authorising_killed.answer)] == [("failed", "HSM_LOST")]


def test_an_authorisation_whose_sam_is_killed_stays_counted(authorising_killed):
    """The SAM may have checked the factors: else killing it would give tries for nothing."""
    assert authorising_killed.counted == 1


def test_after_the_activating_sam_is_back_the_otp_serves(authorising_killed, client):
    killed = authorising_killed
    assert isinstance(client.authorize(killed.person, batch(1), otp=killed.otp), str)


def remembers_failures(client, books, person):
    forget(books, person)
    wrong(client, person, 2)
    forget(books, person)
    return error(client.authorize(person, batch(1), expect=400))[1] == "PIN locked"


def remembers_otp(client, books, person, otp):
    forget(books, person)
    return error(client.authorize(person, batch(1), otp=otp, expect=400))[0] == "invalid_otp"


def test_failures_are_remembered_through_the_death_of_the_sam(authorising_killed, client, books):
    assert remembers_failures(client, books, authorising_killed.memory.guessed)


def test_a_used_otp_is_remembered_through_the_death_of_the_sam(authorising_killed, client, books):
    memory = authorising_killed.memory
    assert remembers_otp(client, books, memory.used, memory.otp)


# -- the SAM that issues --

@pytest.fixture(scope="module")
def issuing_killed(own, operator, agency):
    """The SAM killed while it made an RSA key for an activation."""
    person = new_person(agency)
    operator.enrol(person)
    body = {"code": code_for(own.instance, person["email"]), "PIN": "kP7vRm2xWq",
            "identityNumber": person["identity_number"], "key": "rsa-4096"}
    request, _ = in_the_middle(
        own, "issue", lambda: Api(own).post("/activation/v1/activate", body))
    old = own.kill_sam("issue", wait=False)
    answer = request.result()
    replaced(own, "issue", old)
    return SimpleNamespace(answer=answer, person=person)


def test_an_activation_whose_sam_is_killed_fails_cleanly(issuing_killed):
    refused_for_now(issuing_killed.answer)


def test_an_activation_whose_sam_is_killed_is_audited(issuing_killed, books):
    assert [row[1:] for row in story(books, issuing_killed.answer)] == [("failed", "HSM_LOST")]


def test_after_the_issuing_sam_is_back_the_code_serves(issuing_killed, own):
    assert Subscriber.activate(own, issuing_killed.person).credential


# -- the api process --

def sams(server):
    return {role: server.sams(role) for role in ("activate", "sign", "issue")}


def kill_api(server):
    """And waits until another one has all its SAMs."""
    old, before = server.api_pid(), sams(server)
    os.kill(old, signal.SIGKILL)

    def restarted():
        pids = [pid for pid in server.children() if b"api" in server.command_line(pid)]
        return (pids and old not in pids and server.ready() and
                all(len(server.sams(role)) == len(pids) for role, pids in before.items()))
    server.wait_until(restarted, 30, "the api process is not back")
    return before


@pytest.fixture(scope="module")
def api_killed(own, client, authorised, known):
    """The api process killed in the middle of a batch, with a SAD issued before."""
    memory, small, large = known(), authorised(2, "p-256"), authorised()
    request, _ = in_the_middle(own, "sign", lambda: sign(client, large))
    before = kill_api(own)
    with pytest.raises(requests.ConnectionError):
        request.result()
    return SimpleNamespace(memory=memory, small=small, large=large, before=before, after=sams(own))


def test_when_the_api_process_is_killed_every_sam_starts_anew(api_killed):
    for role, old in api_killed.before.items():
        assert not set(old) & set(api_killed.after[role])


def test_a_sad_of_before_serves_after_the_api_process_was_killed(api_killed, client):
    assert len(sign(client, api_killed.small).json()["signatures"]) == 2


def test_what_was_signed_for_a_killed_api_process_stays_spent(api_killed, client):
    assert sign(client, api_killed.large).status_code == 400


def test_failures_are_remembered_through_the_death_of_the_api_process(api_killed, client, books):
    assert remembers_failures(client, books, api_killed.memory.guessed)


def test_a_used_otp_is_remembered_through_the_death_of_the_api_process(api_killed, client, books):
    assert remembers_otp(client, books, api_killed.memory.used, api_killed.memory.otp)


def test_the_sweeper_records_what_nobody_came_back_for_as_lost(api_killed, own, books):
    """Its time is set back, and another daemon sweeps when it starts."""
    left = one(books, "SELECT * FROM rssp.signing WHERE credential = %s",
               api_killed.large.subscriber.credential)
    lost = "SELECT * FROM audit.event WHERE request = %s AND event = 'signature.lost'"
    books.cursor().execute("UPDATE rssp.signing SET started_at = started_at - interval '1 hour'"
                           " WHERE request = %s", (left["request"],))
    sweeper = Server(own.instance, "sweeper").start()
    sweeper.wait_until(lambda: rows(books, lost, left["request"]), 20, "not swept")
    assert sweeper.stop() == 0
    row = one(books, lost, left["request"])
    assert (row["result"], row["credential"]) == ("failed", left["credential"])
    assert not rows(books, "SELECT * FROM rssp.signing WHERE request = %s", left["request"])


# -- PostgreSQL --

def postgres_crash(instance):
    """pg_ctl stop -m immediate: SIGQUIT to the postmaster."""
    pid_file = instance.path("pg", "data", "postmaster.pid")
    pid = int(pid_file.read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    until(lambda: not pid_file.exists() and not Path(f"/proc/{pid}/cmdline").exists(),
          "PostgreSQL has not ended", 60)


@pytest.fixture(scope="module")
def without_postgres(own, client, authorised):
    """What was answered while PostgreSQL was stopped; it runs again."""
    work = authorised(1, "p-256")
    postgres_crash(own.instance)
    seen = SimpleNamespace(
        work=work, sign=sign(client, work),
        authorize=client.authorize(work.subscriber, batch(1), expect=None),
        health=Api(own).get("/healthz"), ready=Api(own).get("/readyz"))
    own.instance.postgres_start()
    own.wait_ready()
    return seen


def test_without_postgres_nothing_is_signed(without_postgres):
    refused_for_now(without_postgres.sign)


def test_without_postgres_nothing_is_authorised(without_postgres):
    refused_for_now(without_postgres.authorize)


def test_without_postgres_it_is_alive(without_postgres):
    assert without_postgres.health.status_code == 200


def test_without_postgres_it_is_not_ready(without_postgres):
    assert without_postgres.ready.status_code == 503
    assert int(without_postgres.ready.headers["Retry-After"]) >= 1


def test_after_postgres_is_back_the_service_resumes_by_itself(without_postgres, client):
    assert sign(client, without_postgres.work).status_code == 200


@pytest.fixture(scope="module")
def batch_without_postgres(own, client, authorised):
    """PostgreSQL stopped in the middle of a batch; it runs again."""
    work = authorised()
    request, _ = in_the_middle(own, "sign", lambda: sign(client, work))
    postgres_crash(own.instance)
    answer = request.result()
    own.instance.postgres_start()
    own.wait_ready()
    return SimpleNamespace(work=work, answer=answer)


def test_a_batch_that_loses_postgres_releases_no_signature(batch_without_postgres):
    refused_for_now(batch_without_postgres.answer)


def test_a_batch_that_loses_postgres_has_begun_and_not_ended(batch_without_postgres, books):
    found = [row[0] for row in story(books, batch_without_postgres.answer)]
    assert "signature.started" in found and "signature.created" not in found


def test_a_batch_that_loses_postgres_stays_spent(batch_without_postgres, client):
    assert sign(client, batch_without_postgres.work).status_code == 400


# -- an orderly end --

@pytest.fixture(scope="module")
def ended(own, client, authorised):
    """A daemon that got SIGTERM with six batches under way."""
    daemon = Server(own.instance, "ending").start()
    try:
        yield end_with_six_batches(own, daemon, client, authorised)
    finally:
        daemon.stop()


def end_with_six_batches(own, daemon, client, authorised):
    work = [authorised() for _ in range(6)]
    speakers = [client.on(daemon) for _ in work]
    under_way = [background(lambda i=i: sign(speakers[i], work[i])) for i in range(6)]
    with opened(own) as books:
        begun = ("SELECT count(*) FROM audit.event WHERE credential IN %s"
                 " AND event = 'signature.started'")
        until(lambda: value(books, begun, tuple(one.subscriber.credential for one in work)) == 6,
              "not all have begun")
    daemon.process.terminate()

    def refuses():
        try:
            socket.create_connection(("127.0.0.1", daemon.port), 5).close()
            return False
        except ConnectionResetError:  # the listener closed at that very moment
            return False
        except ConnectionRefusedError:
            return True
    until(refuses, "connections are accepted still", 30)
    busy_then = [request for request in under_way if not request.done()]
    return SimpleNamespace(busy_then=busy_then, answers=[request.result() for request in under_way],
                           status=daemon.process.wait(30))


def test_sigterm_answers_all_that_is_under_way(ended):
    assert [answer.status_code for answer in ended.answers] == [200] * 6
    assert {len(answer.json()["signatures"]) for answer in ended.answers} == {BATCH}


def test_sigterm_refuses_new_connections_while_it_answers(ended):
    assert ended.busy_then


def test_sigterm_ends_with_status_0(ended):
    assert ended.status == 0


def test_a_lock_outlives_a_restart_of_everything(own, client, operator, agency):
    person = operator.subscriber(agency)
    wrong(client, person, 5)
    assert own.stop() == 0
    own.start()
    assert error(client.authorize(person, batch(1), expect=400))[1] == "PIN locked"


def test_sams_that_start_together_do_not_trip_each_other(own):
    """SoftHSM rewrites the token's record at a login, and who reads it then finds no token."""
    daemon = Server(own.instance, "many", sam__activate=4, sam__sign=8, sam__issue=4).start()
    try:
        daemon.wait_until(lambda: daemon.log().count("sam is ready") >= 16, 20, "not all are ready")
        assert "does not start" not in daemon.log()
    finally:
        assert daemon.stop() == 0


def test_a_sam_that_hangs_is_ended_and_replaced(own, client, authorised):
    """After its time-out it is never asked again; what it had stays spent."""
    daemon = Server(own.instance, "hanging", sam__sign=1, sam__job_timeout_ms=500).start()
    try:
        speaker, stuck, later = client.on(daemon), authorised(1, "p-256"), authorised(1, "p-256")
        old = daemon.sams("sign")
        os.kill(old[0], signal.SIGSTOP)
        refused_for_now(sign(speaker, stuck))
        replaced(daemon, "sign", old)
        assert sign(speaker, later).status_code == 200
        assert sign(speaker, stuck).status_code == 400
    finally:
        assert daemon.stop() == 0


def test_a_client_that_goes_away_in_the_middle_harms_nobody(own, client, authorised, books):
    """Its batch is signed and written down; the answer has no reader."""
    work = authorised()
    body = json.dumps({
        "credentialID": work.subscriber.credential, "SAD": work.sad,
        "hash": [b64(digest) for digest in work.hashes],
        "signAlgo": work.subscriber.sign_algo, "hashAlgo": "2.16.840.1.101.3.4.2.1"}).encode()
    head = (f"POST /csc/v1/signatures/signHash HTTP/1.1\r\nHost: {own.url[8:]}\r\n"
            f"Authorization: Bearer {client.api.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    trust = ssl.create_default_context(cafile=own.cacert)
    with socket.create_connection(("127.0.0.1", own.port), 10) as plain:
        with trust.wrap_socket(plain, server_hostname="127.0.0.1") as channel:
            channel.sendall(head + body)
            until(lambda: rows(books, "SELECT * FROM rssp.signing WHERE credential = %s",
                               work.subscriber.credential), "not begun")
    until(lambda: rows(books, "SELECT * FROM audit.event WHERE credential = %s"
                       " AND event = 'signature.created'", work.subscriber.credential), "not recorded")
    assert sign(client, authorised(1, "p-256")).status_code == 200


def test_idle_connections_do_not_delay_the_end(own):
    daemon = Server(own.instance, "idle").start()
    idle = [Api(daemon) for _ in range(8)]
    for one in idle:
        one.get("/healthz", expect=200)  # its connection stays open
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 10 and idle

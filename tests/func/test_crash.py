"""What dies in the middle: a SAM, the api process, PostgreSQL, and an orderly end. Nothing is signed
twice, nothing leaves without its row, and the service comes back by itself."""

import os
import secrets
import signal
import socket
import time
from pathlib import Path

import pytest
import requests

from lib.api import Api, error
from lib.books import audit_of, one, rows, value
from lib.crowd import background
from lib.instance import Instance
from lib.people import Operator, Subscriber, code_for, new_person
from lib.server import Server

BATCH = 500
WRONG = "wrong-PIN-37"


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
def agency(own):
    return Operator(own).add_agency()


@pytest.fixture(scope="module")
def signer(own, agency):
    """Somebody with an RSA key: a batch takes long enough to be cut off."""
    return Operator(own).subscriber(agency, key="rsa-2048")


@pytest.fixture
def client(own, agency):
    return Operator(own).add_client(agency)


@pytest.fixture
def person(own, agency):
    return Operator(own).subscriber(agency)


@pytest.fixture
def books(own):
    connection = own.instance.connect("postgres")
    yield connection
    connection.close()


def batch(size=BATCH):
    return [secrets.token_bytes(32) for _ in range(size)]


def authorised(own, agency, client, books, size=BATCH):
    """(subscriber, SAD, hashes) of a new RSA key: each has three OTPs."""
    someone = Operator(own).subscriber(agency, key="rsa-2048")
    hashes = batch(size)
    return someone, client.authorize(someone, hashes), hashes


@pytest.fixture
def large(own, agency, client, books):
    return authorised(own, agency, client, books)


def until(condition, what, timeout=20):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"{what} after {timeout} s"
        time.sleep(0.002)


def worked_ns(pid):
    """CPU time of a process, by the kernel's books."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def in_the_middle(server, role, start, ms=30):
    """Starts a request and waits until a SAM of that role has worked on it for so long; gives the
    request and those SAMs that did. Longer than a piece of a batch, far shorter than the whole."""
    before = {pid: worked_ns(pid) for pid in server.sams(role)}
    request = background(start)

    def busy():
        return [pid for pid, had in before.items() if worked_ns(pid) - had > ms * 1_000_000]
    until(lambda: busy() or request.done(), f"no SAM of role {role} at work")
    assert not request.done(), f"the request ended first: {request.result().text}"
    return request, busy()


def sign(client, large):
    someone, sad, hashes = large
    return client.sign(someone, sad, hashes, expect=None)


def replaced(server, role, old):
    server.wait_until(
        lambda: len(server.sams(role)) >= len(old) and not set(old) & set(server.sams(role))
        and server.ready(), 20, f"no new SAM of role {role}")


@pytest.fixture
def cut_off(own, client, large):
    """The answer of a batch whose SAMs were all killed in the middle; others run again."""
    request, _ = in_the_middle(own, "sign", lambda: sign(client, large))
    old = own.kill_sam("sign", wait=False)
    answer = request.result()
    replaced(own, "sign", old)
    return answer


# -- a SAM that signs --

def test_a_batch_whose_sams_are_killed_fails_cleanly(cut_off):
    assert cut_off.status_code == 503, cut_off.text
    assert error(cut_off)[0] == "temporarily_unavailable"
    assert "signatures" not in cut_off.json() and int(cut_off.headers["Retry-After"]) >= 1


def test_a_batch_whose_sams_are_killed_is_audited(cut_off, books):
    events = [(row["event"], row["result"], row["code"]) for row in audit_of(books, cut_off)]
    assert events == [("signature.started", "ok", "OK"), ("signature.failed", "failed", "HSM_LOST")]


def test_what_a_killed_sam_had_to_sign_stays_spent(cut_off, large, client, books):
    assert cut_off.status_code == 503
    again = sign(client, large)
    assert again.status_code == 400
    assert value(books, "SELECT unspent FROM rssp.sad WHERE credential = %s", large[0].credential) == 0


def test_after_the_sams_are_back_the_next_request_works(cut_off, own, agency, client, books):
    assert cut_off.status_code == 503
    assert sign(client, authorised(own, agency, client, books, 3)).status_code == 200


def test_when_one_of_two_sams_is_killed_the_next_request_works_at_once(own, client, large, person):
    hashes = batch(1)
    sad = client.authorize(person, hashes)
    request, busy = in_the_middle(own, "sign", lambda: sign(client, large))
    os.kill(busy[0], signal.SIGKILL)
    assert client.sign(person, sad, hashes).status_code == 200
    assert request.result().status_code == 503
    replaced(own, "sign", busy[:1])


def test_no_started_signature_is_left_open(cut_off, books):
    assert cut_off.status_code == 503
    assert not rows(books, "SELECT * FROM rssp.signing")


# -- a SAM that activates or issues --

@pytest.fixture
def stopped_in_authorisation(own, client, person, books):
    """The answer of an authorisation whose SAM was killed with it, and its OTP."""
    otp, hashes = person.next_otp(), batch()
    old = own.sams("activate")
    for pid in old:
        os.kill(pid, signal.SIGSTOP)
    request = background(lambda: client.authorize(person, hashes, otp=otp, expect=None))
    until(lambda: value(books, "SELECT failures FROM rssp.credential_guard WHERE credential = %s",
                        person.credential) == 1, "the try is not counted")
    for _ in range(3):  # answers of the same loop, each after a commit
        Api(own).post("/csc/v1/info", expect=200)
    own.kill_sam("activate", wait=False)
    answer = request.result()
    replaced(own, "activate", old)
    return answer, otp


def test_an_authorisation_whose_sam_is_killed_fails_cleanly(stopped_in_authorisation):
    answer = stopped_in_authorisation[0]
    assert answer.status_code == 503 and "SAD" not in answer.json()
    assert int(answer.headers["Retry-After"]) >= 1


def test_an_authorisation_whose_sam_is_killed_is_audited(stopped_in_authorisation, books):
    found = audit_of(books, stopped_in_authorisation[0])
    assert [(row["result"], row["code"]) for row in found] == [("failed", "HSM_LOST")]


def test_an_authorisation_whose_sam_is_killed_stays_counted(stopped_in_authorisation, person, books):
    """The SAM may have checked the factors: else killing it would give tries for nothing."""
    assert stopped_in_authorisation
    assert value(books, "SELECT failures FROM rssp.credential_guard WHERE credential = %s",
                 person.credential) == 1


def test_after_the_activating_sam_is_back_the_otp_serves(stopped_in_authorisation, client, person):
    assert isinstance(client.authorize(person, batch(1), otp=stopped_in_authorisation[1]), str)


@pytest.fixture
def stopped_in_activation(own, agency):
    """(answer, body) of an activation whose SAM was killed while it made an RSA key."""
    someone = new_person(agency)
    Operator(own).enrol(someone)
    body = {"code": code_for(own.instance, someone["email"]), "PIN": "kP7vRm2xWq",
            "identityNumber": someone["identity_number"], "key": "rsa-4096"}
    request, _ = in_the_middle(
        own, "issue", lambda: Api(own).post("/activation/v1/activate", body))
    old = own.kill_sam("issue", wait=False)
    answer = request.result()
    replaced(own, "issue", old)
    return answer, someone, body


def test_an_activation_whose_sam_is_killed_fails_cleanly(stopped_in_activation):
    answer = stopped_in_activation[0]
    assert answer.status_code == 503 and set(answer.json()) == {"error", "error_description"}


def test_an_activation_whose_sam_is_killed_is_audited(stopped_in_activation, books):
    found = audit_of(books, stopped_in_activation[0])
    assert [(row["result"], row["code"]) for row in found] == [("failed", "HSM_LOST")]


def test_after_the_issuing_sam_is_back_the_code_serves(stopped_in_activation, own):
    _, someone, _ = stopped_in_activation
    assert Subscriber.activate(own, someone).credential


# -- the budgets --

def wrong(client, person, times):
    otp = person.otp(1)
    return [client.authorize(person, batch(1), pin=WRONG, otp=otp, expect=400) for _ in range(times)]


def forget(books, person):
    """A superuser gives the tries back, as far as the database goes."""
    books.cursor().execute(
        "UPDATE rssp.credential_guard SET failures = 0, locked_at = NULL, last_step = 0"
        " WHERE credential = %s", (person.credential,))


def kill_api(server):
    old, sams = server.api_pid(), {role: server.sams(role) for role in ("activate", "sign", "issue")}
    os.kill(old, signal.SIGKILL)

    def restarted():
        try:
            return server.api_pid() != old and server.ready()
        except AssertionError:
            return False  # none or not yet executed
    server.wait_until(restarted, 30, "the api process is not back")
    return old, sams


DEATHS = pytest.mark.parametrize("kill", [lambda server: server.kill_sam("activate"), kill_api],
                                 ids=["sam", "api"])


@DEATHS
def test_failures_are_remembered_through_a_death(own, client, person, books, kill):
    wrong(client, person, 3)
    kill(own)
    forget(books, person)
    wrong(client, person, 2)
    forget(books, person)
    answer = client.authorize(person, batch(1), expect=400)
    assert error(answer)[1] == "PIN locked"


@DEATHS
def test_a_used_otp_is_remembered_through_a_death(own, client, person, books, kill):
    otp = person.next_otp()
    client.authorize(person, batch(1), otp=otp)
    kill(own)
    forget(books, person)
    assert error(client.authorize(person, batch(1), otp=otp, expect=400))[0] == "invalid_otp"


# -- the api process --

def test_when_the_api_process_is_killed_everything_starts_anew(own):
    _, sams = kill_api(own)
    for role, old in sams.items():
        assert len(own.sams(role)) == len(old) and not set(own.sams(role)) & set(old)


def test_a_sad_of_before_serves_after_the_api_process_was_killed(own, client, person):
    hashes = batch(2)
    sad = client.authorize(person, hashes)
    kill_api(own)
    assert len(client.sign(person, sad, hashes).json()["signatures"]) == 2


@pytest.fixture
def orphaned(own, client, large, books):
    """The open row of a batch whose api process was killed in the middle."""
    request, _ = in_the_middle(own, "sign", lambda: sign(client, large))
    kill_api(own)
    with pytest.raises(requests.ConnectionError):
        request.result()
    return one(books, "SELECT * FROM rssp.signing WHERE credential = %s", large[0].credential)


def test_what_was_signed_for_a_killed_api_process_stays_spent(orphaned, client, large):
    assert orphaned and sign(client, large).status_code == 400


def test_the_sweeper_records_what_nobody_came_back_for_as_lost(orphaned, own, books):
    """Its time is set back, and another daemon sweeps when it starts."""
    books.cursor().execute("UPDATE rssp.signing SET started_at = started_at - interval '1 hour'"
                           " WHERE request = %s", (orphaned["request"],))
    sweeper = Server(own.instance, "sweeper").start()
    sweeper.wait_until(
        lambda: rows(books, "SELECT * FROM audit.event WHERE request = %s"
                     " AND event = 'signature.lost'", orphaned["request"]), 20, "not swept")
    assert sweeper.stop() == 0
    row = one(books, "SELECT * FROM audit.event WHERE request = %s AND event = 'signature.lost'",
              orphaned["request"])
    assert (row["result"], row["credential"]) == ("failed", orphaned["credential"])
    assert not rows(books, "SELECT * FROM rssp.signing WHERE request = %s", orphaned["request"])


# -- PostgreSQL --

def postgres_crash(instance):
    """pg_ctl stop -m immediate: SIGQUIT to the postmaster."""
    pid_file = instance.path("pg", "data", "postmaster.pid")
    pid = int(pid_file.read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    until(lambda: not pid_file.exists() and not Path(f"/proc/{pid}/cmdline").exists(),
          "PostgreSQL has not ended", 60)


@pytest.fixture
def without_postgres(own, client, person, books):
    """(subscriber, SAD, hashes) with PostgreSQL stopped since then; it is started after the test."""
    hashes = batch(1)
    sad = client.authorize(person, hashes)
    books.close()
    postgres_crash(own.instance)
    yield person, sad, hashes
    if not own.instance.path("pg", "data", "postmaster.pid").exists():
        own.instance.postgres_start()
    own.wait_ready()


def refused_for_now(answer):
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert error(answer)[0] == "temporarily_unavailable"


def test_without_postgres_nothing_is_signed(without_postgres, client):
    person, sad, hashes = without_postgres
    refused_for_now(client.sign(person, sad, hashes, expect=None))


def test_without_postgres_nothing_is_authorised(without_postgres, client):
    refused_for_now(client.authorize(without_postgres[0], batch(1), expect=None))


def test_without_postgres_it_is_alive_and_not_ready(without_postgres, own):
    assert without_postgres
    Api(own).get("/healthz", expect=200)
    answer = Api(own).get("/readyz", expect=503)
    assert int(answer.headers["Retry-After"]) >= 1


def test_after_postgres_is_back_the_service_resumes_by_itself(without_postgres, own, client):
    person, sad, hashes = without_postgres
    refused_for_now(client.sign(person, sad, hashes, expect=None))
    own.instance.postgres_start()
    own.wait_ready()
    assert client.sign(person, sad, hashes).status_code == 200


def test_a_batch_that_loses_postgres_in_the_middle_releases_nothing(own, client, large, books):
    books.close()
    request, _ = in_the_middle(own, "sign", lambda: sign(client, large))
    postgres_crash(own.instance)
    answer = request.result()
    own.instance.postgres_start()
    own.wait_ready()
    refused_for_now(answer)
    assert "signatures" not in answer.json()
    with_books = own.instance.connect("postgres")
    found = [row["event"] for row in audit_of(with_books, answer)]
    with_books.close()
    assert "signature.created" not in found and "signature.started" in found
    assert sign(client, large).status_code == 400


# -- an orderly end --

@pytest.fixture
def ending(own, agency, client, books):
    """Six batches under way at a daemon that then gets SIGTERM."""
    daemon = Server(own.instance, "ending").start()
    work = [authorised(own, agency, client, books) for _ in range(6)]
    speaker = client.on(daemon)
    requests_ = [background(lambda one=one: sign(client.on(daemon), one)) for one in work]
    ids = tuple(one[0].credential for one in work)
    until(lambda: value(books, "SELECT count(*) FROM audit.event WHERE credential IN %s"
                        " AND event = 'signature.started'", ids) == 6, "not all have begun")
    daemon.process.terminate()
    yield daemon, speaker, requests_
    assert daemon.stop() == 0


def test_sigterm_answers_all_that_is_under_way(ending):
    answers = [request.result() for request in ending[2]]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert {len(answer.json()["signatures"]) for answer in answers} == {BATCH}


def test_sigterm_ends_with_status_0(ending):
    assert ending[0].process.wait(30) == 0


def test_sigterm_refuses_new_connections_while_it_answers(ending):
    daemon, _, under_way = ending

    def refuses():
        try:
            socket.create_connection(("127.0.0.1", daemon.port), 5).close()
            return False
        except ConnectionRefusedError:
            return True
    until(refuses, "connections are accepted still", 5)
    assert daemon.process.poll() is None or all(request.done() for request in under_way)


def test_a_lock_outlives_a_restart_of_everything(own, client, person):
    wrong(client, person, 5)
    assert own.stop() == 0
    own.start()
    assert error(client.authorize(person, batch(1), expect=400))[1] == "PIN locked"

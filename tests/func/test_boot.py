"""The service starts, says how it is, and stops."""

import resource
import subprocess
from datetime import datetime, timezone

import pytest
import requests

from lib.api import Api
from lib.server import Server
from test_reload import DAY, make_certificate


def test_ready_and_healthy(server):
    api = Api(server)
    api.get("/healthz", expect=200)
    api.get("/readyz", expect=200)


def test_each_role_has_its_processes(server):
    assert len(server.sams("activate")) == 1
    assert len(server.sams("sign")) == 2
    assert len(server.sams("issue")) == 1
    assert server.api_pid()


def test_start_says_that_there_is_no_user_boundary(server):
    assert "no boundary between them" in server.log()


def test_secrets_stand_neither_in_arguments_nor_in_the_log(server):
    words = [server.instance.path("secrets", name).read_text().strip()
             for name in ("keys.pin", "ca.pin")]
    words.append(server.instance.path("secrets", "rsspd.pgpass").read_text().strip().split(":")[-1])
    seen = server.log()
    for pid in [server.process.pid, *server.children()]:
        seen += b" ".join(server.command_line(pid)).decode()
    assert not [word for word in words if word in seen]


def test_sams_cannot_be_read_by_debuggers(server):
    """A process without core dumps and ptrace has /proc files that belong to root alone."""
    for pid in server.sams("activate") + server.sams("sign") + server.sams("issue"):
        with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
            cores = [line.split() for line in limits if line.startswith("Max core file size")]
        assert cores[0][4:6] == ["0", "0"]


def test_the_public_key_pages_answer_and_nothing_else_does(server):
    assert requests.get(server.pki_url + "/ca.cer", timeout=5).status_code == 200
    server.wait_until(  # made by a SAM right after the start
        lambda: requests.get(server.pki_url + "/ca.crl", timeout=5).status_code == 200, 10, "no list")
    for path in ("/", "/healthz", "/csc/v1/info", "/operator/v1/agencies"):
        assert requests.get(server.pki_url + path, timeout=5).status_code == 404


@pytest.fixture
def another(instance):
    """Further daemons on the session's instance, ended at the test's end."""
    made = []

    def make(name, **options):
        made.append(Server(instance, name, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.mark.parametrize("option, value", [
    ("listen__port", "70000"), ("sad__lifetime_s", "7201"), ("tls__key", "/nonexistent/key.pem"),
    ("nonsense__option", "1")])
def test_a_wrong_configuration_does_not_start(another, option, value):
    wrong = another(f"wrong-{option}", **{option: value}).start(ready=False)
    assert wrong.process.wait(30) == 78
    assert "error" in wrong.log()


def test_without_its_token_it_says_so_and_is_not_ready(another):
    wrong = another("no-token", hsm__key_token="no-such-token").start(ready=False)
    wrong.wait_until(lambda: "token=no-such-token" in wrong.log(), 20, "nothing said of the token")
    wrong.wait_until(lambda: "listening" in wrong.log(), 20, "not listening")
    assert not wrong.ready()


def test_a_certificate_that_has_ended_takes_no_revocation_list_away(another, tmp_path):
    """Clients refuse it; who verifies a signature needs the list all the same."""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    certificate, key = make_certificate(now - 30 * DAY, now - DAY)
    (tmp_path / "ended.pem").write_bytes(certificate)
    (tmp_path / "ended.key").write_bytes(key)
    started = another("ended", tls__certificate=tmp_path / "ended.pem", tls__key=tmp_path / "ended.key")
    started.start(ready=False)
    started.wait_until(lambda: "listening" in started.log(), 20, "not listening")
    assert requests.get(started.pki_url + "/ca.cer", timeout=5).status_code == 200
    assert "tls.certificate is not valid at this time" in started.log()


def test_starts_that_fail_leave_the_token_whole(another):
    """SoftHSM writes the token's file at each login: a SAM ended in the middle of it left the file
    empty, and all keys lost."""
    for number in range(6):
        wrong = another(f"failing-{number}", tls__key="/nonexistent/key.pem").start(ready=False)
        assert wrong.process.wait(30) == 78
        assert "signal=9" not in wrong.log()
    another("after-failures").start()


def start_limited(server, soft, hard):
    """The shell's `ulimit -n`, for this daemon alone."""
    words = ["prlimit", f"--nofile={soft}:{hard}", server.program("rsspd"), "run",
             "--config", str(server.config_file)]
    with open(server.log_file, "ab") as log:
        server.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env=server.instance.environment(), start_new_session=True)
    server.wait_ready()


def files_of(pid):
    """(soft, hard)"""
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)


def test_the_api_process_takes_the_descriptors_that_it_may_have(another):
    """A login shell's 1024 would leave it deaf at as many connections."""
    raised = another("raised")
    hard = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 18000)
    start_limited(raised, 1024, hard)
    assert files_of(raised.api_pid()) == (min(hard, 17408), hard)
    assert files_of(raised.sams("sign")[0]) == (1024, hard)
    assert "fewer descriptors" not in raised.log() or hard < 17408


def test_too_few_descriptors_are_said(another):
    few = another("few")
    start_limited(few, 256, 512)
    assert files_of(few.api_pid()) == (512, 512)
    assert "fewer descriptors than connections may come limit=512" in few.log()


def test_sigterm_stops_everything(another):
    short = another("short").start()
    pids = short.children()
    assert short.stop() == 0
    assert not [pid for pid in pids if any(short.command_line(pid))]

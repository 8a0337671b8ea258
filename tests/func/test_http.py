"""The transport: TLS, framing, connections that break, draining, the plain listener; and that what a
request carried stays in no process's memory."""

import hashlib
import http.client
import re
import signal
import socket
import ssl
import subprocess
import threading

import pytest
import requests
from cryptography import x509

from lib.api import Api, b64
from lib.books import audited
from lib.server import Server
from test_boot import start_limited

INFO = "/csc/v1/info"


def connect(server, version=None):
    context = ssl.create_default_context(cafile=server.cacert)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def raw(server, text, end=False):
    """Sends bytes, reads until the service closes or one answer is there."""
    with connect(server) as stream:
        stream.sendall(text)
        got = b""
        while end or b"\r\n\r\n" not in got:
            try:
                part = stream.recv(65536)
            except (TimeoutError, ConnectionError):
                break
            if not part:
                break
            got += part
    return got


# -- TLS --

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(server, version):
    with connect(server, version) as stream:
        assert stream.version() in ("TLSv1.2", "TLSv1.3")
        assert re.match("ECDHE|TLS_", stream.cipher()[0])
        assert stream.compression() is None


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_older_tls_is_not(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(plain)


def test_plain_http_gets_nothing(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" not in plain.recv(1000)
    Api(server).get("/healthz", 200)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A certificate like an operator's, by name too, but not in the operators' file."""
    folder = tmp_path_factory.mktemp("stranger")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=operator",
                    "-days", "30"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return str(folder / "cert.pem"), str(folder / "key.pem")


def test_an_unknown_certificate_is_like_none(server, stranger, auditor_db):
    answer = Api(server, certificate=stranger).get("/operator/v1/agencies", 401)
    row = audited(auditor_db, answer, "agency.list", "refused", "OPERATOR_REQUIRED")
    assert row["operator"] is None
    Api(server, certificate=stranger).post(INFO, {}, 200)


# -- framing --

def test_many_requests_on_one_connection(server):
    """Also after a HEAD, whose answer has no body."""
    one = http.client.HTTPSConnection(
        "127.0.0.1", server.port, context=ssl.create_default_context(cafile=server.cacert))
    one.connect()
    first = one.sock
    for method, path, status in (("POST", INFO, 200), ("HEAD", "/healthz", 405),
                                 ("GET", "/nothing", 404), ("POST", INFO, 200)):
        one.request(method, path)
        answer = one.getresponse()
        answer.read()
        assert answer.status == status
        assert one.sock is first, "the connection was closed"
    one.close()


@pytest.mark.parametrize("headers", [
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
    b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\nContent-Length: 0\r\n\r\n",
    b"Content-Length: -1\r\n\r\n", b"Content-Length: x\r\n\r\n",
    b"Content-Length: +2\r\n\r\n{}", b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding: \x0bchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Content-Length : 39\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\nX: abc\r\n\r\n",
    b"Content-Length\t: 39\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\nX: abc\r\n\r\n",
    b"X(Y): z\r\nContent-Length: 0\r\n\r\n", b": z\r\nContent-Length: 0\r\n\r\n"])
def test_ambiguous_framing_is_refused_and_the_connection_closed(server, headers):
    start = b"POST " + INFO.encode() + b" HTTP/1.1\r\nHost: x\r\n"
    answer = raw(server, start + headers, end=True)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("request_line, headers, status", [
    (b"POST", b"Content-Length: x", b"400"), (b"BREW", b"X: y", b"501"),
    (b"POST", b"Expect: what\r\nContent-Length: 2\r\n\r\n{}", b"417"), (b"GET", b"X: " + b"y" * 16400, b"400"),
    (b"POST", b"Content-Length: 1048577\r\n\r\n" + b" " * 1048577, b"413")],
    ids=["length", "method", "expectation", "header", "body"])
def test_what_is_no_http_is_refused_in_html_without_an_id(server, request_line, headers, status):
    """As clients/README.md says: it never reaches what answers requests."""
    answer = raw(server, request_line + b" " + INFO.encode() + b" HTTP/1.1\r\nHost: x\r\n" + headers
                 + b"\r\n\r\n", end=True)
    head = answer.partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"text/html" in head and b"X-Request-Id" not in head


def test_the_body_of_a_get_is_not_the_next_request(server):
    inner = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = raw(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner)
                 + inner, end=True)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in answer


def test_chunked_bodies_are_read(server):
    answer = raw(server, b"POST " + INFO.encode() + b" HTTP/1.1\r\nHost: x\r\n"
                 b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"2\r\n{}\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("garbage", [b"\0" * 100 + b"\r\n\r\n", b"GARBAGE\r\n\r\n", b"GET\r\n\r\n",
                                     b"GET / HTTP/9.9\r\n\r\n", b"X: " + b"y" * 40000,
                                     b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 40000 + b"\r\n\r\n"])
def test_garbage_does_no_harm(server, garbage):
    assert b"200 OK" not in raw(server, garbage, end=True)
    Api(server).get("/healthz", 200)


def test_a_body_beyond_every_limit_is_cut_off(server):
    answer = Api(server).session.post(server.url + INFO, data=b" " * (3 << 20), timeout=30)
    assert answer.status_code == 413
    Api(server).get("/healthz", 200)


# -- connections that break --

def test_a_client_that_hangs_up_is_not_waited_for(server):
    for _ in range(20):
        with connect(server) as stream:
            stream.sendall(b"POST " + INFO.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    for _ in range(20):
        with connect(server) as stream:
            stream.sendall(b"POST " + INFO.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
    Api(server).get("/healthz", 200)


def test_sigterm_answers_what_is_under_way(private):
    """The store is held, so that a request hangs; SIGTERM comes; the request is still answered."""
    server = private()
    api, answers = Api(server), []
    superuser = server.instance.connect("postgres", autocommit=False)
    superuser.cursor().execute("LOCK TABLE audit.event IN ACCESS EXCLUSIVE MODE")
    asking = threading.Thread(target=lambda: answers.append(api.post(INFO, {})))
    asking.start()
    waiting = ("SELECT count(*) FROM pg_stat_activity WHERE usename = 'rsspd'"
               " AND wait_event_type = 'Lock'")
    with server.instance.connect("postgres") as watcher:
        cursor = watcher.cursor()

        def held():
            cursor.execute(waiting)
            return cursor.fetchone()[0] > 0
        server.wait_until(held, 10, "the request does not wait")
    server.process.send_signal(signal.SIGTERM)

    def refuses():
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:  # the listener closed at that very moment
            return False
        return False
    server.wait_until(refuses, 10, "still accepts")
    assert not answers
    superuser.rollback()
    superuser.close()
    asking.join(20)
    assert answers and answers[0].status_code == 200
    assert answers[0].headers["Connection"] == "close"
    assert server.process.wait(20) == 0


# -- the plain listener --

def test_without_a_descriptor_left_it_waits_and_says_so_once(instance):
    """Whoever opens many connections fills neither the log nor the processor."""
    few = Server(instance, "few-descriptors")
    start_limited(few, 96, 96)
    try:
        many = [socket.create_connection(("127.0.0.1", few.pki_port), timeout=10) for _ in range(120)]
        few.wait_until(lambda: "no more connections are taken" in few.log(), 10, "nothing said")
        for one in many:
            one.close()
        few.wait_ready()
        assert few.log().count("no more connections are taken") < 10
        assert "accept() call" not in few.log()
    finally:
        few.stop()


def test_the_plain_listener_has_two_files(server):
    root = requests.get(server.pki_url + "/ca.cer", timeout=10)
    assert root.headers["Content-Type"] == "application/pkix-cert"
    certificate = x509.load_der_x509_certificate(root.content)
    server.wait_until(lambda: requests.get(server.pki_url + "/ca.crl", timeout=10).status_code == 200,
                      10, "no revocation list")
    crl = requests.get(server.pki_url + "/ca.crl", timeout=10)
    assert crl.headers["Content-Type"] == "application/pkix-crl"
    assert x509.load_der_x509_crl(crl.content).issuer == certificate.subject
    for method, path in (("POST", "/ca.crl"), ("GET", "/ca.crl/x"), ("GET", "/"), ("GET", "/healthz"),
                         ("POST", "/oauth2/token"), ("GET", "/../ca.key")):
        assert requests.request(method, server.pki_url + path, timeout=10).status_code == 404


# -- what stays behind --

def memory_holds(pid, words):
    found = set()
    with open(f"/proc/{pid}/maps", errors="replace") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            start, stop, access = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            size = int(stop, 16) - int(start, 16)
            # terabytes: the shadow that AddressSanitizer reserves, which holds no one's data
            if "r" not in access or size > 2 ** 36 or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            memory.seek(int(start, 16))
            try:
                data = memory.read(size)
            except OSError:
                continue
            found |= {name for name, word in words.items() if word.encode() in data}
    return found


def test_no_process_remembers_pin_sad_token_or_secret(server, operator, agency, client):
    subscriber = operator.subscriber(agency, pin="Zq9wXc4vTn7e")
    digest = hashlib.sha256(b"remembered").digest()
    sad = client.authorize(subscriber, [digest])
    client.sign(subscriber, sad, [digest])
    client.call("credentials/authorize", {
        "credentialID": subscriber.credential, "numSignatures": 1, "hash": [b64(digest)],
        "authData": [{"id": "PIN", "value": "Rt5yUi8oPl2k"}, {"id": "OTP", "value": "000000"}]},
        version=2, expect=400)
    words = {"PIN": subscriber.pin, "wrong PIN": "Rt5yUi8oPl2k", "SAD": sad,
             "token": client.api.token, "client's secret": client.secret,
             "OTP secret": subscriber.secret}
    # the last one is there on purpose: it shows that the search finds. An answer may be with its
    # reader before the request's memory is given back: what stays is looked for, not what passes.
    words_and_address = {**words, "address": server.url}
    server.wait_until(lambda: memory_holds(server.api_pid(), words_and_address) == {"address"},
                      5, "the api process still remembers one of them")
    for pid in server.sams("activate") + server.sams("sign") + server.sams("issue"):
        assert memory_holds(pid, words) == set(), server.command_line(pid)

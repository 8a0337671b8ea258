"""How client applications prove themselves at the token endpoint: each registered way done right, done
wrong, used twice, used in place of another."""

import json
import socket
import ssl
import subprocess
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lib import jose
from lib.api import Api, error
from lib.books import audited
from lib.certificates import files, pem
from lib.instance import free_ports
from lib.server import Server

GRANT = {"grant_type": "client_credentials"}
ALGOS = ["RS256", "PS256", "ES256"]


@pytest.fixture(scope="module")
def agency(operator):
    return operator.add_agency()


@pytest.fixture(scope="module")
def mtls(instance, server):
    """A daemon of the same instance that has the second listener."""
    (port,) = free_ports(1)
    started = Server(instance, "rsspd-mtls", listen__mtls_port=port).start()
    started.mtls_url = f"https://127.0.0.1:{port}"
    yield started
    assert started.stop() == 0


class Registered:
    """A client and what it proves itself with."""

    def __init__(self, operator, agency, authentication, **more):
        self.authentication = authentication
        answer = operator.post("clients", {
            "name": "Phần mềm Mẫu", "agencyID": agency.id, "authentication": authentication,
            "redirectURIs": ["https://hocba.mau.edu.vn/ky/xong"], **more}).json()
        self.id, self.secret = answer["clientID"], answer.get("clientSecret")


@pytest.fixture(scope="module")
def by_secret(operator, agency):
    return Registered(operator, agency, "secret")


@pytest.fixture(scope="module")
def by_jwt(operator, agency):
    """One key of each algorithm; RSA keys are the same number, told apart by their names."""
    keys = {algo: jose.Key(algo, kid=algo) for algo in ALGOS}
    made = Registered(operator, agency, "private-key-jwt", jwks=jose.jwks(*keys.values()))
    made.keys = keys
    return made


@pytest.fixture(scope="module")
def by_tls(operator, agency, tmp_path_factory):
    return tls_client(operator, agency, tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def public(operator, agency):
    return Registered(operator, agency, "none")


def tls_client(operator, agency, folder):
    made, paths = files(folder)
    client = Registered(operator, agency, "tls", certificate=pem(made))
    client.certificate = paths
    return client


def token(server, expect=200, certificate=None, basic=None, **form):
    api = Api(server, certificate=certificate)
    api.session.auth = basic
    sent = {name: value for name, value in {**GRANT, **form}.items() if value is not None}
    return api.post("/oauth2/token", data=sent, expect=expect)


def asserted(text, **more):
    return {"client_assertion": text, "client_assertion_type": jose.ASSERTION_TYPE, **more}


def refused(auditor_db, answer, code):
    row = audited(auditor_db, answer, "token.issue", "refused", code)
    assert answer.headers["Cache-Control"] == "no-store"
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"]
    return row


# -- client_secret_basic, client_secret_post --

def test_a_secret_in_the_form_or_by_basic_is_good(server, by_secret, auditor_db):
    answer = token(server, client_id=by_secret.id, client_secret=by_secret.secret)
    assert answer.json()["token_type"] == "Bearer"
    row = audited(auditor_db, answer, result="ok")
    assert row["client"] == by_secret.id and by_secret.secret not in str(row)
    token(server, basic=(by_secret.id, by_secret.secret))
    token(server, basic=(by_secret.id, by_secret.secret), client_id=by_secret.id)


def test_a_wrong_secret_is_refused(server, by_secret, auditor_db):
    wrong = by_secret.secret[:-1] + ("A" if by_secret.secret[-1] != "A" else "B")
    for answer in (token(server, 400, client_id=by_secret.id, client_secret=wrong),
                   token(server, 400, basic=(by_secret.id, wrong))):
        assert error(answer) == ("invalid_request", "Invalid parameter client_secret")
        assert refused(auditor_db, answer, "CLIENT_SECRET_INVALID")["client"] == by_secret.id


def test_no_token_by_the_old_secret_outlives_its_rotation(server, operator, agency):
    """Requests that race with the new secret: what they got is over when the answer is there."""
    client = Registered(operator, agency, "secret")
    got, rotated = [], threading.Event()

    def ask():
        while True:
            last = rotated.is_set()
            answer = token(server, None, client_id=client.id, client_secret=client.secret)
            got.extend([answer.json()["access_token"]] if answer.status_code == 200 else [])
            if last:
                return answer.status_code

    with ThreadPoolExecutor(6) as pool:
        asking = [pool.submit(ask) for _ in range(6)]
        server.wait_until(lambda: len(got) > 20, 30, "no tokens")
        operator.post("clients/rotate", {"clientID": client.id})
        rotated.set()
        assert {one.result() for one in asking} == {400}
    for text in got:
        Api(server, text).post("/csc/v2/credentials/list", {"userID": str(uuid.uuid4())}, 401)


def test_no_proof_at_all_is_refused(server, by_secret, by_jwt, by_tls, auditor_db):
    for client in (by_secret, by_jwt, by_tls):
        answer = token(server, 401, client_id=client.id)
        assert error(answer) == ("invalid_request", "Client authorization required")
        refused(auditor_db, answer, "CLIENT_AUTH_REQUIRED")


def test_an_unknown_client_is_refused_in_every_way(server, by_jwt, auditor_db):
    nobody = str(uuid.uuid4())
    key = by_jwt.keys["ES256"]
    for answer in (token(server, 400, client_id=nobody, client_secret="x"),
                   token(server, 400, basic=(nobody, "x")),
                   token(server, 400, client_id=nobody),
                   token(server, 400, **asserted(key.assertion(nobody, server.url)))):
        assert error(answer) == ("invalid_request", "Invalid parameter client_id")
        assert refused(auditor_db, answer, "CLIENT_ID_INVALID")["client"] is None


def test_a_disabled_client_is_refused_in_every_way(server, operator, agency, tmp_path, auditor_db):
    key = jose.Key("ES256")
    secret = Registered(operator, agency, "secret")
    jwt = Registered(operator, agency, "private-key-jwt", jwks=jose.jwks(key))
    tls = tls_client(operator, agency, tmp_path)
    for client in (secret, jwt, tls):
        operator.post("clients/disable", {"clientID": client.id})
    for answer in (token(server, 400, client_id=secret.id, client_secret=secret.secret),
                   token(server, 400, **asserted(key.assertion(jwt.id, server.url))),
                   token(server, 400, client_id=tls.id, certificate=tls.certificate)):
        refused(auditor_db, answer, "CLIENT_ID_INVALID")


# -- private_key_jwt --

@pytest.mark.parametrize("algo", ALGOS)
def test_an_assertion_by_a_registered_key_is_good(server, by_jwt, algo, auditor_db):
    key = by_jwt.keys[algo]
    for audience in (server.url, server.url + "/oauth2/token", [server.url, server.url + "/oauth2/token"]):
        answer = token(server, **asserted(key.assertion(by_jwt.id, audience)))
        assert audited(auditor_db, answer, result="ok")["client"] == by_jwt.id
    token(server, **asserted(key.assertion(by_jwt.id, server.url, header={"typ": "JWT"})))
    token(server, **asserted(key.assertion(by_jwt.id, server.url), client_id=by_jwt.id))


def test_without_a_kid_every_key_of_that_algorithm_is_tried(server, operator, agency):
    keys = [jose.Key("ES256", kid=str(number)) for number in range(3)]
    client = Registered(operator, agency, "private-key-jwt", jwks=jose.jwks(*keys))
    token(server, **asserted(keys[2].assertion(client.id, server.url, header={"kid": None})))
    token(server, 401, **asserted(keys[2].assertion(client.id, server.url, header={"kid": "1"})))


NOW = int(time.time())
WRONG_CLAIMS = [
    ({"iss": None}, "iss"), ({"iss": str(uuid.uuid4())}, "iss"), ({"iss": 7}, "iss"),
    ({"aud": None}, "aud"), ({"aud": "https://mau.edu.vn"}, "aud"), ({"aud": []}, "aud"),
    ({"aud": 7}, "aud"), ({"aud": {"a": "b"}}, "aud"),
    ({"exp": None}, "exp"), ({"exp": "tomorrow"}, "exp"), ({"exp": 0}, "exp"),
    ({"exp": NOW - 3600}, "exp"), ({"exp": NOW + 7200}, "5 minutes"), ({"exp": 1e300}, "5 minutes"),
    ({"nbf": NOW + 7200}, "nbf"), ({"iat": NOW + 7200}, "nbf or iat"),
    ({"jti": None}, "jti"), ({"jti": ""}, "jti"), ({"jti": 7}, "jti"), ({"jti": "j" * 256}, "jti"),
]


@pytest.mark.parametrize("claims, words", WRONG_CLAIMS, ids=lambda part: str(part)[:40])
def test_an_assertion_with_a_wrong_claim_is_refused_in_words(server, by_jwt, auditor_db, claims, words):
    made = by_jwt.keys["ES256"].assertion(by_jwt.id, **{"audience": server.url, **rename(claims)})
    answer = token(server, 401, **asserted(made))
    code, text = error(answer)
    assert code == "invalid_client" and text.startswith("Invalid parameter client_assertion: ")
    assert words in text
    assert refused(auditor_db, answer, "CLIENT_ASSERTION_INVALID")["client"] == by_jwt.id


def rename(claims):
    """`aud` is a parameter of Key.assertion()."""
    return {"audience" if name == "aud" else name: value for name, value in claims.items()}


def test_an_assertion_for_this_service_and_another_is_refused(server, by_jwt):
    made = by_jwt.keys["ES256"].assertion(by_jwt.id, [server.url, "https://mau.edu.vn"])
    token(server, 401, **asserted(made))


def test_an_assertion_of_one_client_does_not_serve_another(server, by_jwt, by_secret, operator, agency):
    key = by_jwt.keys["ES256"]
    other = Registered(operator, agency, "private-key-jwt", jwks=jose.jwks(jose.Key("ES256")))
    token(server, 401, **asserted(key.assertion(by_jwt.id, server.url), client_id=other.id))
    token(server, 401, **asserted(key.assertion(other.id, server.url)))
    token(server, 401, **asserted(key.assertion(other.id, server.url, iss=by_jwt.id)))
    token(server, 401, **asserted(key.assertion(by_jwt.id, server.url, sub=other.id)))


def test_an_assertion_counts_once(server, server2, by_jwt, auditor_db):
    made = by_jwt.keys["PS256"].assertion(by_jwt.id, [server.url])
    token(server, **asserted(made))
    again = token(server, 401, **asserted(made))
    assert "used before" in error(again)[1]
    refused(auditor_db, again, "CLIENT_ASSERTION_INVALID")
    another = by_jwt.keys["ES256"].assertion(by_jwt.id, server.url, jti="same")
    token(server, **asserted(another))
    token(server, 401, **asserted(by_jwt.keys["ES256"].assertion(by_jwt.id, server.url, jti="same")))


def test_of_an_assertion_sent_sixteen_times_at_once_one_counts(server, by_jwt):
    made = by_jwt.keys["ES256"].assertion(by_jwt.id, server.url)
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: token(server, None, **asserted(made)).status_code, range(16)))
    assert sorted(codes) == [200] + [401] * 15


def test_an_assertion_that_was_refused_may_be_repeated_rightly(server, by_jwt):
    """What is not signed by the client spends nothing of its."""
    claims = jose.assertion_claims(by_jwt.id, server.url)
    token(server, 401, **asserted(jose.Key("ES256", kid="ES256").jws(claims)))
    token(server, **asserted(by_jwt.keys["ES256"].jws(claims)))


def public_pem(key):
    return key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def forged(client, audience):
    """Assertions that a registered key did not make, though they look like it."""
    ec, rs = client.keys["ES256"], client.keys["RS256"]
    claims = jose.assertion_claims(client.id, audience)
    good = ec.jws(claims)
    head, middle, sign = good.split(".")
    yield "none", jose.unsigned(claims)
    yield "None", jose.unsigned(claims, "None")
    yield "empty signature", f"{head}.{middle}."
    yield "HS256 with the public key", jose.hs256(public_pem(rs), claims, kid="RS256")
    yield "HS256 with the modulus", jose.hs256(
        rs.private.public_key().public_numbers().n.to_bytes(256, "big"), claims, kid="RS256")
    yield "PS256 by the RS256 key", rs.jws(claims, "PS256")
    yield "RS256 by the PS256 key", client.keys["PS256"].jws(claims, "RS256")
    yield "RS256 named ES256", rs.jws(claims, "RS256", alg="ES256")
    yield "RS512", rs.jws(claims, alg="RS512")
    yield "another key", jose.Key("ES256", kid="ES256").jws(claims)
    yield "another RSA key", jose.Key("RS256", "RS256", rsa.generate_private_key(65537, 2048)).jws(claims)
    yield "unknown kid", ec.jws(claims, kid="nonsense")
    yield "its own key", jose.Key("ES256").jws(claims, jwk=jose.Key("ES256").jwk())
    yield "its own key by address", ec.jws(claims, jku="https://mau.edu.vn/keys")
    yield "its own certificate", ec.jws(claims, x5c=["AAAA"])
    yield "crit", ec.jws(claims, crit=["exp"])
    yield "unencoded payload", ec.jws(claims, b64=False, crit=["b64"])
    yield "of another kind", ec.jws(claims, typ="at+jwt")
    yield "another payload", f"{head}.{jose.part({**claims, 'jti': 'other'})}.{sign}"
    yield "another header", f"{jose.part({'alg': 'ES256', 'kid': 'ES256', 'a': 1})}.{middle}.{sign}"
    yield "no signature", f"{head}.{middle}"
    yield "four parts", good + ".AAAA"
    yield "padding", good + "="
    yield "blank", good + " "
    yield "JSON", json.dumps({"protected": head, "payload": middle, "signature": sign})
    yield "not JSON", f"{head}.{jose.b64url(b'text')}.{sign}"
    yield "twice a member", ec_raw(ec, claims)
    yield "too long", ec.jws({**claims, "more": "m" * 9000})
    yield "zeros", f"{head}.{middle}.{jose.b64url(bytes(64))}"
    yield "text", "assertion"


def ec_raw(key, claims):
    """Claims in which sub stands twice."""
    payload = json.dumps(claims)[:-1].encode() + b', "sub": "nobody"}'
    signed = f"{jose.part({'alg': 'ES256', 'kid': key.kid})}.{jose.b64url(payload)}"
    return f"{signed}.{jose.b64url(key.sign(signed.encode()))}"


def test_forged_assertions_are_refused(server, by_jwt, auditor_db):
    """`none`, algorithm confusion, keys that the token brings, and what is no compact JWS."""
    for name, text in forged(by_jwt, server.url):
        answer = token(server, 401, **asserted(text, client_id=by_jwt.id))
        assert error(answer)[0] == "invalid_client", name
        refused(auditor_db, answer, "CLIENT_ASSERTION_INVALID")


@pytest.mark.parametrize("kind", [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_an_assertion_names_its_type(server, by_jwt, kind):
    made = by_jwt.keys["ES256"].assertion(by_jwt.id, server.url)
    token(server, 401, client_id=by_jwt.id, client_assertion=made, client_assertion_type=kind)
    token(server, 401, client_id=by_jwt.id, client_assertion_type=jose.ASSERTION_TYPE)


def test_an_assertion_in_the_query_is_not_read(server, by_jwt):
    made = by_jwt.keys["ES256"].assertion(by_jwt.id, server.url)
    Api(server).post("/oauth2/token", data=b"", expect=401, params={
        **GRANT, "client_id": by_jwt.id, **asserted(made)})
    assert made not in server.log()


# -- mutual TLS --

def listeners(mtls):
    """Both, as servers that Api() can be given."""
    yield mtls
    other = type("Listener", (), {"url": mtls.mtls_url, "cacert": mtls.cacert})
    yield other


def test_the_registered_certificate_is_good_on_both_listeners(mtls, by_tls, auditor_db):
    for listener in listeners(mtls):
        answer = token(listener, client_id=by_tls.id, certificate=by_tls.certificate)
        assert audited(auditor_db, answer, result="ok")["client"] == by_tls.id


def test_a_token_is_good_with_its_certificate_only(mtls, by_tls, operator, agency, tmp_path, auditor_db):
    """RFC 8705 §3: on whichever listener; another's certificate, or none, makes it nobody's."""
    _, other = files(tmp_path)
    made = token(mtls, client_id=by_tls.id, certificate=by_tls.certificate).json()["access_token"]
    asked = {"userID": str(uuid.uuid4())}
    for listener in listeners(mtls):
        refusal = Api(listener, made, by_tls.certificate).post("/csc/v2/credentials/list", asked, 400)
        assert error(refusal)[0] == "invalid_request"  # the client is known, that user is not
        for certificate in (other, (operator.certificate, operator.key), None):
            answer = Api(listener, made, certificate).post("/csc/v2/credentials/list", asked, 401)
            assert error(answer)[0] == "invalid_token"
            audited(auditor_db, answer, result="refused", code="TOKEN_INVALID")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_has_the_certificate_of_its_first_handshake(mtls, by_tls, version):
    context = ssl.create_default_context(cafile=mtls.cacert)
    context.load_cert_chain(*by_tls.certificate)
    context.minimum_version = context.maximum_version = version

    def ask(session):
        with socket.create_connection(("127.0.0.1", mtls.port), 10) as plain, context.wrap_socket(
                plain, server_hostname="127.0.0.1", session=session) as line:
            sent = urlencode({**GRANT, "client_id": by_tls.id})
            line.sendall(("POST /oauth2/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                          "Content-Type: application/x-www-form-urlencoded\r\n"
                          f"Content-Length: {len(sent)}\r\n\r\n{sent}").encode())
            status = line.recv(65536).split(b" ")[1]
            return status, line.session, line.session_reused

    status, session, reused = ask(None)
    assert (status, reused) == (b"200", False)
    status, _, reused = ask(session)
    assert (status, reused) == (b"200", True)


def test_another_certificate_or_none_is_refused(mtls, by_tls, operator, tmp_path, auditor_db):
    _, other = files(tmp_path)
    for listener in listeners(mtls):
        answer = token(listener, 401, client_id=by_tls.id, certificate=other)
        refused(auditor_db, answer, "CLIENT_CERTIFICATE_INVALID")
        answer = token(listener, 401, client_id=by_tls.id,
                       certificate=(operator.certificate, operator.key))
        refused(auditor_db, answer, "CLIENT_CERTIFICATE_INVALID")
        refused(auditor_db, token(listener, 401, client_id=by_tls.id), "CLIENT_AUTH_REQUIRED")


def test_a_certificate_says_nothing_of_another_client(server, by_tls, by_secret, public):
    token(server, 401, client_id=by_secret.id, certificate=by_tls.certificate)
    token(server, 400, client_id=public.id, certificate=by_tls.certificate)
    token(server, 400, client_id=None, certificate=by_tls.certificate)


def names_asked_for(url, cacert):
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", url.removeprefix("https://"), "-CAfile", cacert],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=30, check=False).stdout
    assert "Verify return code: 0 (ok)" in shown, shown
    names = shown.partition("Acceptable client certificate CA names\n")[2]
    return names.partition("\nRequested Signature")[0].splitlines()


def test_only_the_operators_are_named_where_browsers_connect(mtls, operator):
    """So that somebody with a certificate of another issuer is not asked for it."""
    subject = subprocess.run(
        ["openssl", "x509", "-in", operator.certificate, "-noout", "-subject"],
        stdout=subprocess.PIPE, text=True, check=True).stdout.strip().removeprefix("subject=")
    assert subject.strip() in names_asked_for(mtls.url, mtls.cacert)
    assert names_asked_for(mtls.mtls_url, mtls.cacert) == []


def test_operators_are_operators_on_both_listeners(mtls, operator, by_tls):
    for listener in listeners(mtls):
        Api(listener, certificate=(operator.certificate, operator.key)).get("/operator/v1/agencies", 200)
        Api(listener, certificate=by_tls.certificate).get("/operator/v1/agencies", 401)


def test_a_changed_key_or_certificate_ends_what_the_old_one_got(server, operator, agency, tmp_path):
    old, new = jose.Key("ES256"), jose.Key("ES256")
    jwt = Registered(operator, agency, "private-key-jwt", jwks=jose.jwks(old))
    tls = tls_client(operator, agency, tmp_path)
    (tmp_path / "new").mkdir()
    fresh, paths = files(tmp_path / "new")
    by_key = token(server, **asserted(old.assertion(jwt.id, server.url))).json()["access_token"]
    by_tls = token(server, client_id=tls.id, certificate=tls.certificate).json()["access_token"]
    operator.post("clients/change", {"clientID": jwt.id, "jwks": jose.jwks(new)})
    operator.post("clients/change", {"clientID": tls.id, "certificate": pem(fresh)})
    asked = {"userID": str(uuid.uuid4())}
    Api(server, by_key).post("/csc/v2/credentials/list", asked, 401)
    Api(server, by_tls, tls.certificate).post("/csc/v2/credentials/list", asked, 401)
    token(server, 401, **asserted(old.assertion(jwt.id, server.url)))
    token(server, 401, client_id=tls.id, certificate=tls.certificate)
    token(server, **asserted(new.assertion(jwt.id, server.url)))
    token(server, client_id=tls.id, certificate=paths)


# -- public clients --

def test_a_public_client_gets_no_token_for_itself(server, public, auditor_db):
    answer = token(server, 400, client_id=public.id)
    assert error(answer) == ("unauthorized_client", "This client may not use this grant_type")
    refused(auditor_db, answer, "GRANT_NOT_ALLOWED")


# -- one way, the registered one --

def ways(server, by_secret, by_jwt, by_tls):
    """Each way of proving, as another client could try it with the id of `client`."""
    key = by_jwt.keys["ES256"]
    return {
        "secret": lambda client: {"client_id": client.id, "client_secret": by_secret.secret},
        "basic": lambda client: {"basic": (client.id, by_secret.secret)},
        "private-key-jwt": lambda client: asserted(key.assertion(client.id, server.url)),
        "tls": lambda client: {"client_id": client.id, "certificate": by_tls.certificate},
        "none": lambda client: {"client_id": client.id},
    }


REGISTERED = ["secret", "private-key-jwt", "tls", "none"]
OTHER_WAYS = [(one, used) for one in REGISTERED for used in [*REGISTERED, "basic"]
              if one != used and (one, used) != ("secret", "basic")]


@pytest.mark.parametrize("registered, used", OTHER_WAYS)
def test_another_way_than_the_registered_one_is_refused(
        server, by_secret, by_jwt, by_tls, public, auditor_db, registered, used):
    clients = {one.authentication: one for one in (by_secret, by_jwt, by_tls, public)}
    answer = token(server, None, **ways(server, by_secret, by_jwt, by_tls)[used](clients[registered]))
    assert answer.status_code in (400, 401)
    allowed = {"CLIENT_AUTH_METHOD"}
    if used in ("tls", "none"):  # nothing in the request itself
        allowed = {"GRANT_NOT_ALLOWED"} if registered == "none" else {"CLIENT_AUTH_REQUIRED"}
    row = audited(auditor_db, answer, "token.issue", "refused")
    assert row["code"] in allowed


def test_two_ways_at_a_time_are_refused(server, by_secret, by_jwt, auditor_db):
    made = asserted(by_jwt.keys["ES256"].assertion(by_jwt.id, server.url))
    basic = (by_secret.id, by_secret.secret)
    for answer in (token(server, 400, basic=basic, client_secret=by_secret.secret),
                   token(server, 400, basic=basic, **made),
                   token(server, 400, client_secret=by_secret.secret, client_id=by_secret.id, **made)):
        refused(auditor_db, answer, "MALFORMED")
    token(server, 200, **made)


def test_an_id_by_basic_and_another_in_the_form_are_refused(server, by_secret, public):
    token(server, 400, basic=(by_secret.id, by_secret.secret), client_id=public.id)


def test_an_unknown_client_takes_as_long_as_a_wrong_secret(server, by_secret):
    """Both ask the database once and compare once: neither is told by its time."""
    api = Api(server)

    def took(client):
        start = time.monotonic()
        api.post("/oauth2/token", data={**GRANT, "client_id": client, "client_secret": "x" * 43}, expect=400)
        return time.monotonic() - start

    known, unknown = [], []
    for _ in range(60):
        known.append(took(by_secret.id))
        unknown.append(took(str(uuid.uuid4())))
    middle = sorted(known)[30], sorted(unknown)[30]
    assert max(middle) < 2 * min(middle), middle

"""Every route of the table: with success, with access denied, with malformed input; each answer has
its audit row, which the daemon wrote before it answered."""

import hashlib
import itertools
import uuid

import pytest

from lib import oauth, statement
from lib.api import Api, b64, error
from lib.books import audit_of, audited
from lib.people import SHA256_OID, agency_path, code_for, new_person
from lib.table import routes

ROUTES = routes()
AUDITED = [route for route in ROUTES if route.event]
PROBES = [route for route in ROUTES if not route.event]
ABSENT = [route for route in ROUTES if route.event == "service.not-offered"]
OTP_BY_MAIL = [route for route in ROUTES if route.event == "credential.challenge"]
OFFERED = [route for route in AUDITED if route not in ABSENT and route not in OTP_BY_MAIL]
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_number = itertools.count(1)


def ids(route):
    return f"{route.method} {route.path}"


def digest():
    return hashlib.sha256(f"document {next(_number)}".encode()).digest()


def media(route):
    return FORM if route.path.startswith("/oauth2/") else JSON


def good_status(route):
    special = {"/oauth2/authorize": 303, "/oauth2/pushed_authorize": 201}
    return special.get(route.path, 204 if route.path.endswith("/revoke") else 200)


def api_for(route, server, operator, client, subscriber=None):
    if route.authorisation == "operator":
        return operator.api
    if route.authorisation == "session":
        return signed_in(server, subscriber or operator.subscriber(client.agency))
    return Api(server, client.api.token if route.authorisation == "client" else None)


def signed_in(server, subscriber):
    """As the pages ask: the cookie of a new session, and its token."""
    api = Api(server)
    said = api.post("/account/v1/sign-in", {
        "login": subscriber.person["email"], "password": subscriber.password}, 200).json()
    api.session.headers["X-CSRF-Token"] = said["csrfToken"]
    return api


# -- success --

class World:
    """What the good requests are made of."""

    def __init__(self, server, operator, agency, client, subscriber):
        self.server, self.operator, self.agency = server, operator, agency
        self.client, self.subscriber = client, subscriber
        self.credential = {"credentialID": subscriber.credential}
        self.user = {"userID": subscriber.user}

    def person(self):
        return statement.enrol(new_person(self.agency))

    def sad(self):
        self.digest = digest()
        return self.client.authorize(self.subscriber, [self.digest])

    def lock(self):
        for _ in range(5):
            self.client.authorize(self.subscriber, [digest()], 400, pin="wrong pin 1",
                                  otp=self.subscriber.wrong_otp())

    def asked(self):
        """A request of scope service, and the application it is of."""
        app = oauth.add_app(self.operator, self.agency)
        return app.ask()

    def pushed(self):
        asked = self.asked()
        return {**asked.parameters, **asked.app.proof()}

    def shown(self):
        browser = oauth.Browser(self.server)
        browser.authorize(self.asked())
        return {"request": browser.handle}

    def change(self, **more):
        return {**self.credential, "OTP": self.subscriber.next_otp(), **more}

    def activation(self):
        person = new_person(self.agency)
        self.operator.enrol(person)
        return {"code": code_for(self.server.instance, person["email"]),
                "identityNumber": person["identity_number"], "PIN": "kP7vRm2xWq"}

    def hashes(self, one):
        return {"hashes": [b64(one)], "hashAlgorithmOID": SHA256_OID}


GOOD = {
    "info": lambda w: {},
    "credentials/list": lambda w: w.user,
    "credentials/info": lambda w: w.credential,
    "credentials/authorize": lambda w: {
        **w.credential, "numSignatures": 1, **w.hashes(digest()), "PIN": w.subscriber.pin,
        "OTP": w.subscriber.next_otp()},
    "credentials/extendTransaction": lambda w: {
        **w.credential, "SAD": w.sad(), **w.hashes(w.digest)},
    "signatures/signHash": lambda w: {
        **w.credential, "SAD": w.sad(), **w.hashes(w.digest), "signAlgo": w.subscriber.sign_algo},
    "/oauth2/token": lambda w: {
        "grant_type": "client_credentials", "client_id": w.client.id, "client_secret": w.client.secret},
    "auth/revoke": lambda w: {"token": w.sad()},
    "/oauth2/revoke": lambda w: {
        "client_id": w.client.id, "client_secret": w.client.secret, "token": w.sad()},
    "/oauth2/authorize": lambda w: w.asked().parameters,
    "/oauth2/pushed_authorize": World.pushed,
    "/consent/v1/request": World.shown,
    "/consent/v1/approve": World.shown,
    "/consent/v1/decline": World.shown,
    "/activation/v1/activate": World.activation,
    "/account/v1/session": lambda w: {},
    "/account/v1/sign-in": lambda w: {
        "login": w.subscriber.person["identity_number"], "password": w.subscriber.password},
    "/account/v1/sign-out": lambda w: {},
    "/account/v1/sign-out-everywhere": World.change,
    "/account/v1/credentials": lambda w: {},
    "/account/v1/signatures": lambda w: (w.client.sign(w.subscriber, w.sad(), [w.digest]), {})[1],
    "/account/v1/change-pin": lambda w: w.change(PIN=w.subscriber.pin, newPIN="hT4wq9Zsm"),
    "/account/v1/change-password": lambda w: w.change(
        password=w.subscriber.password, newPassword="chiều hè bên sông"),
    "POST agencies": lambda w: {"path": agency_path(), "sector": "health", "province": "Mẫu"},
    "GET agencies": lambda w: {},
    "POST clients": lambda w: {"name": "Phần mềm Mẫu", "agencyID": w.agency.id,
                               "redirectURIs": ["https://mau.edu.vn/xong"]},
    "GET clients": lambda w: {"clientID": w.client.id},
    "clients/change": lambda w: {"clientID": w.client.id, "redirectURIs": ["https://mau.edu.vn/xong"]},
    "clients/rotate": lambda w: {"clientID": w.client.id},
    "clients/disable": lambda w: {"clientID": w.client.id},
    "subscribers": lambda w: w.user,
    "subscribers/set-position": lambda w: {**w.user, "position": "Giáo viên"},
    "subscribers/disable": lambda w: w.user,
    "subscribers/unlock": lambda w: (
        w.lock(), w.operator.signed(statement.unlock(w.subscriber.credential)))[1],
    "enrolments/check": lambda w: {"statement": b64(w.person())},
    "enrolments": lambda w: w.operator.signed(w.person()),
    "status": lambda w: {},
    "audit": lambda w: {"subscriber": w.subscriber.user, "limit": 5},
}


def good_body(route, world):
    short = route.path
    for prefix in ("/csc/v1/", "/csc/v2/", "/operator/v1/"):
        short = short.removeprefix(prefix)
    return (GOOD.get(f"{route.method} {short}") or GOOD[short])(world)


@pytest.mark.parametrize("route", OFFERED, ids=ids)
def test_a_good_request_succeeds_and_is_recorded(
        server, operator, agency, client, subscriber, auditor_db, route):
    body = good_body(route, World(server, operator, agency, client, subscriber))
    api = api_for(route, server, operator, client, subscriber)
    if route.method == "GET":
        answer = api.get(route.path, good_status(route), params=body, allow_redirects=False)
    elif media(route) == FORM:
        answer = api.post(route.path, data=body, expect=good_status(route))
    else:
        answer = api.post(route.path, body, good_status(route))
    if answer.content:
        assert answer.headers["Content-Type"] == "application/json"
    rows = audit_of(auditor_db, answer)
    assert rows, "no audit row"
    assert {row["result"] for row in rows} == {"ok"}
    if route.authorisation == "client":
        assert {row["client"] for row in rows} == {client.id}
    if route.authorisation == "operator":
        assert {row["operator"] for row in rows} == {"operator"}
    if route.authorisation == "session":
        assert {row["subscriber"] for row in rows} == {subscriber.user}


@pytest.mark.parametrize("route", ABSENT, ids=ids)
def test_what_is_not_offered_says_501(server, auditor_db, route):
    answer = Api(server).request(route.method, route.path, 501, data=b"anything")
    assert error(answer)[0] == "invalid_request"
    audited(auditor_db, answer, route.event, code="NOT_IMPLEMENTED")


@pytest.mark.parametrize("route", OTP_BY_MAIL, ids=ids)
def test_codes_come_from_the_authenticator(client, subscriber, auditor_db, route):
    answer = client.api.post(route.path, {"credentialID": subscriber.credential,
                                          "authObjectID": "OTP"}, 400)
    assert "authenticator" in error(answer)[1]
    row = audited(auditor_db, answer, route.event, "refused", "CODE_FROM_AUTHENTICATOR")
    assert row["credential"] == subscriber.credential


# -- access denied --

GUARDED = [route for route in AUDITED if route.authorisation in ("client", "operator")]


@pytest.mark.parametrize("route", GUARDED, ids=ids)
def test_nobody_passes_without_credentials(server, auditor_db, route):
    answer = Api(server).request(route.method, route.path, headers=JSON)
    assert answer.status_code == (401 if route.authorisation == "operator" else 400)
    row = audited(auditor_db, answer, route.event, "refused")
    assert (row["client"], row["operator"]) == (None, None)


@pytest.mark.parametrize("route", GUARDED, ids=ids)
def test_a_made_up_token_is_refused(server, auditor_db, route):
    answer = Api(server).request(route.method, route.path, 401, token="A" * 43, headers=JSON)
    assert answer.headers["WWW-Authenticate"]
    audited(auditor_db, answer, route.event, "refused",
            "TOKEN_INVALID" if route.authorisation == "client" else "OPERATOR_REQUIRED")


@pytest.mark.parametrize(
    "route", [route for route in GUARDED if route.authorisation == "client"], ids=ids)
def test_an_operators_certificate_is_no_token(operator, auditor_db, route):
    answer = operator.api.post(route.path, {}, 400)
    audited(auditor_db, answer, route.event, "refused")


SESSIONS = [route for route in AUDITED if route.authorisation == "session"]


@pytest.mark.parametrize("route", SESSIONS, ids=ids)
def test_nobody_passes_without_a_session(server, client, auditor_db, route):
    for token in (None, client.api.token):
        answer = Api(server).request(route.method, route.path, 401, token=token, headers=JSON)
        assert answer.headers["WWW-Authenticate"]
        row = audited(auditor_db, answer, route.event, "refused", "SESSION_ENDED")
        assert (row["client"], row["subscriber"]) == (None, None)


@pytest.mark.parametrize("route", [route for route in SESSIONS if route.method == "POST"], ids=ids)
def test_nobody_passes_without_the_sessions_own_token(server, subscriber, auditor_db, route):
    api = signed_in(server, subscriber)
    answer = api.post(route.path, {}, 403, headers={"X-CSRF-Token": "A" * 43})
    audited(auditor_db, answer, route.event, "refused", "CSRF_INVALID")


@pytest.mark.parametrize(
    "route", [route for route in AUDITED if route.authorisation in ("page", "session")], ids=ids)
def test_no_page_of_another_site_passes(server, auditor_db, route):
    answer = Api(server).request(
        route.method, route.path, 403, headers={**JSON, "Origin": "https://khac.example"})
    audited(auditor_db, answer, route.event, "refused", "ORIGIN_FOREIGN")


def test_a_token_needs_the_right_secret(server, client, auditor_db):
    for form, code in (({"client_id": client.id, "client_secret": "x"}, "CLIENT_SECRET_INVALID"),
                       ({"client_id": str(uuid.uuid4()), "client_secret": "x"}, "CLIENT_ID_INVALID")):
        answer = Api(server).post("/oauth2/token", data={
            "grant_type": "client_credentials", **form}, expect=400)
        audited(auditor_db, answer, "token.issue", "refused", code)


def test_activation_needs_the_right_code(server, auditor_db):
    answer = Api(server).post("/activation/v1/activate", {
        "code": "AAAA-BBBB-CCCC-DDDD-EEEE", "identityNumber": "012345678901", "PIN": "kP7vRm2xWq"}, 400)
    assert error(answer)[0] == "access_denied"
    assert {row["result"] for row in audit_of(auditor_db, answer)} == {"refused"}


# -- malformed --

BAD_JSON = [b"{", b"[]", b"\"text\"", b'{"lang":"vi","lang":"en"}', b"\xff\xfe", b"[" * 5000]
TAKES_JSON = [route for route in AUDITED
              if route.method == "POST" and route not in ABSENT and media(route) == JSON]


@pytest.mark.parametrize("route", TAKES_JSON, ids=ids)
def test_a_body_that_is_no_json_object_is_refused(server, operator, client, auditor_db, route):
    api = api_for(route, server, operator, client)
    for body in BAD_JSON:
        answer = api.post(route.path, data=body, headers=JSON, expect=400)
        assert error(answer)[0] == "invalid_request"
        audited(auditor_db, answer, route.event, "refused", "BODY_NOT_JSON")


@pytest.mark.parametrize("route", TAKES_JSON, ids=ids)
def test_another_media_type_is_refused(server, operator, client, auditor_db, route):
    answer = api_for(route, server, operator, client).post(
        route.path, data=b"{}", headers={"Content-Type": "text/plain"}, expect=415)
    audited(auditor_db, answer, route.event, "refused", "MEDIA_TYPE")


@pytest.mark.parametrize("route", [r for r in AUDITED if r.method == "POST"], ids=ids)
def test_a_long_body_is_refused(server, operator, client, auditor_db, route):
    answer = api_for(route, server, operator, client).post(
        route.path, data=b" " * (route.limit + 1), headers=media(route), expect=413)
    assert error(answer)[0] == "invalid_request"
    audited(auditor_db, answer, route.event, "refused", "BODY_TOO_LONG")


@pytest.mark.parametrize(
    "route", [r for r in TAKES_JSON if not r.path.endswith(("/info", "/sign-out"))
              or "credentials" in r.path], ids=ids)
def test_missing_parameters_are_refused(server, operator, client, auditor_db, route):
    answer = api_for(route, server, operator, client).post(route.path, {}, 400)
    assert error(answer)[0] == "invalid_request"
    audited(auditor_db, answer, route.event, "refused")


@pytest.mark.parametrize(
    "route", [r for r in AUDITED if r.method == "GET" and r.authorisation == "operator"], ids=ids)
def test_bad_queries_are_refused(operator, auditor_db, route):
    for query in ("limit=0", "limit=x", "limit=1&limit=2", "agency=x&subscriber=x", "from=now&userID=1",
                  "digest=0&name=%00", "name=%FF&request=1"):
        answer = operator.api.get(f"{route.path}?{query}&clientID=x")
        if route.path.endswith(("agencies", "status")):
            assert answer.status_code == 200  # they take no parameters: what is unknown is ignored
            continue
        assert answer.status_code == 400, query
        audited(auditor_db, answer, route.event, "refused")


def test_a_repeated_form_member_is_refused(server, client):
    answer = Api(server).post(
        "/oauth2/token", headers=FORM, expect=400,
        data=f"grant_type=client_credentials&client_id={client.id}&client_id={client.id}&client_secret=x")
    assert error(answer)[0] == "invalid_request"


# -- the table itself --

@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_other_methods_are_405_with_allow(server, auditor_db, path):
    allowed = {route.method for route in ROUTES if route.path == path}
    event = next(route.event for route in ROUTES if route.path == path)
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} - allowed:
        answer = Api(server).request(method, path, 405)
        assert set(answer.headers["Allow"].split(", ")) == allowed
        if event:
            audited(auditor_db, answer, event, "refused", "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("path", ["/", "/csc/v1", "/csc/v1/", "/csc/v1/info/", "/csc/v3/info",
                                  "/CSC/v1/info", "/csc/v1%2Finfo", "/operator/v1", "/healthz/x", "/*"])
def test_nothing_else_answers(server, auditor_db, path):
    answer = Api(server).request("GET", path, 404)
    assert error(answer)[0] == "not_found"
    assert audit_of(auditor_db, answer) == []


@pytest.mark.parametrize("route", AUDITED[:1] + PROBES, ids=ids)
def test_every_answer_has_the_same_headers(server, route):
    answer = Api(server).request(route.method, route.path, 200)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    assert answer.headers["Content-Type"] == "application/json"
    assert str(uuid.UUID(answer.headers["X-Request-Id"])) == answer.headers["X-Request-Id"]


def test_two_answers_have_two_ids(server):
    api = Api(server)
    assert len({api.get("/healthz").headers["X-Request-Id"] for _ in range(5)}) == 5

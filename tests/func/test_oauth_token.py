"""oauth2/token with a code: what must fit, that it is good once, and what is taken back when it comes
again. A stolen code, another client's, a foreign address: refused, and nothing is spent."""

import hashlib
import json
import threading
import time
import uuid

import pytest

from lib import oauth
from lib.api import Api, b64, error
from lib.books import audited, one, value
from lib.certificates import files, pem
from lib.oauth import Browser, b64url
from lib.soon import soon

DIGEST = hashlib.sha256(b"a document").digest()


@pytest.fixture
def app(operator, agency):
    return oauth.add_app(operator, agency)


class Coded:
    """A request that was approved: asked, code."""

    def __init__(self, app, someone, asked, factors=True):
        browser = Browser(app.server)
        browser.authorize(asked)
        browser.sign_in(someone)
        self.app, self.asked, self.code = app, asked, browser.approve(someone if factors else None).code

    def redeem(self, expect=200, **changes):
        return self.app.redeem(self.asked, self.code, expect, **changes)


@pytest.fixture
def service(app, subscriber):
    return Coded(app, subscriber, app.ask(), factors=False)


@pytest.fixture
def signing(app, subscriber):
    return Coded(app, subscriber, app.ask_signing(subscriber, [DIGEST]))


# -- what is given --

def test_a_code_of_scope_service_gives_an_access_and_a_refresh_token(service):
    answer = service.redeem()
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (body["token_type"], body["scope"]) == ("Bearer", "service")
    assert 3590 <= body["expires_in"] <= 3600
    assert body["access_token"].count(".") == 2
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_code_of_scope_credential_gives_a_sad_and_no_refresh_token(signing, subscriber):
    body = signing.redeem().json()
    assert "." not in body["access_token"] and "refresh_token" not in body
    assert (body["token_type"], body["scope"], body["credentialID"]) == (
        "Bearer", "credential", subscriber.credential)
    assert 0 < body["expires_in"] <= 600


def test_a_client_of_version_1_is_given_a_sad_by_its_name(operator, agency, subscriber):
    old = oauth.add_app(operator, agency, cscVersion=1)
    grant = oauth.grant_of(Coded(old, subscriber, old.ask(
        "credential", credentialID=subscriber.credential, numSignatures="1", hash=b64url(DIGEST))).redeem())
    assert grant.token_type == "SAD"
    service = old.grant(subscriber, scope="service")
    assert service.token_type == "Bearer"
    assert old.sign(subscriber, grant, [DIGEST], version=1, service=service.access_token)


def test_a_client_of_version_1_without_pkce(operator, agency, subscriber):
    old = oauth.add_app(operator, agency, cscVersion=1)
    assert Coded(old, subscriber, old.ask(pkce=False), factors=False).redeem().json()["access_token"]


def test_a_public_client_redeems_with_its_verifier_alone(operator, agency, subscriber):
    public = oauth.add_app(operator, agency, authentication="none")
    coded = Coded(public, subscriber, public.ask(), factors=False)
    coded.redeem(400, code_verifier=None)
    assert coded.redeem().json()["refresh_token"]


def test_any_daemon_redeems(server2, signing, subscriber, app):
    answer = app.on(server2).redeem(signing.asked, signing.code)
    grant = oauth.grant_of(answer)
    assert app.sign(subscriber, grant, [DIGEST])


def test_a_restart_loses_no_code(private):
    from lib.people import Operator
    server = private()
    operator = Operator(server)
    agency = operator.add_agency()
    someone = operator.subscriber(agency)
    app = oauth.add_app(operator, agency)
    coded = Coded(app, someone, app.ask_signing(someone, [DIGEST]))
    server.stop()
    server.start()
    grant = oauth.grant_of(coded.redeem())
    assert app.sign(someone, grant, [DIGEST])


# -- what must fit --

MISFITS = {
    "no verifier": {"code_verifier": None},
    "another verifier": {"code_verifier": "x" * 43},
    "a verifier too short": {"code_verifier": "x" * 42},
    "no redirect_uri": {"redirect_uri": None},
    "another redirect_uri": {"redirect_uri": oauth.REDIRECT + "/"},
}


@pytest.mark.parametrize("changes", MISFITS.values(), ids=MISFITS.keys())
@pytest.mark.parametrize("kind", ["service", "signing"])
def test_a_stolen_code_is_good_for_nothing_and_stays(request, kind, changes):
    coded = request.getfixturevalue(kind)
    assert error(coded.redeem(400, **changes))[0] == "invalid_grant"
    assert coded.redeem().json()["access_token"]


def test_another_clients_code_is_refused_and_stays(operator, agency, signing):
    other = oauth.add_app(operator, agency)
    answer = other.redeem(signing.asked, signing.code, 400)
    assert error(answer) == ("invalid_grant", "Authorization code is invalid or expired")
    assert signing.redeem()


def test_a_code_without_the_clients_proof_is_refused_and_stays(app, service):
    service.redeem(401, client_secret=None)
    service.redeem(400, client_secret="wrong")
    assert service.redeem()


def test_a_redirect_uri_that_was_not_named_need_not_be_named(app, subscriber):
    coded = Coded(app, subscriber, app.ask(redirect_uri=None), factors=False)
    assert coded.redeem(redirect_uri=None)


def test_a_verifier_where_no_challenge_was_is_refused(operator, agency, subscriber):
    old = oauth.add_app(operator, agency, cscVersion=1)
    coded = Coded(old, subscriber, old.ask(pkce=False), factors=False)
    assert error(coded.redeem(400, code_verifier="x" * 43))[0] == "invalid_grant"
    assert coded.redeem()


WORDS = {
    1: "redirect_uri parameter does not match redirect_uri parameter of authorization request",
    2: "redirect_uri parameter does not match",
}


@pytest.mark.parametrize("version", WORDS)
def test_each_version_has_its_own_words(operator, agency, subscriber, version):
    made = oauth.add_app(operator, agency, cscVersion=version)
    coded = Coded(made, subscriber, made.ask(), factors=False)
    assert error(coded.redeem(400, redirect_uri="https://x")) == ("invalid_grant", WORDS[version])


@pytest.mark.parametrize("code, said", [
    (None, ("invalid_request", "Missing parameter code")),
    ("", ("invalid_request", "Missing parameter code")),
    ("x", ("invalid_grant", "Invalid parameter code")),
    ("x" * 5000, ("invalid_grant", "Invalid parameter code")),
    ("A" * 43, ("invalid_grant", "Authorization code is invalid or expired"))])
def test_a_code_that_is_none(app, code, said):
    assert error(app.redeem(app.ask(), code, 400)) == said


@pytest.mark.parametrize("grant_type, said", [
    (None, "Missing parameter grant_type"), ("implicit", "Invalid parameter grant_type"),
    ("password", "Invalid parameter grant_type"),
    ("urn:ietf:params:oauth:grant-type:jwt-bearer", "Invalid parameter grant_type")])
def test_other_grants_are_not_offered(app, grant_type, said):
    assert error(app.token(400, grant_type=grant_type, code="x")) == ("invalid_request", said)


def expire(superuser, coded, table="authorization_code"):
    with superuser.cursor() as cursor:
        cursor.execute(f"UPDATE rssp.{table} SET ends_at = now() - interval '1 second'"
                       " WHERE sha256 = sha256(%s)", (coded.code.encode(),))
    superuser.commit()


def test_a_late_code_is_refused(superuser, signing):
    expire(superuser, signing)
    assert error(signing.redeem(400)) == ("invalid_grant", "Authorization code is invalid or expired")


def test_a_code_is_good_for_a_minute(daemon_db, service):
    left = value(daemon_db, "SELECT extract(epoch FROM ends_at - now()) FROM rssp.authorization_code"
                 " WHERE sha256 = sha256(%s)", service.code.encode())
    assert 30 < left <= 60


def test_the_seal_of_another_code_does_not_open(superuser, app, subscriber, signing):
    """A hostile database that puts one code's seal under another code."""
    other = Coded(app, subscriber, app.ask_signing(subscriber, [DIGEST]))
    with superuser.cursor() as cursor:
        cursor.execute("UPDATE rssp.authorization_code a SET sad_seal = b.sad_seal"
                       " FROM rssp.authorization_code b WHERE a.sha256 = sha256(%s)"
                       " AND b.sha256 = sha256(%s)", (signing.code.encode(), other.code.encode()))
    superuser.commit()
    signing.redeem(400)
    assert other.redeem()


# -- once --

def test_a_code_is_good_once(service):
    service.redeem()
    assert error(service.redeem(400)) == ("invalid_grant", "Authorization code is invalid or expired")


def test_of_many_at_once_one_redeems_the_code(signing):
    answers, start = [], threading.Barrier(6)

    def run():
        start.wait()
        answers.append(signing.app.redeem(signing.asked, signing.code, None).status_code)
    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 400, 400, 400, 400, 400]


def test_a_code_that_comes_again_takes_back_the_tokens_that_it_gave(app, service, auditor_db):
    grant = oauth.grant_of(service.redeem())
    app.call("credentials/list", {}, grant.access_token)
    answer = service.redeem(400)
    audited(auditor_db, answer, "code.reused", "refused", "CODE_INVALID")
    assert soon(lambda: app.call("credentials/list", {}, grant.access_token, expect=None).status_code == 401)
    assert error(app.refresh(grant.refresh_token, 400))[0] == "invalid_grant"


def test_a_code_that_comes_again_takes_back_the_sad_that_it_gave(app, subscriber, signing, daemon_db):
    grant = oauth.grant_of(signing.redeem())
    signing.redeem(400)
    assert app.sign(subscriber, grant, [DIGEST], expect=401).status_code == 401
    service = app.grant(subscriber, scope="service")
    answer = app.sign(subscriber, grant, [DIGEST], 400, service=service.access_token)
    assert error(answer) == ("invalid_request", "Invalid parameter SAD")
    sad = one(daemon_db, "SELECT state, seal FROM rssp.sad WHERE subscriber = %s", subscriber.user)
    assert (sad["state"], sad["seal"]) == ("revoked", None)


def test_a_used_code_without_its_verifier_takes_nothing_back(app, subscriber, signing):
    """Else whoever sees an old code could end what it gave."""
    grant = oauth.grant_of(signing.redeem())
    signing.redeem(400, code_verifier=None)
    signing.redeem(400, code_verifier="x" * 43)
    assert app.sign(subscriber, grant, [DIGEST])


def test_a_used_code_of_another_client_takes_nothing_back(operator, agency, app, subscriber, signing):
    grant = oauth.grant_of(signing.redeem())
    oauth.add_app(operator, agency).redeem(signing.asked, signing.code, 400)
    assert app.sign(subscriber, grant, [DIGEST])


def test_the_seal_is_gone_when_the_code_was_used(superuser, signing):
    signing.redeem()
    row = one(superuser, "SELECT used_at, sad_seal FROM rssp.authorization_code"
              " WHERE sha256 = sha256(%s)", signing.code.encode())
    assert row["used_at"] is not None and row["sad_seal"] is None


def test_a_client_disabled_meanwhile_redeems_nothing(operator, app, service):
    operator.post("clients/disable", {"clientID": app.id})
    service.redeem(400)


def test_a_subscriber_disabled_meanwhile_gives_nothing(operator, subscriber, service):
    operator.post("subscribers/disable", {"userID": subscriber.user})
    assert error(service.redeem(400))[0] == "invalid_grant"


def test_what_is_recorded_holds_neither_code_nor_token(signing, subscriber, auditor_db):
    answer = signing.redeem()
    row = audited(auditor_db, answer, "token.issue", "ok")
    assert (row["client"], row["subscriber"], row["credential"]) == (
        signing.app.id, subscriber.user, subscriber.credential)
    written = json.dumps(row, default=str)
    assert signing.code not in written and answer.json()["access_token"] not in written


# -- the token of scope credential --

@pytest.fixture
def grant(app, subscriber):
    return app.grant_signing(subscriber, [DIGEST])


def test_it_signs_as_bearer(app, subscriber, grant):
    assert len(app.sign(subscriber, grant, [DIGEST])) == 1


def test_it_signs_as_bearer_and_in_the_body(app, subscriber, grant):
    body = {"credentialID": subscriber.credential, "SAD": grant.access_token,
            "hashes": [b64(DIGEST)], "signAlgo": subscriber.sign_algo}
    assert app.call("signatures/signHash", body, grant.access_token).json()["signatures"]


def test_it_signs_in_the_body_beside_a_token_of_scope_service(app, subscriber, grant):
    service = app.grant(subscriber, scope="service")
    assert app.sign(subscriber, grant, [DIGEST], service=service.access_token)


def test_it_signs_in_the_body_beside_a_token_of_the_client_itself(app, subscriber, grant):
    own = app.token(grant_type="client_credentials").json()["access_token"]
    assert app.sign(subscriber, grant, [DIGEST], service=own)


def test_another_sad_beside_it_is_refused(app, subscriber, grant):
    other = app.grant_signing(subscriber, [DIGEST])
    body = {"credentialID": subscriber.credential, "SAD": other.access_token,
            "hashes": [b64(DIGEST)], "signAlgo": subscriber.sign_algo}
    answer = app.call("signatures/signHash", body, grant.access_token, expect=400)
    assert error(answer) == ("invalid_request", "Invalid parameter SAD")


def test_it_signs_what_was_approved_and_once(app, subscriber, grant):
    other = hashlib.sha256(b"another document").digest()
    assert error(app.sign(subscriber, grant, [other], 400))[1].startswith("Hash is not authorized")
    app.sign(subscriber, grant, [DIGEST])
    assert app.sign(subscriber, grant, [DIGEST], 400).status_code == 400


def test_it_reads_its_credential(app, subscriber, grant):
    info = app.call("credentials/info", {"credentialID": subscriber.credential, "authInfo": True},
                    grant.access_token).json()
    assert info["auth"] == {"mode": "oauth2code", "objects": []}


def test_it_reads_no_other_credential(operator, agency, app, grant):
    other = operator.subscriber(agency)
    answer = app.call("credentials/info", {"credentialID": other.credential}, grant.access_token,
                      expect=400)
    assert error(answer) == ("invalid_request", "Invalid parameter credentialID")


def test_it_is_exchanged_by_extend_transaction(app, subscriber):
    second = hashlib.sha256(b"the second document").digest()
    grant = app.grant_signing(subscriber, [DIGEST, second])
    app.sign(subscriber, grant, [DIGEST])
    fresh = app.call("credentials/extendTransaction", {
        "credentialID": subscriber.credential, "SAD": grant.access_token,
        "hashes": [b64(second)], "hashAlgorithmOID": oauth.SHA256_OID}, grant.access_token).json()["SAD"]
    app.sign(subscriber, grant, [second], expect=401)
    assert app.sign(subscriber, grant._replace(access_token=fresh), [second])


@pytest.mark.parametrize("method, body", [
    ("credentials/list", {}), ("credentials/list", {"userID": str(uuid.uuid4())}),
    ("credentials/authorize", {"credentialID": str(uuid.uuid4()), "numSignatures": 1}),
    ("credentials/sendOTP", {"credentialID": str(uuid.uuid4())})])
def test_it_is_good_for_nothing_else(app, grant, method, body):
    answer = app.call(method, body, grant.access_token, expect=403)
    assert error(answer)[0] == "insufficient_scope"


def test_the_sad_of_an_explicit_client_is_no_bearer(client, subscriber):
    sad = client.authorize(subscriber, [DIGEST])
    answer = client.api.post("/csc/v2/credentials/info", {"credentialID": subscriber.credential},
                             401, token=sad)
    assert error(answer)[0] == "invalid_token"


def test_the_token_of_one_subscriber_does_not_sign_with_anothers_sad(operator, agency, app, grant, subscriber):
    other = operator.subscriber(agency)
    service = app.grant(other, scope="service")
    answer = app.sign(subscriber, grant, [DIGEST], 400, service=service.access_token)
    assert error(answer) == ("invalid_request", "Invalid parameter credentialID")


def test_another_client_cannot_use_it(operator, agency, subscriber, grant):
    other = oauth.add_app(operator, agency)
    service = other.grant(subscriber, scope="service")
    answer = other.sign(subscriber, grant, [DIGEST], 400, service=service.access_token)
    assert error(answer) == ("invalid_request", "Invalid parameter SAD")


def test_it_ends_with_its_client(operator, app, subscriber, grant):
    operator.post("clients/disable", {"clientID": app.id})
    assert app.sign(subscriber, grant, [DIGEST], 401).status_code == 401


def test_it_ends_in_time(app, subscriber, grant, superuser):
    with superuser.cursor() as cursor:
        cursor.execute("UPDATE rssp.sad SET start_at = now() - interval '20 minutes',"
                       " end_at = now() - interval '1 second' WHERE subscriber = %s", (subscriber.user,))
    superuser.commit()
    assert error(app.sign(subscriber, grant, [DIGEST], 401))[0] == "expired_token"


@pytest.fixture
def bound(operator, agency, tmp_path):
    """A client that authenticates by TLS: what it gets is good for its certificate."""
    made, paths = files(tmp_path)
    app = oauth.add_app(operator, agency, authentication="tls", certificate=pem(made))
    app.api.session.cert = paths
    return app


def test_a_bound_sad_is_good_with_its_certificate_only(bound, subscriber, tmp_path):
    grant = bound.grant_signing(subscriber, [DIGEST])
    service = bound.grant(subscriber, scope="service")
    bound.api.session = Api(bound.server).session
    assert error(bound.sign(subscriber, grant, [DIGEST], 401))[0] == "invalid_token"
    bound.sign(subscriber, grant, [DIGEST], 401, service=service.access_token)
    (tmp_path / "other").mkdir()
    bound.api.session.cert = files(tmp_path / "other")[1]
    assert error(bound.sign(subscriber, grant, [DIGEST], 401))[0] == "invalid_token"
    bound.api.session = Api(bound.server).session
    bound.api.session.cert = (str(tmp_path / "tls.pem"), str(tmp_path / "tls.key"))
    assert bound.sign(subscriber, grant, [DIGEST])


def test_an_exchanged_sad_stays_bound(bound, subscriber, tmp_path):
    second = hashlib.sha256(b"the second document").digest()
    grant = bound.grant_signing(subscriber, [DIGEST, second])
    fresh = bound.call("credentials/extendTransaction", {
        "credentialID": subscriber.credential, "hashes": [b64(second)],
        "hashAlgorithmOID": oauth.SHA256_OID}, grant.access_token).json()["SAD"]
    exchanged = grant._replace(access_token=fresh)
    bound.api.session = Api(bound.server).session
    bound.sign(subscriber, exchanged, [second], 401)
    bound.api.session = Api(bound.server).session
    bound.api.session.cert = (str(tmp_path / "tls.pem"), str(tmp_path / "tls.key"))
    assert bound.sign(subscriber, exchanged, [second])


# -- the token of one subscriber --

def test_it_lists_its_subscribers_credentials(operator, agency, app, subscriber):
    operator.subscriber(agency)
    grant = app.grant(subscriber, scope="service")
    listed = app.call("credentials/list", {"credentialInfo": True}, grant.access_token).json()
    assert listed["credentialIDs"] == [subscriber.credential]
    assert listed["credentialInfos"][0]["auth"]["mode"] == "oauth2code"


@pytest.mark.parametrize("version", [1, 2])
def test_it_takes_no_user_id(app, subscriber, version):
    grant = app.grant(subscriber, scope="service")
    answer = app.call("credentials/list", {"userID": subscriber.user}, grant.access_token, version, 400)
    assert error(answer) == ("invalid_request", "userID parameter MUST be null")


def test_it_reads_its_own_credentials_only(operator, agency, app, subscriber):
    other = operator.subscriber(agency)
    grant = app.grant(subscriber, scope="service")
    app.call("credentials/info", {"credentialID": subscriber.credential}, grant.access_token)
    answer = app.call("credentials/info", {"credentialID": other.credential}, grant.access_token,
                      expect=400)
    assert error(answer) == ("invalid_request", "Invalid parameter credentialID")


def test_the_token_of_the_client_itself_names_the_user(app, subscriber):
    own = app.token(grant_type="client_credentials").json()["access_token"]
    app.call("credentials/list", {"userID": subscriber.user}, own)
    assert error(app.call("credentials/list", {}, own, expect=400)) == (
        "invalid_request", "Invalid parameter userID")


# -- who asks decides what credentials/info says --

def test_each_client_is_told_its_own_mode(app, client, subscriber):
    body = {"credentialID": subscriber.credential, "authInfo": True}
    own = app.token(grant_type="client_credentials").json()["access_token"]
    browser_v1, browser_v2 = (app.call("credentials/info", body, own, version).json() for version in (1, 2))
    assert browser_v1["authMode"] == "oauth2code" and not {"PIN", "OTP"} & set(browser_v1)
    assert browser_v2["auth"] == {"mode": "oauth2code", "objects": []}
    explicit_v1, explicit_v2 = (client.call("credentials/info", body, version).json() for version in (1, 2))
    assert explicit_v1["authMode"] == "explicit" and {"PIN", "OTP"} <= set(explicit_v1)
    assert explicit_v2["auth"]["expression"] == "PIN AND OTP"
    assert [each["id"] for each in explicit_v2["auth"]["objects"]] == ["PIN", "OTP"]


@pytest.mark.parametrize("version", [1, 2])
def test_info_says_how_authorisation_goes(server, app, version):
    info = app.call("info", {}, version=version).json()
    assert set(info["authType"]) == {"oauth2client", "oauth2code"}
    assert info["oauth2"] == server.url
    assert {"oauth2/authorize", "oauth2/token", "oauth2/revoke", "oauth2/pushed_authorize"} <= set(
        info["methods"])
    assert info.get("supportsRar", version == 2) is (version == 2)


# -- the sweep --

def test_what_is_over_is_swept(app, service, superuser):
    with superuser.cursor() as cursor:
        cursor.execute("UPDATE rssp.consent SET ends_at = now() - interval '3 hours' WHERE client = %s",
                       (app.id,))
        cursor.execute("UPDATE rssp.authorization_request SET ends_at = now() - interval '3 hours'"
                       " WHERE client = %s", (app.id,))
    superuser.commit()

    def left():
        superuser.rollback()
        return value(superuser, "SELECT (SELECT count(*) FROM rssp.consent WHERE client = %s)"
                     " + (SELECT count(*) FROM rssp.authorization_request WHERE client = %s)"
                     " + (SELECT count(*) FROM rssp.authorization_code k WHERE k.sha256 = sha256(%s))",
                     app.id, app.id, service.code.encode())
    assert soon(lambda: left() == 0, 30)


def test_refused_and_good_codes_take_alike_long(app, service):
    """An unknown code and one of another client: no answer is looked at before the row is read."""
    def took(code):
        start = time.monotonic()
        app.redeem(service.asked, code, 400, code_verifier="x" * 43)
        return time.monotonic() - start
    for code in (service.code, "A" * 43):
        took(code)
    known = min(took(service.code) for _ in range(15))
    unknown = min(took("A" * 43) for _ in range(15))
    assert abs(known - unknown) < 0.02

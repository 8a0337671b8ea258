"""account_token: an application that has a secret says who sits before it. A hint for the page, and
nothing more."""

import hashlib
import time
import uuid

import pytest

from lib import jose, oauth
from lib.books import audited, value


@pytest.fixture(scope="module")
def agency(operator):
    return operator.add_agency()


@pytest.fixture(scope="module")
def app(operator, agency):
    return oauth.add_app(operator, agency)


@pytest.fixture(scope="module")
def someone(operator, agency):
    return oauth.subscriber(operator, agency)


@pytest.fixture(scope="module")
def another(operator, agency):
    return oauth.subscriber(operator, agency)


def key_of(app):
    """CSC 1.0.4, 8.3.2: HMAC under SHA-256 of the secret as it is sent."""
    return hashlib.sha256(app.secret.encode()).digest()


def claims(app, user, **changes):
    made = {"sub": user, "azp": app.id, "iss": "Sổ học bạ", "iat": int(time.time()),
            "jti": str(uuid.uuid4()), **changes}
    return {name: one for name, one in made.items() if one is not None}


def token(app, user, **changes):
    return jose.hs256(key_of(app), claims(app, user, **changes))


def test_it_signs_nobody_in(server, app, someone):
    browser = oauth.Browser(server)
    browser.authorize(app.ask(account_token=token(app, someone.user)))
    shown = browser.shown()
    assert shown["signedIn"] is False and "name" not in shown
    assert someone.person["name"] not in str(shown) and someone.user not in str(shown)
    assert browser.cookie() is None


def test_the_page_says_when_somebody_else_is_signed_in(server, app, someone, another):
    browser = oauth.Browser(server)
    browser.authorize(app.ask(account_token=token(app, someone.user)))
    browser.sign_in(someone)
    assert "otherExpected" not in browser.shown()
    browser.authorize(app.ask(account_token=token(app, another.user)))
    assert browser.shown()["otherExpected"] is True


def test_it_may_be_pushed(server, app, someone, another):
    browser = oauth.Browser(server)
    browser.authorize(app.push(app.ask(account_token=token(app, another.user))))
    browser.sign_in(someone)
    assert browser.shown()["otherExpected"] is True


def test_it_counts_once_at_all_daemons(server, server2, app, someone):
    made = token(app, someone.user)
    oauth.Browser(server).authorize(app.ask(account_token=made))
    for one in (server, server2):
        assert oauth.Browser(one).refused(app.ask(account_token=made)).error == "invalid_request"


def test_a_person_who_is_not_there_looks_like_one_who_is(server, app, someone):
    shown = []
    for user in (someone.user, str(uuid.uuid4())):
        browser = oauth.Browser(server)
        browser.authorize(app.ask(account_token=token(app, user)))
        shown.append({**browser.shown(), "expiresInSeconds": 0})
    assert shown[0] == shown[1]


NOW = int(time.time())


@pytest.mark.parametrize("changes", [
    {"azp": None}, {"azp": str(uuid.uuid4())}, {"azp": 7}, {"iat": None}, {"iat": "now"},
    {"iat": NOW - 3600}, {"iat": NOW + 7200}, {"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": "j" * 256},
    {"sub": None}, {"sub": "vidu@mau.edu.vn"}, {"sub": 7}, {"exp": NOW - 60}, {"exp": "later"},
], ids=str)
def test_with_a_wrong_claim_it_is_refused(server, app, someone, changes):
    asked = app.ask(account_token=token(app, someone.user, **changes))
    back = oauth.Browser(server).refused(asked)
    assert back.error == "invalid_request" and back.state == asked.state
    assert back.description.startswith("Invalid parameter account_token")


def forged(app, user):
    said = claims(app, user)
    head, body, sign = jose.hs256(key_of(app), said).split(".")
    yield jose.unsigned(said)
    yield f"{head}.{body}."
    yield f"{head}.{jose.part({**said, 'sub': str(uuid.uuid4())})}.{sign}"
    yield jose.hs256(app.secret.encode(), said)  # under the secret, not its digest
    yield jose.hs256(b"", said)
    yield jose.hs256(bytes(32), said)
    yield jose.hs256(key_of(app), said, crit=["exp"])
    yield jose.hs256(key_of(app), said, typ="at+jwt")
    yield jose.join({"alg": "HS512"}, said, lambda text: b"A" * 64)
    yield jose.Key("ES256").jws(said)
    yield jose.Key("RS256").jws(said)
    yield "text"


def test_a_forged_one_is_refused(server, app, someone, auditor_db):
    for made in forged(app, someone.user):
        answer = oauth.Browser(server).authorize(app.ask(account_token=made))
        assert "error=invalid_request" in answer.headers["Location"], made
        audited(auditor_db, answer, "authorization.request", "refused", "ACCOUNT_TOKEN_INVALID")


def test_a_client_without_a_secret_cannot_use_it(server, operator, agency, someone):
    public = oauth.add_app(operator, agency, authentication="none")
    for key in (b"", bytes(32), hashlib.sha256(b"").digest()):
        made = jose.hs256(key, claims(public, someone.user))
        assert oauth.Browser(server).refused(public.ask(account_token=made)).error == "invalid_request"


def test_one_that_was_refused_is_not_remembered(server, app, someone, superuser):
    """Only what this client signed takes a place in the table."""
    count = "SELECT count(*) FROM rssp.seen_jti WHERE client = %s"
    before = value(superuser, count, app.id)
    for made in forged(app, someone.user):
        oauth.Browser(server).authorize(app.ask(account_token=made))
    assert value(superuser, count, app.id) == before

"""oauth2/authorize and pushed_authorize: what is asked is checked at once; a fault goes back to the
application if its address is registered, and otherwise to a page: nobody is sent anywhere else."""

import hashlib
import json
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest

from lib import oauth
from lib.api import Api, b64, error
from lib.books import audited, one, value
from lib.oauth import Browser, b64url, challenge
from lib.people import SHA256_OID

DIGEST = hashlib.sha256(b"a document").digest()
OTHER = "https://kho.mau.edu.vn/ky"
FOREIGN = "https://kexau.vidu.vn/"
CREDENTIAL = str(uuid.uuid4())


@pytest.fixture(scope="module")
def school(operator):
    return operator.add_agency()


@pytest.fixture(scope="module")
def app(operator, school):
    return oauth.add_app(operator, school)


@pytest.fixture(scope="module")
def two(operator, school):
    """An application with two redirect URIs."""
    return oauth.add_app(operator, school, [oauth.REDIRECT, OTHER + "?truong=1"])


@pytest.fixture(scope="module")
def public(operator, school):
    return oauth.add_app(operator, school, authentication="none")


@pytest.fixture(scope="module")
def old(operator, school):
    """A confidential client of version 1."""
    return oauth.add_app(operator, school, cscVersion=1)


@pytest.fixture
def browser(server):
    return Browser(server)


def signing(app, **changes):
    return app.ask("credential", **{"credentialID": CREDENTIAL, "numSignatures": "1",
                                    "hashes": b64url(DIGEST), "hashAlgorithmOID": SHA256_OID, **changes})


def problem(browser, asked, code):
    """A page that says what is wrong, and sends nobody anywhere."""
    answer = browser.authorize(asked, expect=None)
    assert 400 <= answer.status_code < 500
    assert "Location" not in answer.headers
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert code in answer.text
    assert FOREIGN not in answer.text
    return answer


# -- what is right --

def test_a_good_request_leads_to_the_page(server, browser, app):
    answer = browser.authorize(app.ask())
    where = urlsplit(answer.headers["Location"])
    assert f"{where.scheme}://{where.netloc}" == server.url
    assert where.path == "/consent"
    assert set(parse_qs(where.query)) == {"request"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_comes_in_the_language_that_the_application_asks(browser, app):
    answer = browser.authorize(app.ask(lang="en-GB"))
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["lang"] == ["en"]


def test_a_pushed_request_brings_its_language_along(browser, app):
    answer = browser.authorize(app.push(app.ask(lang="en")))
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["lang"] == ["en"]


def test_scope_is_service_unless_it_is_said(browser, app):
    browser.authorize(app.ask(scope=None))
    assert browser.shown()["scope"] == "service"


def test_the_only_redirect_uri_need_not_be_named(browser, app):
    browser.authorize(app.ask(redirect_uri=None))
    assert browser.decline().uri.startswith(oauth.REDIRECT + "?")


def test_of_two_redirect_uris_the_named_one_is_used(browser, two):
    browser.authorize(two.ask(redirect_uri=OTHER + "?truong=1"))
    assert browser.decline().uri.startswith(OTHER + "?truong=1&error=")


def test_a_confidential_client_of_version_1_may_leave_pkce_out(browser, old):
    browser.authorize(old.ask(pkce=False))


@pytest.mark.parametrize("written", [
    b64url(DIGEST), b64(DIGEST), b64(DIGEST).rstrip("="), b64url(DIGEST) + "="],
    ids=["base64url", "base64", "base64 without padding", "base64url with padding"])
@pytest.mark.parametrize("name", ["hash", "hashes"])
def test_hashes_come_in_either_alphabet_and_under_either_name(browser, app, name, written):
    browser.authorize(signing(app, **{"hashes": None, name: written}))
    assert browser.shown()["documents"][0]["hash"] == b64(DIGEST)


def test_several_hashes_keep_their_order(browser, app):
    digests = [hashlib.sha256(bytes([n])).digest() for n in range(5)]
    browser.authorize(signing(app, numSignatures="5", hashes=",".join(map(b64url, digests))))
    assert [one_["hash"] for one_ in browser.shown()["documents"]] == [b64(one_) for one_ in digests]


def test_the_number_of_signatures_is_that_of_the_hashes_unless_it_is_said(browser, app):
    browser.authorize(signing(app, numSignatures=None, hashes=f"{b64url(DIGEST)},{b64url(DIGEST)}"))
    assert browser.shown()["numSignatures"] == 2


def test_what_is_recorded_names_the_client_and_no_handle(browser, app, auditor_db):
    answer = browser.authorize(app.ask())
    row = audited(auditor_db, answer, "authorization.request", "ok")
    assert row["client"] == app.id
    assert browser.handle not in json.dumps(row, default=str)


def test_the_database_has_the_sha256_of_the_handle_only(browser, app, daemon_db):
    browser.authorize(app.ask())
    row = one(daemon_db, "SELECT * FROM rssp.authorization_request WHERE sha256 = sha256(%s)",
              browser.handle.encode())
    assert row["state"] == "shown"
    assert value(daemon_db, "SELECT count(*) FROM rssp.authorization_request r WHERE r::text LIKE %s",
                 f"%{browser.handle}%") == 0


# -- what is told to the application --

SERVICE_FAULTS = {
    "no response_type": ({"response_type": None}, "invalid_request"),
    "implicit": ({"response_type": "token"}, "unsupported_response_type"),
    "implicit besides": ({"response_type": "code token"}, "unsupported_response_type"),
    "scope unknown": ({"scope": "openid"}, "invalid_scope"),
    "both scopes": ({"scope": "service credential"}, "invalid_scope"),
    "no challenge": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "method not said, which means plain": ({"code_challenge_method": None}, "invalid_request"),
    "a challenge that is none": ({"code_challenge": "x" * 42}, "invalid_request"),
    "a challenge of other characters": ({"code_challenge": "+" * 43}, "invalid_request"),
    "answer in the fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "a request object": ({"request": "eyJ"}, "request_not_supported"),
    "a description too long": ({"description": "x" * 501}, "invalid_request"),
    "a description that turns the writing": ({"description": "a\u202eb"}, "invalid_request"),
    "an account_token that is none": ({"account_token": "abc"}, "invalid_request"),
}


@pytest.mark.parametrize("changes, wanted", SERVICE_FAULTS.values(), ids=SERVICE_FAULTS.keys())
def test_a_fault_goes_back_to_the_registered_address(server, browser, app, auditor_db, changes, wanted):
    asked = app.ask(**changes)
    answer = browser.authorize(asked)
    back = oauth.back_of(answer.headers["Location"])
    assert back.uri.startswith(oauth.REDIRECT + "?")
    assert (back.error, back.state, back.iss, back.code) == (wanted, asked.state, server.url, None)
    assert back.description
    assert audited(auditor_db, answer, "authorization.request", "refused")["client"] == app.id


CREDENTIAL_FAULTS = {
    "credentialID that is none": {"credentialID": "x"},
    "no hashes": {"hashes": None},
    "hashes empty in between": {"hashes": f"{b64url(DIGEST)},,{b64url(DIGEST)}"},
    "hashes that are not base64": {"hashes": "***"},
    "hashes of no known length": {"hashes": b64url(b"short")},
    "hashes of two lengths": {
        "hashes": f"{b64url(DIGEST)},{b64url(DIGEST * 2)}", "numSignatures": None},
    "a hash with padding inside": {"hashes": "====" + b64url(DIGEST)},
    "another algorithm than the hashes'": {"hashAlgorithmOID": "2.16.840.1.101.3.4.2.3"},
    "an algorithm that is none": {"hashAlgorithmOID": "1.2.3"},
    "more signatures than hashes": {"numSignatures": "2"},
    "no signature": {"numSignatures": "0"},
    "fewer than none": {"numSignatures": "-1"},
    "not a number": {"numSignatures": "one"},
    "hash and hashes that differ": {"hash": b64url(hashlib.sha256().digest())},
    "a qualifier": {"signatureQualifier": "eu_eidas_qes"},
}


@pytest.mark.parametrize("changes", CREDENTIAL_FAULTS.values(), ids=CREDENTIAL_FAULTS.keys())
def test_what_cannot_be_signed_is_refused_at_once(browser, app, changes):
    answer = browser.authorize(signing(app, **changes), expect=None)
    if "hash" in changes:  # the query contradicts itself: it is not read any further
        assert answer.status_code == 400
        return
    assert oauth.back_of(answer.headers["Location"]).error == "invalid_request"


def test_a_public_client_of_version_1_needs_pkce_too(operator, school, browser):
    made = oauth.add_app(operator, school, authentication="none", cscVersion=1)
    assert browser.refused(made.ask(pkce=False)).error == "invalid_request"


def test_a_public_client_needs_pkce(browser, public):
    assert browser.refused(public.ask(pkce=False)).error == "invalid_request"


def test_a_state_that_is_too_long_is_not_echoed(browser, app):
    back = browser.refused(app.ask(state="x" * 256))
    assert (back.error, back.state) == ("invalid_request", None)


def test_a_state_comes_back_as_it_was(browser, app):
    state = "a b&c=d#é+%41\"<>" + "x" * 200
    assert browser.refused(app.ask(response_type="token", state=state)).state == state


def test_no_state_comes_back_where_none_was(browser, app):
    assert browser.refused(app.ask(response_type="token", state=None)).state is None


def test_an_explicit_client_has_no_use_for_the_page(server, operator, school, browser):
    made = operator.post("clients", {
        "name": "Phần mềm Mẫu explicit", "agencyID": school.id, "mode": "explicit",
        "profile": "general"}).json()
    explicit = oauth.App(server, made, school, [oauth.REDIRECT])
    answer = browser.authorize(explicit.ask(), expect=None)
    assert "Location" not in answer.headers and answer.status_code == 400


# -- what is told to nobody but the person --

@pytest.mark.parametrize("uri", [
    FOREIGN, oauth.REDIRECT + "/", oauth.REDIRECT + "?x=1", oauth.REDIRECT.upper(),
    oauth.REDIRECT.replace("https", "http"), oauth.REDIRECT + "#f", oauth.REDIRECT[:-1],
    oauth.REDIRECT.replace("/ky", "/../ky"), "javascript:alert(1)", " " + oauth.REDIRECT,
    oauth.REDIRECT + "@" + FOREIGN, oauth.REDIRECT.replace("hocba", "%68ocba")])
def test_no_address_but_a_registered_one_is_ever_gone_to(browser, app, uri):
    problem(browser, app.ask(redirect_uri=uri), "REDIRECT_URI_INVALID")


def test_an_address_of_another_client_is_not_gone_to(browser, app, two):
    problem(browser, app.ask(redirect_uri=OTHER + "?truong=1"), "REDIRECT_URI_INVALID")


def test_another_fault_does_not_open_the_way_to_a_foreign_address(browser, app):
    problem(browser, app.ask(redirect_uri=FOREIGN, response_type="token"), "REDIRECT_URI_INVALID")


def test_which_of_two_addresses_is_meant_must_be_said(browser, two):
    problem(browser, two.ask(redirect_uri=None), "REDIRECT_URI_MISSING")


@pytest.mark.parametrize("client", [str(uuid.uuid4()), "x", "a\nb", "'; DROP TABLE rssp.client"])
def test_an_unknown_client_gets_a_page(browser, app, client):
    problem(browser, app.ask(client_id=client), "CLIENT_ID_INVALID")


def test_a_request_without_a_client_gets_a_page(browser, app):
    problem(browser, app.ask(client_id=None), "CLIENT_ID_MISSING")


def test_a_disabled_client_gets_a_page(operator, school, browser):
    made = oauth.add_app(operator, school)
    operator.post("clients/disable", {"clientID": made.id})
    problem(browser, made.ask(), "CLIENT_ID_INVALID")


@pytest.mark.parametrize("query", ["client_id=1&client_id=2", "client_id=%00", "%ff=1"])
def test_a_query_that_cannot_be_read_gets_a_page(browser, query):
    problem(browser, query, "MALFORMED")


def test_the_page_says_it_in_the_persons_language(browser, app):
    vietnamese = problem(browser, app.ask(redirect_uri=FOREIGN), "REDIRECT_URI_INVALID")
    english = problem(browser, app.ask(redirect_uri=FOREIGN, lang="en"), "REDIRECT_URI_INVALID")
    assert "địa chỉ đã đăng ký" in vietnamese.text
    assert "registered for this client" in english.text


def test_what_the_page_refused_is_recorded(browser, app, auditor_db):
    answer = problem(browser, app.ask(redirect_uri=FOREIGN), "REDIRECT_URI_INVALID")
    row = audited(auditor_db, answer, "authorization.request", "refused", "REDIRECT_URI_INVALID")
    assert row["client"] == app.id


def test_a_request_is_never_posted(server, app):
    answer = Api(server).post("/oauth2/authorize", data=app.ask().parameters)
    assert answer.status_code == 405


# -- pushed --

def test_a_pushed_request_is_good_for_the_page_once(app, browser):
    pushed = app.push(app.ask())
    browser.authorize(pushed)
    assert browser.shown()["client"]
    problem(browser, pushed, "REQUEST_URI_INVALID")


def test_the_answer_of_a_push_says_how_long_it_is_good(app):
    answer = app.api.post("/oauth2/pushed_authorize", data={**app.ask().parameters, **app.proof()},
                          expect=201)
    body = answer.json()
    assert set(body) == {"request_uri", "expires_in"}
    assert body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert 60 <= body["expires_in"] <= 90
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_late_pushed_request_is_refused(app, browser, superuser):
    pushed = app.push(app.ask())
    handle = pushed.parameters["request_uri"].rsplit(":", 1)[1]
    with superuser.cursor() as cursor:
        cursor.execute("UPDATE rssp.authorization_request SET ends_at = now() - interval '1 second'"
                       " WHERE sha256 = sha256(%s)", (handle.encode(),))
    superuser.commit()
    problem(browser, pushed, "REQUEST_URI_INVALID")


def test_a_pushed_request_of_another_client_is_refused_and_stays(app, two, browser):
    pushed = app.push(app.ask())
    uri = pushed.parameters["request_uri"]
    problem(browser, oauth.Asked(two, {"client_id": two.id, "request_uri": uri}, None),
            "REQUEST_URI_INVALID")
    browser.authorize(pushed)


@pytest.mark.parametrize("uri", [
    "urn:ietf:params:oauth:request_uri:x", "https://kexau.vidu.vn/request", "", "x" * 3000])
def test_a_request_uri_that_is_none_of_ours_is_refused(app, browser, uri):
    problem(browser, oauth.Asked(app, {"client_id": app.id, "request_uri": uri}, None),
            "REQUEST_URI_INVALID")


def test_the_pages_handle_is_no_request_uri(app, browser):
    browser.authorize(app.ask())
    problem(browser, oauth.Asked(app, {
        "client_id": app.id,
        "request_uri": "urn:ietf:params:oauth:request_uri:" + browser.handle}, None),
        "REQUEST_URI_INVALID")


def test_the_pushed_handle_shows_nothing(app, browser):
    handle = app.push(app.ask()).parameters["request_uri"].rsplit(":", 1)[1]
    assert browser.shown(handle, 400).json()["code"] == "CONSENT_EXPIRED"


def test_beside_request_uri_nothing_is_asked(app, browser):
    pushed = app.push(app.ask())
    pushed.parameters["scope"] = "credential"
    problem(browser, pushed, "REQUEST_URI_MIXED")


def test_a_pushed_request_is_checked_at_once(app):
    answer = app.push(app.ask(response_type="token"), expect=400)
    assert error(answer)[0] == "unsupported_response_type"


def test_a_foreign_address_is_refused_when_it_is_pushed(app):
    assert error(app.push(app.ask(redirect_uri=FOREIGN), expect=400))[0] == "invalid_request"


def test_a_request_uri_cannot_be_pushed(app):
    assert error(app.push(app.ask(request_uri="urn:x"), expect=400))[0] == "invalid_request"


@pytest.mark.parametrize("proof, status", [
    ({"client_secret": None}, 401), ({"client_secret": "wrong"}, 400),
    ({"client_id": str(uuid.uuid4())}, 400)])
def test_who_pushes_proves_who_he_is(app, proof, status):
    app.push(app.ask(), expect=status, **proof)


def test_a_public_client_may_push(public, browser):
    browser.authorize(public.push(public.ask()))


def test_five_hundred_documents_are_pushed(app, browser):
    digests = [hashlib.sha256(str(n).encode()).digest() for n in range(500)]
    labels = [f"Học bạ lớp 5A, số {n}, năm học 2025–2026" for n in range(500)]
    browser.authorize(app.push(app.ask("credential", authorization_details=oauth.details(
        CREDENTIAL, digests, labels))))
    assert [one_["label"] for one_ in browser.shown()["documents"]] == labels


def test_more_than_five_hundred_are_too_many(app):
    answer = app.push(app.ask("credential", authorization_details=oauth.details(
        CREDENTIAL, [DIGEST] * 501)), expect=400)
    assert error(answer) == ("invalid_request", "Numbers of signatures is too high")


def test_a_client_disabled_meanwhile_is_not_led_to_the_page(operator, school, browser):
    made = oauth.add_app(operator, school)
    pushed = made.push(made.ask())
    operator.post("clients/disable", {"clientID": made.id})
    problem(browser, pushed, "CLIENT_ID_INVALID")


def test_the_challenge_is_kept_and_not_the_verifier(app, browser, daemon_db):
    asked = app.ask()
    browser.authorize(asked)
    kept = value(daemon_db, "SELECT parameters::text FROM rssp.authorization_request"
                 " WHERE sha256 = sha256(%s)", browser.handle.encode())
    assert challenge(asked.verifier) in kept and asked.verifier not in kept

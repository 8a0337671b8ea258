"""The page between an application's request and its answer, without a browser: what it is shown, who
may approve, and that a request is answered once."""

import hashlib
import hmac
import json
import threading
import time
import uuid

import pytest
import requests

from lib import oauth
from lib.api import b64, error
from lib.books import audit_of, audited, one, rows, value
from lib.oauth import Browser

HANDLE = "x" * 43
LABELS = ["Học bạ lớp 5A", "Giấy khen"]


def digests(count=1):
    return [hashlib.sha256(uuid.uuid4().bytes).digest() for _ in range(count)]


@pytest.fixture
def app(operator, agency):
    return oauth.add_app(operator, agency)


@pytest.fixture
def browser(server, subscriber):
    made = Browser(server)
    made.sign_in(subscriber)
    return made


def code_of(answer):
    return answer.json()["code"]


def approve_raw(browser, **changes):
    """approve, without looking at the request before; the answer."""
    return browser.post("/consent/v1/approve", {"request": browser.handle, **changes}, expect=None)


def sads(connection, subscriber):
    return value(connection, "SELECT count(*) FROM rssp.sad WHERE subscriber = %s", subscriber.user)


def codes(connection, app):
    return value(connection, "SELECT count(*) FROM rssp.authorization_code k JOIN rssp.consent o"
                 " ON o.id = k.consent WHERE o.client = %s", app.id)


def failures(connection, subscriber):
    return value(connection, "SELECT failures FROM rssp.credential_guard WHERE credential = %s",
                 subscriber.credential)


# -- what is shown --

def test_who_is_not_signed_in_sees_who_asks_and_nobodys_credential(server, app, subscriber):
    visitor = Browser(server)
    visitor.authorize(app.ask_signing(subscriber, digests(2), LABELS))
    shown = visitor.shown()
    assert shown["signedIn"] is False and shown["state"] == "pending"
    assert shown["client"].startswith("Ứng dụng Mẫu")
    assert shown["agency"].endswith("Sở Ví dụ, UBND tỉnh Mẫu")
    assert [document["label"] for document in shown["documents"]] == LABELS
    assert not {"credential", "credentials", "name"} & set(shown)
    assert subscriber.credential not in json.dumps(shown)


def test_who_is_signed_in_sees_the_credential_that_is_meant(app, subscriber, browser):
    wanted = digests(2)
    browser.authorize(app.ask_signing(subscriber, wanted, LABELS, description="Ký học bạ"))
    shown = browser.shown()
    assert shown["name"] == subscriber.person["name"]
    assert shown["credential"]["credentialID"] == subscriber.credential
    assert "CN=" in shown["credential"]["subjectDN"]
    assert shown["credential"]["factors"] == "PIN AND OTP"
    assert shown["numSignatures"] == 2
    assert [document["hash"] for document in shown["documents"]] == [b64(one_) for one_ in wanted]
    assert shown["description"] == "Ký học bạ"
    assert 0 < shown["expiresInSeconds"] <= 600


def test_where_none_is_named_the_subscriber_chooses_among_his_own(app, subscriber, browser):
    browser.authorize(app.ask("credential", hashes=oauth.b64url(digests()[0])))
    shown = browser.shown()
    assert [each["credentialID"] for each in shown["credentials"]] == [subscriber.credential]
    assert browser.approve(subscriber, credentialID=subscriber.credential).code


def test_a_credential_of_somebody_else_is_not_shown(operator, agency, app, browser):
    other = operator.subscriber(agency)
    browser.authorize(app.ask_signing(other, digests()))
    shown = browser.shown()
    assert shown["signedIn"] and not {"credential", "credentials"} & set(shown)
    assert other.credential not in json.dumps(shown)


@pytest.mark.parametrize("handle", [HANDLE, "", "x", "x" * 5000])
def test_a_handle_that_is_none_shows_nothing(server, handle):
    assert code_of(Browser(server).shown(handle, 400)) == "CONSENT_EXPIRED"


def account_token(app, user):
    head, claims = ({"alg": "HS256", "typ": "JWT"}, {
        "sub": user, "iat": int(time.time()), "jti": str(uuid.uuid4()), "azp": app.id})
    text = ".".join(oauth.b64url(json.dumps(part).encode()) for part in (head, claims))
    key = hashlib.sha256(app.secret.encode()).digest()
    return f"{text}.{oauth.b64url(hmac.new(key, text.encode(), hashlib.sha256).digest())}"


def test_the_page_is_told_when_the_application_expects_somebody_else(app, subscriber, browser):
    browser.authorize(app.ask(account_token=account_token(app, str(uuid.uuid4()))))
    assert browser.shown()["otherExpected"] is True
    browser.authorize(app.ask(account_token=account_token(app, subscriber.user)))
    assert "otherExpected" not in browser.shown()


def test_an_account_token_shows_nothing_of_anybody(server, app, subscriber):
    visitor = Browser(server)
    visitor.authorize(app.ask(account_token=account_token(app, subscriber.user)))
    assert subscriber.user not in json.dumps(visitor.shown())
    assert "name" not in visitor.shown()


# -- approving --

def test_approving_gives_a_code_state_and_issuer(server, app, subscriber, browser):
    asked = app.ask_signing(subscriber, digests(2))
    browser.authorize(asked)
    back = browser.approve(subscriber)
    assert back.uri.startswith(oauth.REDIRECT + "?")
    assert (back.state, back.iss, back.error) == (asked.state, server.url, None)
    assert len(back.code) == 43
    assert browser.shown()["state"] == "approved"


def test_what_was_approved_is_recorded_without_secrets(app, subscriber, browser, auditor_db):
    wanted = digests(2)
    browser.authorize(app.ask_signing(subscriber, wanted, LABELS, description="Ký học bạ"))
    otp = subscriber.next_otp()
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=otp)
    row = audited(auditor_db, answer, "consent.approved", "ok")
    assert (row["client"], row["subscriber"], row["credential"]) == (
        app.id, subscriber.user, subscriber.credential)
    assert [bytes(digest) for digest in row["digests"]] == wanted
    assert row["detail"]["labels"] == LABELS
    assert row["detail"]["description"] == "Ký học bạ"
    written = json.dumps(audit_of(auditor_db, answer), default=str)
    code = oauth.back_of(answer.json()["redirect"]).code
    assert not any(secret in written for secret in (subscriber.pin, otp, code, browser.handle))


def test_the_database_opens_nothing_without_the_code(app, subscriber, browser, superuser):
    browser.authorize(app.ask_signing(subscriber, digests()))
    code = browser.approve(subscriber).code
    row = one(superuser, "SELECT * FROM rssp.authorization_code WHERE sha256 = sha256(%s)", code.encode())
    sad = one(superuser, "SELECT * FROM rssp.sad WHERE id = %s", row["sad"])
    assert code not in str(row) and hashlib.sha256(bytes(row["sad_seal"])).digest() != bytes(sad["sha256"])
    assert bytes(row["sad_seal"]) != bytes(sad["seal"])
    assert len(bytes(row["sad_seal"])) == 64 + 16


def test_scope_service_takes_no_factor(app, subscriber, browser):
    browser.authorize(app.ask())
    back = oauth.back_of(approve_raw(browser).json()["redirect"])
    assert back.code


def test_nobody_approves_who_is_not_signed_in(server, app, subscriber):
    visitor = Browser(server)
    visitor.authorize(app.ask_signing(subscriber, digests()))
    answer = approve_raw(visitor, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert (answer.status_code, code_of(answer)) == (401, "SESSION_ENDED")
    assert visitor.shown()["state"] == "pending"


def test_an_expired_session_approves_nothing(app, subscriber, browser, superuser):
    browser.authorize(app.ask_signing(subscriber, digests()))
    with superuser.cursor() as cursor:
        cursor.execute("UPDATE rssp.session SET seen_at = seen_at - interval '31 minutes'"
                       " WHERE subscriber = %s", (subscriber.user,))
    superuser.commit()
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert code_of(answer) == "SESSION_ENDED"
    assert browser.shown()["state"] == "pending"
    assert sads(superuser, subscriber) == 0


@pytest.mark.parametrize("headers, code", [
    ({"X-CSRF-Token": None}, "CSRF_INVALID"), ({"X-CSRF-Token": "x" * 43}, "CSRF_INVALID"),
    ({"Origin": "https://kexau.vidu.vn"}, "ORIGIN_FOREIGN"), ({"Origin": "null"}, "ORIGIN_FOREIGN")])
def test_another_site_approves_nothing(app, subscriber, browser, headers, code):
    browser.authorize(app.ask_signing(subscriber, digests()))
    body = {"request": browser.handle, "PIN": subscriber.pin, "OTP": subscriber.next_otp()}
    answer = browser.post("/consent/v1/approve", body, 403, headers=headers)
    assert code_of(answer) == code
    assert browser.shown()["state"] == "pending"


def test_another_site_declines_nothing(app, browser):
    browser.authorize(app.ask())
    browser.post("/consent/v1/decline", {"request": browser.handle}, 403,
                 headers={"Origin": "https://kexau.vidu.vn"})
    assert browser.shown()["state"] == "pending"


def test_the_credential_of_somebody_else_looks_unknown(operator, agency, app, browser, daemon_db):
    other = operator.subscriber(agency)
    browser.authorize(app.ask_signing(other, digests()))
    answer = approve_raw(browser, PIN=other.pin, OTP=other.next_otp())
    browser.authorize(app.ask("credential", hashes=oauth.b64url(digests()[0]),
                              credentialID=str(uuid.uuid4())))
    unknown = approve_raw(browser, PIN=other.pin, OTP="000000")
    assert answer.status_code == unknown.status_code == 400
    assert answer.json() == unknown.json()
    assert code_of(answer) == "CREDENTIAL_ID_INVALID"
    assert failures(daemon_db, other) == 0 and sads(daemon_db, other) == 0


def test_an_unknown_credential_takes_as_long_as_somebody_elses(operator, agency, app, browser):
    other = operator.subscriber(agency)

    def took(credential):
        browser.authorize(app.ask("credential", hashes=oauth.b64url(digests()[0]), credentialID=credential))
        start = time.monotonic()
        assert approve_raw(browser, PIN=other.pin, OTP="000000").status_code == 400
        return time.monotonic() - start
    known, unknown = (min(took(credential) for _ in range(12))
                      for credential in (other.credential, str(uuid.uuid4())))
    assert abs(known - unknown) < 0.01


def test_the_person_cannot_put_another_credential_in_place_of_the_named_one(app, subscriber, browser):
    browser.authorize(app.ask_signing(subscriber, digests()))
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp(),
                         credentialID=str(uuid.uuid4()))
    assert code_of(answer) == "CREDENTIAL_ID_INVALID"


def test_which_credential_is_meant_must_be_said(app, subscriber, browser):
    browser.authorize(app.ask("credential", hashes=oauth.b64url(digests()[0])))
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert code_of(answer) == "CREDENTIAL_ID_MISSING"


def test_a_credential_that_the_applications_agency_does_not_see_looks_unknown(
        operator, subscriber, browser):
    foreign = oauth.add_app(operator, operator.add_agency())
    browser.authorize(foreign.ask_signing(subscriber, digests()))
    assert not {"credential", "credentials"} & set(browser.shown())
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert code_of(answer) == "CREDENTIAL_ID_INVALID"


def test_an_application_of_another_agency_may_not_act_for_a_subscriber(operator, subscriber, browser):
    foreign = oauth.add_app(operator, operator.add_agency())
    browser.authorize(foreign.ask())
    answer = approve_raw(browser)
    assert code_of(answer) == "APPLICATION_FOREIGN"
    assert browser.shown()["state"] == "pending"


# -- a hostile database --

def tamper(superuser, app, change):
    """Somebody who owns the database changes what was kept of a request."""
    with superuser.cursor() as cursor:
        cursor.execute("SELECT sha256, parameters FROM rssp.authorization_request WHERE client = %s", (app.id,))
        sha256, kept = cursor.fetchone()
        cursor.execute("UPDATE rssp.authorization_request SET parameters = %s WHERE sha256 = %s",
                       (json.dumps(change(kept)), sha256))
    superuser.commit()


def other_hash(kept):
    request = json.loads(kept["request"])
    request["hashes"] = oauth.b64url(digests()[0])
    return {**kept, "request": json.dumps(request)}


CHANGES = {"another hash": other_hash, "no mac": lambda kept: {"request": kept["request"]},
           "the request alone": lambda kept: json.loads(kept["request"]),
           "a mac of nothing": lambda kept: {**kept, "mac": ""}}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_nothing_else_is_approved_than_what_was_shown(app, subscriber, browser, superuser, change):
    browser.authorize(app.ask_signing(subscriber, digests()))
    assert browser.shown()["state"] == "pending"
    tamper(superuser, app, change)
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert (answer.status_code, code_of(answer)) == (500, "INTERNAL")
    browser.shown(expect=500)
    assert sads(superuser, subscriber) == 0 and failures(superuser, subscriber) == 0


def test_a_pushed_request_is_taken_as_it_was_pushed_or_not_at_all(app, subscriber, browser, superuser):
    pushed = app.push(app.ask_signing(subscriber, digests()))
    tamper(superuser, app, other_hash)
    browser.authorize(pushed, expect=500)


def test_a_request_put_under_another_client_is_not_shown(operator, agency, app, subscriber, browser, superuser):
    other = oauth.add_app(operator, agency)
    browser.authorize(app.ask_signing(subscriber, digests()))
    with superuser.cursor() as cursor:
        cursor.execute("UPDATE rssp.authorization_request SET client = %s WHERE client = %s",
                       (other.id, app.id))
    superuser.commit()
    browser.shown(expect=500)


# -- factors --

def test_a_wrong_pin_says_how_many_tries_are_left(app, subscriber, browser, daemon_db):
    browser.authorize(app.ask_signing(subscriber, digests()))
    answer = approve_raw(browser, PIN="sai ma pin 1", OTP=subscriber.next_otp())
    assert (answer.status_code, code_of(answer), answer.json()["triesLeft"]) == (400, "PIN_WRONG", 4)
    assert browser.shown()["state"] == "pending"
    assert failures(daemon_db, subscriber) == 1
    assert browser.approve(subscriber).code


def test_a_wrong_otp_says_how_many_tries_are_left(app, subscriber, browser):
    browser.authorize(app.ask_signing(subscriber, digests()))
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.wrong_otp())
    assert (code_of(answer), answer.json()["triesLeft"]) == ("OTP_WRONG", 4)


def test_an_otp_is_good_once(app, subscriber, browser):
    otp = subscriber.next_otp()
    for expected in (200, 400):
        browser.authorize(app.ask_signing(subscriber, digests()))
        answer = approve_raw(browser, PIN=subscriber.pin, OTP=otp)
        assert answer.status_code == expected
    assert code_of(answer) == "OTP_REPLAYED"
    assert answer.json()["retryAfter"] > 0
    assert "triesLeft" not in answer.json()


def test_five_wrong_factors_lock_and_the_page_says_so(app, subscriber, browser):
    browser.authorize(app.ask_signing(subscriber, digests()))
    for left in (4, 3, 2, 1, 0):
        answer = approve_raw(browser, PIN="sai ma pin 1", OTP=subscriber.wrong_otp())
        assert answer.json()["triesLeft"] == left
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert code_of(answer) == "PIN_LOCKED"
    assert "khoá" in browser.post("/consent/v1/approve", {
        "request": browser.handle, "lang": "vi", "PIN": subscriber.pin, "OTP": "123456"},
        expect=400).json()["error_description"]


@pytest.mark.parametrize("missing", ["PIN", "OTP"])
def test_both_factors_are_needed(app, subscriber, browser, missing, daemon_db):
    browser.authorize(app.ask_signing(subscriber, digests()))
    factors = {"PIN": subscriber.pin, "OTP": subscriber.next_otp()}
    del factors[missing]
    assert code_of(approve_raw(browser, **factors)) == f"{missing}_INVALID_TYPE"
    assert failures(daemon_db, subscriber) == 0


def test_the_policys_refusal_comes_with_reason_and_alternative(operator, app, subscriber, browser):
    operator.post("subscribers/set-position", {"userID": subscriber.user, "position": "Kế toán"})
    browser.authorize(app.ask_signing(subscriber, digests()))
    answer = browser.post("/consent/v1/approve", {
        "request": browser.handle, "lang": "vi", "PIN": subscriber.pin, "OTP": subscriber.next_otp()}, 400)
    assert code_of(answer) == "POLICY_DENIED"
    assert "USB" in answer.json()["error_description"]


def test_the_policys_refusal_spends_nothing_and_is_recorded(
        operator, app, subscriber, browser, auditor_db, daemon_db):
    operator.post("subscribers/set-position", {"userID": subscriber.user, "position": "Kế toán"})
    browser.authorize(app.ask_signing(subscriber, digests()))
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    row = audited(auditor_db, answer, result="refused", code="POLICY_DENIED")
    assert (row["client"], row["subscriber"]) == (app.id, subscriber.user) and row["rule"]
    assert failures(daemon_db, subscriber) == 0


def test_an_explicit_client_asks_for_no_consent_and_the_other_for_no_factors(app, subscriber):
    token = app.token(grant_type="client_credentials").json()["access_token"]
    answer = app.call("credentials/authorize", {
        "credentialID": subscriber.credential, "numSignatures": 1,
        "hashes": [b64(digests()[0])], "hashAlgorithmOID": oauth.SHA256_OID, "authData": [
            {"id": "PIN", "value": subscriber.pin}, {"id": "OTP", "value": subscriber.next_otp()}]},
        token, expect=400)
    assert error(answer)[0] == "unauthorized_client"


# -- once --

def test_a_request_is_approved_once(app, subscriber, browser, daemon_db):
    browser.authorize(app.ask_signing(subscriber, digests()))
    assert browser.approve(subscriber).code
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert (answer.status_code, code_of(answer)) == (409, "CONSENT_DONE")
    assert (sads(daemon_db, subscriber), codes(daemon_db, app)) == (1, 1)


def test_a_request_of_scope_service_is_approved_once(app, browser, daemon_db):
    browser.authorize(app.ask())
    assert approve_raw(browser).status_code == 200
    assert code_of(approve_raw(browser)) == "CONSENT_DONE"
    assert codes(daemon_db, app) == 1


def race(*calls):
    answers, start = [None] * len(calls), threading.Barrier(len(calls))

    def run(at, call):
        start.wait()
        answers[at] = call()
    threads = [threading.Thread(target=run, args=(at, call)) for at, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize("attempt", range(3))
def test_two_tabs_with_two_otps_get_one_code(server, app, subscriber, browser, daemon_db, attempt):
    browser.authorize(app.ask_signing(subscriber, digests()))
    tab = Browser(server)
    tab.sign_in(subscriber)
    tab.handle = browser.handle
    first, second = subscriber.next_otp(), subscriber.next_otp()
    answers = race(lambda: approve_raw(browser, PIN=subscriber.pin, OTP=first),
                   lambda: approve_raw(tab, PIN=subscriber.pin, OTP=second))
    assert sorted(answer.status_code for answer in answers)[0] == 200
    lost = next(answer for answer in answers if answer.status_code != 200)
    # the SAM may have seen the later code first: then the earlier one counts as used
    assert code_of(lost) in ("CONSENT_DONE", "OTP_REPLAYED", "TOO_MANY")
    assert (sads(daemon_db, subscriber), codes(daemon_db, app)) == (1, 1)
    assert failures(daemon_db, subscriber) == 0


def test_submitted_twice_at_once_scope_service_gives_one_code(server, app, subscriber, browser, daemon_db):
    browser.authorize(app.ask())
    tab = Browser(server)
    tab.sign_in(subscriber)
    tab.handle = browser.handle
    answers = race(*[lambda who=who: approve_raw(who) for who in (browser, tab)])
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert codes(daemon_db, app) == 1


def test_approved_and_declined_at_once_one_of_them_holds(app, subscriber, browser, daemon_db):
    browser.authorize(app.ask())
    answers = race(lambda: approve_raw(browser),
                   lambda: browser.post("/consent/v1/decline", {"request": browser.handle}, None))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert codes(daemon_db, app) == (answers[0].status_code == 200)


def test_the_other_daemon_knows_that_it_was_approved(server2, app, subscriber, browser):
    browser.authorize(app.ask())
    assert approve_raw(browser).status_code == 200
    other = Browser(server2)
    assert other.shown(browser.handle)["state"] == "approved"


def test_a_request_that_began_at_one_daemon_is_approved_at_another(server, server2, app, subscriber, browser):
    asked = app.ask_signing(subscriber, digests())
    browser.authorize(asked)
    there = f"{server2.url}/consent/v1/approve"
    answer = browser.session.post(there, json={
        "request": browser.handle, "PIN": subscriber.pin, "OTP": subscriber.next_otp()},
        headers={"Origin": server.url, "X-CSRF-Token": browser.csrf}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert app.redeem(asked, oauth.back_of(answer.json()["redirect"]).code).json()["access_token"]


def test_two_people_approve_their_own_requests_only(server, operator, agency, app, subscriber, browser):
    """One person's handle in another's window: whoever approves signs with his own credential."""
    other = operator.subscriber(agency)
    browser.authorize(app.ask_signing(subscriber, digests()))
    stranger = Browser(server)
    stranger.sign_in(other)
    stranger.handle = browser.handle
    answer = approve_raw(stranger, PIN=other.pin, OTP=other.next_otp())
    assert code_of(answer) == "CREDENTIAL_ID_INVALID"
    assert browser.approve(subscriber).code


# -- declining, and being late --

def test_declining_tells_the_application(server, app, subscriber, browser, auditor_db):
    asked = app.ask_signing(subscriber, digests())
    browser.authorize(asked)
    answer = browser.post("/consent/v1/decline", {"request": browser.handle})
    back = oauth.back_of(answer.json()["redirect"])
    assert (back.error, back.state, back.iss, back.code) == (
        "access_denied", asked.state, server.url, None)
    assert browser.shown()["state"] == "declined"
    row = audited(auditor_db, answer, "consent.declined", "ok")
    assert (row["client"], row["subscriber"]) == (app.id, subscriber.user)


def test_who_is_not_signed_in_may_decline(server, app):
    visitor = Browser(server)
    visitor.authorize(app.ask())
    assert visitor.decline().error == "access_denied"


def test_what_was_declined_is_not_approved(app, subscriber, browser, daemon_db):
    browser.authorize(app.ask_signing(subscriber, digests()))
    browser.decline()
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert code_of(answer) == "CONSENT_DONE"
    assert sads(daemon_db, subscriber) == 0


def test_what_was_approved_is_not_declined(app, browser):
    browser.authorize(app.ask())
    approve_raw(browser)
    assert code_of(browser.decline(expect=409)) == "CONSENT_DONE"


def late(superuser):
    with superuser.cursor() as cursor:
        cursor.execute("UPDATE rssp.authorization_request SET ends_at = now() - interval '1 second'"
                       " WHERE state = 'shown'")
    superuser.commit()


def test_a_late_request_is_over(app, subscriber, browser, superuser):
    browser.authorize(app.ask_signing(subscriber, digests()))
    late(superuser)
    assert browser.shown()["state"] == "expired"
    assert not {"documents", "credential"} & set(browser.shown())
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert code_of(answer) == "CONSENT_EXPIRED"
    assert code_of(browser.decline(expect=400)) == "CONSENT_EXPIRED"
    assert sads(superuser, subscriber) == 0


def test_a_client_disabled_meanwhile_gets_nothing(operator, app, subscriber, browser):
    browser.authorize(app.ask_signing(subscriber, digests()))
    operator.post("clients/disable", {"clientID": app.id})
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert code_of(answer) == "CONSENT_EXPIRED"


def test_a_subscriber_disabled_meanwhile_approves_nothing(operator, app, subscriber, browser, daemon_db):
    browser.authorize(app.ask_signing(subscriber, digests()))
    operator.post("subscribers/disable", {"userID": subscriber.user})
    answer = approve_raw(browser, PIN=subscriber.pin, OTP=subscriber.next_otp())
    assert answer.status_code in (400, 401)
    assert sads(daemon_db, subscriber) == 0


def test_a_refusal_is_said_in_the_pages_language(app, browser):
    browser.authorize(app.ask())
    browser.decline()
    said = [browser.post("/consent/v1/approve", {"request": browser.handle, "lang": lang}, 409).json()
            ["error_description"] for lang in ("vi", "en")]
    assert said[0].startswith("Yêu cầu này đã được trả lời")
    assert said[1].startswith("This request was answered already")


def test_no_page_of_another_site_reads_what_is_shown(server, app, browser):
    browser.authorize(app.ask())
    answer = requests.get(f"{server.url}/consent/v1/request", params={"request": browser.handle},
                          headers={"Origin": "https://kexau.vidu.vn"}, verify=server.cacert, timeout=30)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_request_of_the_audit_names_no_code(app, browser, auditor_db):
    browser.authorize(app.ask())
    answer = approve_raw(browser)
    written = json.dumps(rows(auditor_db, "SELECT * FROM audit.event WHERE client = %s", app.id),
                         default=str)
    assert oauth.back_of(answer.json()["redirect"]).code not in written

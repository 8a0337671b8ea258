"""One's own account: the session, what is seen, what is changed; and that a password signs nothing."""

import re
import secrets
import uuid
from datetime import datetime, timezone
from email import message_from_string, policy

import pytest

from lib.api import b64
from lib.books import audited, one, rows, value
from lib.crowd import at_once
from lib.oauth import COOKIE, Browser, add_app
from lib.people import GOOD_PASSWORD, GOOD_PIN, Subscriber

NEW = "chiều hè bên sông"
WRONG = "mùa thu dưới biển"
SESSIONS = "SELECT count(*) FROM rssp.session WHERE subscriber = %s"
GUARD = "SELECT failures, locked_at IS NOT NULL AS locked FROM rssp.credential_guard WHERE credential = %s"


def told(answer):
    return answer.status_code, answer.json().get("code")


@pytest.fixture
def browser(server, subscriber):
    made = Browser(server)
    made.sign_in(subscriber)
    return made


def ended(browser):
    return browser.get("/account/v1/credentials", None).status_code == 401


# -- the session --

def test_who_is_signed_in(browser, subscriber):
    said = browser.signed_in()
    assert (said["signedIn"], said["name"]) == (True, subscriber.person["name"])
    assert said["csrfToken"] == browser.csrf and 1790 <= said["endsInSeconds"] <= 1800


def test_who_is_not(server):
    assert Browser(server).signed_in() == {"signedIn": False}


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "A" * 5000])
def test_a_cookie_that_is_no_sessions(server, cookie):
    browser = Browser(server)
    browser.session.headers["Cookie"] = f"{COOKIE}={cookie}"
    assert browser.signed_in() == {"signedIn": False}
    assert told(browser.get("/account/v1/credentials", 401)) == (401, "SESSION_ENDED")


def test_signing_out_ends_the_session_and_clears_the_cookie(browser, subscriber, superuser, auditor_db):
    cookie = browser.cookie()
    answer = browser.post("/account/v1/sign-out")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert value(superuser, SESSIONS, subscriber.user) == 0
    audited(auditor_db, answer, "account.signed-out", "ok")
    browser.session.cookies.set(COOKIE, cookie)
    assert ended(browser)


@pytest.mark.parametrize("column, ago", [("seen_at", "31 minutes"), ("ends_at", "12 hours 1 second")])
def test_a_session_ends_unused_and_at_the_latest(browser, subscriber, superuser, column, ago):
    rows(superuser, f"UPDATE rssp.session SET {column} = {column} - interval '{ago}' WHERE subscriber = %s",
         subscriber.user)
    assert ended(browser)


def test_use_keeps_a_session(browser, subscriber, superuser, server):
    rows(superuser, "UPDATE rssp.session SET seen_at = seen_at - interval '29 minutes' WHERE subscriber = %s",
         subscriber.user)
    assert not ended(browser)
    server.wait_until(lambda: value(
        superuser, "SELECT seen_at > now() - interval '1 minute' FROM rssp.session WHERE subscriber = %s",
        subscriber.user), 10, "its use was not noted")


def test_a_disabled_subscribers_session_ends(browser, operator, subscriber):
    operator.post("subscribers/disable", {"userID": subscriber.user})
    assert ended(browser) and browser.signed_in() == {"signedIn": False}


def test_sessions_and_counts_that_are_over_are_swept(browser, subscriber, superuser, server):
    browser.sign_in(subscriber, 400, password=WRONG)
    rows(superuser, "UPDATE rssp.session SET ends_at = now() - interval '1 minute' WHERE subscriber = %s",
         subscriber.user)
    rows(superuser, "UPDATE rssp.sign_in_failure SET attempted_at = attempted_at - interval '2 days'")
    server.wait_until(lambda: value(superuser, SESSIONS, subscriber.user) == 0 and value(
        superuser, "SELECT count(*) FROM rssp.sign_in_failure WHERE attempted_at < now() - interval '1 day'") == 0,
        20, "not swept")


CHANGES = ["sign-out", "sign-out-everywhere", "change-pin", "change-password"]


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("csrf", [None, "", "x", "A" * 43])
def test_without_the_pages_own_token_nothing_is_changed(browser, subscriber, superuser, path, csrf):
    answer = browser.post(f"/account/v1/{path}", complete(subscriber), 403, {"X-CSRF-Token": csrf})
    assert told(answer) == (403, "CSRF_INVALID") and not ended(browser)
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 0


@pytest.mark.parametrize("path", CHANGES)
def test_the_token_of_another_session_is_none(server, browser, subscriber, path):
    other = Browser(server)
    other.sign_in(subscriber)
    answer = browser.post(f"/account/v1/{path}", complete(subscriber), 403, {"X-CSRF-Token": other.csrf})
    assert told(answer) == (403, "CSRF_INVALID")


@pytest.mark.parametrize("path", CHANGES)
def test_a_page_of_another_site_changes_nothing(browser, subscriber, path):
    answer = browser.post(f"/account/v1/{path}", complete(subscriber), 403,
                          {"Origin": "https://khac.example"})
    assert told(answer) == (403, "ORIGIN_FOREIGN") and not ended(browser)


def complete(subscriber):
    return {"credentialID": subscriber.credential, "PIN": subscriber.pin, "newPIN": "hT4wq9Zsm",
            "OTP": subscriber.otp(1), "password": subscriber.password, "newPassword": NEW}


# -- what is seen --

def test_my_credentials(browser, subscriber):
    one_of_mine, = browser.get("/account/v1/credentials").json()["credentials"]
    assert one_of_mine["credentialID"] == subscriber.credential
    assert (one_of_mine["status"], one_of_mine["key"], one_of_mine["factors"]) == (
        "enabled", "p-256", "PIN AND OTP")
    assert one_of_mine["subjectDN"].startswith(f"CN={subscriber.person['name']},")
    assert re.fullmatch("[0-9A-F]+", one_of_mine["serialNumber"])
    assert one_of_mine["validFrom"] < datetime.now(timezone.utc).isoformat() < one_of_mine["validTo"]


@pytest.mark.parametrize("status, change", [
    ("disabled", "UPDATE rssp.credential SET state = 'disabled' WHERE id = %s"),
    ("revoked", "UPDATE rssp.credential SET state = 'revoked', revoked_at = now() WHERE id = %s"),
    ("expired", "UPDATE rssp.credential SET valid_to = now() WHERE id = %s"),
    ("locked", "UPDATE rssp.credential_guard SET locked_at = now() WHERE credential = %s")])
def test_the_status_of_a_credential(browser, subscriber, superuser, status, change):
    rows(superuser, change, subscriber.credential)
    one_of_mine, = browser.get("/account/v1/credentials").json()["credentials"]
    assert one_of_mine["status"] == status


def test_all_my_credentials_and_nobody_elses(server, browser, operator, subscriber, agency):
    operator.subscriber(agency)
    operator.enrol(subscriber.person)
    second = Subscriber.activate(server, subscriber.person)
    mine = [each["credentialID"] for each in browser.get("/account/v1/credentials").json()["credentials"]]
    assert mine == [second.credential, subscriber.credential]


def sign(client, subscriber, count=1):
    digests = [secrets.token_bytes(32) for _ in range(count)]
    client.sign(subscriber, client.authorize(subscriber, digests), digests)


def test_my_last_signatures(browser, client, subscriber, agency):
    sign(client, subscriber, 3)
    made, = browser.get("/account/v1/signatures").json()["signatures"]
    assert (made["credentialID"], made["count"]) == (subscriber.credential, 3)
    assert made["client"].startswith("Phần mềm Mẫu") and made["agency"] == ", ".join(reversed(agency.path))
    assert abs(datetime.fromisoformat(made["at"].replace("Z", "+00:00")).timestamp()
               - datetime.now().timestamp()) < 60


def test_documents_that_were_approved_on_the_page_have_their_labels(server, browser, operator, agency, subscriber):
    """Each signature names its own of them, in its own order."""
    app, digests = add_app(operator, agency), [secrets.token_bytes(32) for _ in range(3)]
    grant = app.grant_signing(subscriber, digests, ["Học bạ lớp 10A1", "Học bạ lớp 10A2", "Biên bản"])
    app.sign(subscriber, grant, [digests[2], digests[0]])
    app.sign(subscriber, grant, [digests[1]])
    shown = browser.get("/account/v1/signatures").json()["signatures"]
    assert [each["labels"] for each in shown] == [["Học bạ lớp 10A2"], ["Biên bản", "Học bạ lớp 10A1"]]


def test_a_signature_without_an_approval_has_no_labels(browser, client, subscriber):
    sign(client, subscriber)
    made, = browser.get("/account/v1/signatures").json()["signatures"]
    assert "labels" not in made


def test_nobody_elses_signatures(server, browser, client, operator, subscriber, agency):
    sign(client, operator.subscriber(agency))
    assert browser.get("/account/v1/signatures").json() == {"signatures": []}


COPY = ("INSERT INTO audit.event (at, id, request, event, result, code, client, subscriber, credential,"
        " signatures) SELECT date_trunc('second', now()) - make_interval(secs => n / 2), gen_random_uuid(), gen_random_uuid(),"
        " 'signature.created', 'ok', 'OK', %s, %s, %s, array_fill('\\x00'::bytea, ARRAY[n])"
        " FROM generate_series(1, 45) n")


def test_they_come_in_pages_newest_first(browser, client, subscriber, daemon_db):
    """Two of them a second: equal times are told apart."""
    rows(daemon_db, COPY, client.id, subscriber.user, subscriber.credential)
    pages, before = [], {}
    while True:
        page = browser.get("/account/v1/signatures", **before).json()
        pages.append([each["count"] for each in page["signatures"]])
        if "next" not in page:
            break
        before = {"before": page["next"]}
    assert [len(page) for page in pages] == [20, 20, 5]
    assert sorted(sum(pages, [])) == list(range(1, 46))
    assert [n // 2 for n in sum(pages, [])] == sorted(n // 2 for n in range(1, 46))


@pytest.mark.parametrize("before", ["x", "1", "0." + "0" * 8, f"1.{uuid.UUID(int=0)}", "9" * 16 + f".{uuid.uuid4()}",
                                    f"-1.{uuid.uuid4()}", "1.2.3"])
def test_a_cursor_that_is_none_of_ours(browser, before):
    assert told(browser.get("/account/v1/signatures", 400, before=before)) == (400, "PARAMETER_INVALID")


# -- the password --

def change_password(browser, subscriber, expect=200, **parts):
    body = {"credentialID": subscriber.credential, "password": subscriber.password, "newPassword": NEW,
            "OTP": parts["OTP"] if "OTP" in parts else subscriber.next_otp(), **parts}
    return browser.post("/account/v1/change-password", {
        name: text for name, text in body.items() if text is not None}, expect)


def test_a_changed_password_opens_and_the_old_one_does_not(server, browser, subscriber, auditor_db):
    answer = change_password(browser, subscriber)
    audited(auditor_db, answer, "account.password-changed", "ok")
    assert told(Browser(server).sign_in(subscriber, 400)) == (400, "SIGN_IN_REFUSED")
    Browser(server).sign_in(subscriber, password=NEW)


def test_it_ends_the_other_sessions_and_keeps_this_one(server, browser, subscriber):
    other = Browser(server)
    other.sign_in(subscriber)
    change_password(browser, subscriber)
    assert ended(other) and not ended(browser)


def test_two_changes_at_once_leave_one_password(server, browser, subscriber):
    """Each with an OTP of its own: what was read before the other's commit changes nothing."""
    wanted, otps = ["thứ nhất trong hai", "thứ hai trong hai"], [subscriber.otp(-1), subscriber.otp(0)]

    def attempt(password, otp):
        return lambda: change_password(browser, subscriber, None, newPassword=password, OTP=otp)
    answers = at_once([attempt(*pair) for pair in zip(wanted, otps)])
    changed = [password for password, answer in zip(wanted, answers) if answer.status_code == 200]
    assert len(changed) == 1, [answer.text for answer in answers]
    Browser(server).sign_in(subscriber, password=changed[0])


def subjects(server, subscriber):
    mails = [message_from_string(mail, policy=policy.default) for mail in server.instance.mails("notices")]
    return [mail["Subject"] for mail in mails if subscriber.person["email"] in mail["To"]]


@pytest.mark.parametrize("change, subject", [
    (change_password, "Password changed"), (lambda *who: everywhere(*who), "Signed out everywhere")])
def test_a_change_is_told_by_mail(server, browser, subscriber, change, subject):
    change(browser, subscriber)
    server.wait_until(lambda: any(subject in line for line in subjects(server, subscriber)), 20, "no notice")


def test_a_wrong_present_password_costs_no_try_of_the_credential(browser, subscriber, superuser, auditor_db):
    answer = change_password(browser, subscriber, 400, password=WRONG)
    assert told(answer) == (400, "PASSWORD_WRONG")
    audited(auditor_db, answer, "account.change-password", "refused", "PASSWORD_WRONG")
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 0


def test_guessing_the_present_password_is_made_to_wait(browser, subscriber):
    for _ in range(5):
        change_password(browser, subscriber, 400, password=WRONG, OTP="000000")
    answer = change_password(browser, subscriber, 429)
    assert told(answer) == (429, "TOO_MANY") and 25 <= answer.json()["retryAfter"] <= 30


def test_a_wrong_otp_of_a_change_counts_like_one_in_authorize(browser, subscriber, superuser):
    answer = change_password(browser, subscriber, 400, OTP=subscriber.wrong_otp())
    assert told(answer) == (400, "OTP_WRONG") and answer.json()["triesLeft"] == 4
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 1


@pytest.mark.parametrize("weak", ["", "ngắn quá", "x" * 129, "aaaaaaaaaaaa", "1234567890"])
def test_a_weak_password_is_refused_and_costs_no_try(browser, subscriber, superuser, weak):
    assert told(change_password(browser, subscriber, 400, newPassword=weak)) == (400, "PASSWORD_WEAK")
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 0


@pytest.mark.parametrize("part", ["identity_number", "email"])
def test_the_login_is_no_password(browser, subscriber, part):
    weak = subscriber.person[part]
    assert told(change_password(browser, subscriber, 400, newPassword=weak)) == (400, "PASSWORD_WEAK")


# -- signing out everywhere --

def everywhere(browser, subscriber, expect=200, **parts):
    body = {"credentialID": subscriber.credential,
            "OTP": parts["OTP"] if "OTP" in parts else subscriber.next_otp(), **parts}
    return browser.post("/account/v1/sign-out-everywhere", body, expect)


def test_all_sessions_end(server, browser, subscriber, superuser, auditor_db):
    other = Browser(server)
    other.sign_in(subscriber)
    answer = everywhere(browser, subscriber)
    audited(auditor_db, answer, "account.signed-out-everywhere", "ok")
    assert ended(browser) and ended(other) and value(superuser, SESSIONS, subscriber.user) == 0


def test_what_was_granted_ends(server, browser, operator, agency, subscriber):
    """Access and refresh tokens of scope service, and a SAD that the page gave."""
    app, digest = add_app(operator, agency), secrets.token_bytes(32)
    service = app.grant(subscriber, scope="service")
    signing = app.grant_signing(subscriber, [digest])
    assert app.call("credentials/list", {}, service.access_token).status_code == 200
    everywhere(browser, subscriber)
    server.wait_until(
        lambda: app.call("credentials/list", {}, service.access_token, expect=None).status_code == 401, 5,
        "the token still works")
    assert app.refresh(service.refresh_token, None).status_code == 400
    assert app.sign(subscriber, signing, [digest], None).status_code in (400, 401)


def test_a_code_under_way_ends(server, browser, operator, agency, subscriber):
    app = add_app(operator, agency)
    asked = app.ask(scope="service")
    browser.authorize(asked)
    back = browser.approve(subscriber)
    everywhere(browser, subscriber)
    assert app.redeem(asked, back.code, 400).json()["error"] == "invalid_grant"


def test_what_others_granted_stays(server, browser, operator, agency, subscriber):
    app, other = add_app(operator, agency), operator.subscriber(agency)
    grant = app.grant(other, scope="service")
    everywhere(browser, subscriber)
    app.refresh(grant.refresh_token)


def test_without_an_otp_no_session_ends(server, browser, subscriber):
    assert told(everywhere(browser, subscriber, 400, OTP=subscriber.wrong_otp())) == (400, "OTP_WRONG")
    assert not ended(browser)


# -- one factor is not two --

def test_the_otp_alone_gives_no_tries_at_the_pin_back(browser, client, subscriber, superuser):
    """Or who holds the authenticator and the password could guess PINs for ever."""
    for _ in range(4):
        client.authorize(subscriber, [bytes(32)], pin="wrong-PIN-37", otp=subscriber.otp(-1), expect=400)
    everywhere(browser, subscriber)
    assert one(superuser, GUARD, subscriber.credential)["failures"] == 4


def test_an_otp_of_the_account_is_no_otp_of_a_signature_any_more(browser, client, subscriber):
    otp = subscriber.next_otp()
    everywhere(browser, subscriber, OTP=otp)
    assert client.authorize(subscriber, [bytes(32)], otp=otp, expect=400).json()["error"] == "invalid_otp"


# -- the password gives no power to sign --

def test_a_password_and_a_session_authorise_nothing(browser, client, subscriber, superuser):
    """Whatever is sent in place of the factors, with the session's cookie: no SAD comes to be."""
    before = value(superuser, "SELECT count(*) FROM rssp.sad WHERE subscriber = %s", subscriber.user)
    asked = {"credentialID": subscriber.credential, "numSignatures": 1, "hash": [b64(bytes(32))]}
    for factors in ({}, {"PIN": subscriber.password}, {"PIN": subscriber.password, "OTP": subscriber.password},
                    {"PIN": subscriber.pin}, {"OTP": subscriber.otp()}):
        answer = browser.send("POST", "/csc/v1/credentials/authorize", json={**asked, **factors})
        assert answer.status_code == 400  # a session is no bearer
        answer = browser.send("POST", "/csc/v1/credentials/authorize", json={**asked, **factors},
                              headers={"Authorization": f"Bearer {browser.cookie()}"})
        assert answer.status_code == 401
        client.call("credentials/authorize", {**asked, **factors}, expect=400)
    assert value(superuser, "SELECT count(*) FROM rssp.sad WHERE subscriber = %s", subscriber.user) == before


@pytest.mark.parametrize("factors", [
    {}, {"PIN": GOOD_PASSWORD}, {"PIN": GOOD_PASSWORD, "OTP": "000000"}, {"PIN": GOOD_PIN}])
def test_a_session_alone_approves_nothing(server, browser, operator, agency, subscriber, superuser, factors):
    app = add_app(operator, agency)
    browser.authorize(app.ask_signing(subscriber, [secrets.token_bytes(32)]))
    answer = browser.post("/consent/v1/approve", {"request": browser.handle, **factors}, 400)
    assert told(answer)[1] in ("PIN_INVALID_TYPE", "OTP_INVALID_TYPE", "OTP_WRONG", "PIN_WRONG")
    assert value(superuser, "SELECT count(*) FROM rssp.sad WHERE subscriber = %s", subscriber.user) == 0

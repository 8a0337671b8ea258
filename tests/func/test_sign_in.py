"""Signing in to one's own pages: who gets in, what is counted, and what nobody learns by trying."""

import os
import signal
import statistics
import time
import uuid

import pytest

from lib.api import Api, error
from lib.books import audited, one, rows, value
from lib.crowd import at_once
from lib.oauth import COOKIE, Browser
from lib.people import GOOD_PASSWORD, GOOD_PIN, Subscriber, code_for, new_person
from lib.server import Server

WRONG = "mùa thu dưới biển"
REFUSED = (400, "SIGN_IN_REFUSED")
SESSIONS = "SELECT count(*) FROM rssp.session WHERE subscriber = %s"


def told(answer):
    return answer.status_code, answer.json().get("code")


@pytest.fixture
def browser(server):
    return Browser(server)


# -- who gets in --

@pytest.mark.parametrize("login", ["identity_number", "email"])
def test_by_identity_number_or_official_e_mail(browser, subscriber, login):
    answer = browser.sign_in(subscriber, login=subscriber.person[login]).json()
    assert answer["name"] == subscriber.person["name"]


@pytest.mark.parametrize("written", [str.upper, lambda email: f"  {email} "])
def test_case_of_the_e_mail_and_blanks_around_it_do_not_matter(browser, subscriber, written):
    browser.sign_in(subscriber, login=written(subscriber.person["email"]))


def test_the_sign_in_is_audited(browser, subscriber, auditor_db):
    answer = browser.sign_in(subscriber)
    assert audited(auditor_db, answer, "account.signed-in", "ok")["subscriber"] == subscriber.user


def test_the_cookie_is_of_this_origin_alone_and_out_of_reach_of_scripts(browser, subscriber):
    header = browser.sign_in(subscriber).headers["Set-Cookie"]
    name, *attributes = header.split("; ")
    assert name.startswith(COOKIE + "=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert not any(attribute.lower().startswith("domain") for attribute in attributes)


def test_only_the_hash_of_the_cookie_is_kept(browser, subscriber, superuser):
    browser.sign_in(subscriber)
    row = value(superuser, "SELECT x::text FROM rssp.session x WHERE subscriber = %s", subscriber.user)
    assert browser.cookie() and browser.cookie() not in row


def test_each_sign_in_is_a_session_of_its_own(server, subscriber, superuser):
    first, second = Browser(server), Browser(server)
    first.sign_in(subscriber)
    second.sign_in(subscriber)
    assert first.cookie() != second.cookie() and value(superuser, SESSIONS, subscriber.user) == 2


def test_a_page_of_another_site_signs_nobody_in(browser, subscriber):
    answer = browser.post("/account/v1/sign-in", {
        "login": subscriber.person["email"], "password": subscriber.password}, 403,
        headers={"Origin": "https://khac.example"})
    assert told(answer) == (403, "ORIGIN_FOREIGN") and browser.cookie() is None


# -- who does not --

def test_a_wrong_password(browser, subscriber, auditor_db, superuser):
    answer = browser.sign_in(subscriber, 400, password=WRONG)
    assert told(answer) == REFUSED and browser.cookie() is None
    audited(auditor_db, answer, "account.sign-in", "refused", "SIGN_IN_REFUSED")
    assert value(superuser, SESSIONS, subscriber.user) == 0


@pytest.mark.parametrize("login", ["999999999999", "khong.co.ai@mau.edu.vn", "-", "@", "'; --", "ẩn danh"])
def test_a_login_that_is_nobodys(browser, subscriber, login):
    assert told(browser.sign_in(subscriber, 400, login=login)) == REFUSED


def test_who_was_activated_without_a_password_has_no_account(browser, operator, agency):
    person = operator.subscriber(agency, password=None)
    assert told(browser.sign_in(person, 400, password="")) == REFUSED
    assert told(browser.sign_in(person, 400, password=GOOD_PASSWORD)) == REFUSED


def test_an_e_mail_of_several_people_is_nobodys(browser, operator, agency):
    email = f"chung.{uuid.uuid4().hex[:12]}@mau.edu.vn"
    one_of_them = operator.subscriber(agency, email=email)
    other = operator.subscriber(agency, email=email)
    for person in (one_of_them, other):
        assert told(browser.sign_in(person, 400, login=email)) == REFUSED
    browser.sign_in(one_of_them)


def test_a_disabled_subscriber(browser, operator, subscriber):
    operator.post("subscribers/disable", {"userID": subscriber.user})
    assert told(browser.sign_in(subscriber, 400)) == REFUSED


@pytest.mark.parametrize("password", ["", "x" * 2000, "\x00" * 12, GOOD_PASSWORD + " ", GOOD_PASSWORD.upper()])
def test_what_is_not_the_password_opens_nothing(browser, subscriber, password):
    assert browser.sign_in(subscriber, None, password=password).status_code == 400
    assert browser.cookie() is None


# -- nobody learns who exists --

def test_a_wrong_password_and_an_unknown_account_look_alike(browser, subscriber):
    wrong = browser.sign_in(subscriber, 400, password=WRONG)
    unknown = browser.sign_in(subscriber, 400, login=f"0{uuid.uuid4().int % 10 ** 11:011d}")
    assert wrong.json() == unknown.json()
    assert set(wrong.headers) == set(unknown.headers)


def test_an_unknown_account_takes_as_long_as_a_wrong_password(server, operator, agency):
    """Medians of many; the SAM stretches a password for nobody, too. Two milliseconds of stretching
    would show if it did not."""
    someone, browser, took = operator.subscriber(agency), Browser(server), {"wrong": [], "unknown": []}
    without = operator.subscriber(agency, password=None)
    took["without"] = []

    def ask(login, kind):
        start = time.perf_counter()
        browser.post("/account/v1/sign-in", {"login": login, "password": WRONG}, None)
        took[kind].append(time.perf_counter() - start)

    for number in range(24):
        # four failures a login: none of them waits
        if number % 4 == 0:
            browser.sign_in(someone)
        ask(someone.person["identity_number"], "wrong")
        ask(f"1{uuid.uuid4().int % 10 ** 11:011d}", "unknown")
        if number < 4:
            ask(without.person["identity_number"], "without")
    wrong, unknown = (statistics.median(took[kind]) for kind in ("wrong", "unknown"))
    assert abs(wrong - unknown) < 0.5 * max(wrong, unknown), took


def waits(browser, login, times):
    found = []
    for _ in range(times):
        answer = browser.post("/account/v1/sign-in", {"login": login, "password": WRONG}, None)
        found.append((answer.status_code, answer.json().get("code"), answer.json().get("retryAfter")))
    return found


def test_an_unknown_account_waits_like_one_that_there_is(browser, subscriber):
    known = waits(browser, subscriber.person["identity_number"], 7)
    unknown = waits(browser, f"2{uuid.uuid4().int % 10 ** 11:011d}", 7)
    assert known[:5] == unknown[:5] == [(*REFUSED, None)] * 5
    for late in (*known[5:], *unknown[5:]):
        assert late[:2] == (429, "TOO_MANY") and 25 <= late[2] <= 30


# -- what is counted --

def forget(superuser, login):
    """As if the wait were over."""
    rows(superuser, "UPDATE rssp.sign_in_failure SET attempted_at = attempted_at - interval '20 minutes'"
         " WHERE sha256 = sha256(%s)", f"rssp login {login}".encode())


def test_the_right_password_waits_too(browser, subscriber):
    waits(browser, subscriber.person["identity_number"], 5)
    answer = browser.sign_in(subscriber, 429)
    assert told(answer) == (429, "TOO_MANY") and int(answer.headers["Retry-After"]) <= 30


def test_the_wait_doubles_up_to_a_quarter_of_an_hour(browser, superuser):
    login = f"3{uuid.uuid4().int % 10 ** 11:011d}"
    waits(browser, login, 5)
    for least, most in ((25, 30), (55, 60), (115, 120), (235, 240), (475, 480), (895, 900), (895, 900)):
        late = waits(browser, login, 1)[0]
        assert late[1] == "TOO_MANY" and least <= late[2] <= most
        forget(superuser, login)
        assert waits(browser, login, 1)[0][1] == "SIGN_IN_REFUSED"


def test_a_right_password_forgets_the_failures(browser, subscriber):
    for _ in range(3):
        waits(browser, subscriber.person["identity_number"], 4)
        browser.sign_in(subscriber)


def test_many_wrong_passwords_at_once_are_not_more_than_five(server, subscriber):
    def attempt():
        return told(Browser(server).sign_in(subscriber, None, password=WRONG))
    answers = at_once([attempt] * 24)
    assert answers.count(REFUSED) <= 5 and answers.count((429, "TOO_MANY")) >= 19


def test_the_count_is_of_all_daemons(server, server2, subscriber):
    waits(Browser(server), subscriber.person["identity_number"], 5)
    answer = Browser(server2).post("/account/v1/sign-in", {
        "login": subscriber.person["identity_number"], "password": subscriber.password}, 429,
        headers={"Origin": server.url})  # the address that both have
    assert told(answer) == (429, "TOO_MANY")


@pytest.fixture
def impatient(instance):
    """A daemon of its own, whose SAMs a test may stop."""
    started = Server(instance, "impatient", sam__job_timeout_ms=1000).start()
    yield started
    assert started.stop() == 0


def test_without_a_sam_nobody_learns_who_has_an_account(impatient, subscriber):
    server, someone = impatient, subscriber
    answers = []
    for login in (someone.person["identity_number"], "099999999999"):
        pid, = server.sams("activate")
        os.kill(pid, signal.SIGSTOP)
        answers.append(Browser(server).sign_in(someone, 503, login=login))
        server.wait_until(lambda old=pid: old not in server.sams("activate") and server.ready(), 20,
                          "no new SAM")
    assert answers[0].json() == answers[1].json()


# -- passwords --

@pytest.mark.parametrize("password", [
    "", "ngắn quá", "x" * 129, "aaaaaaaaaaaa", "abababababab", "1234567890", "qwertyuiop", "dòng\nhai dòng"])
def test_a_weak_password_costs_neither_code_nor_credential(server, operator, agency, password, superuser):
    person = new_person(agency)
    operator.enrol(person)
    answer = activate(server, person, password)
    assert told_plain(answer) == (400, "weak_password")
    assert value(superuser, "SELECT tries FROM rssp.enrolment WHERE identity_number = %s",
                 person["identity_number"]) == 0
    Subscriber.activate(server, person, password=GOOD_PASSWORD)


@pytest.mark.parametrize("part", ["identity_number", "email"])
def test_a_password_is_not_the_login(server, operator, agency, part):
    person = new_person(agency)
    operator.enrol(person)
    assert told_plain(activate(server, person, person[part])) == (400, "weak_password")


def activate(server, person, password):
    return Api(server).post("/activation/v1/activate", {
        "code": code_for(server.instance, person["email"]), "PIN": GOOD_PIN,
        "identityNumber": person["identity_number"], "password": password})


def told_plain(answer):
    return answer.status_code, error(answer)[0]


def test_the_record_is_made_with_the_credential(subscriber, superuser, auditor_db):
    kept = one(superuser, "SELECT * FROM rssp.account WHERE subscriber = %s", subscriber.user)
    assert (kept["version"], kept["generation"]) == (1, 1)
    assert len(bytes(kept["salt"])) == len(bytes(kept["mac"])) == 32
    row = one(auditor_db, "SELECT detail FROM audit.event WHERE event = 'credential.activated'"
              " AND credential = %s", subscriber.credential)
    assert row["detail"]["password"] == "set"


def test_another_activation_replaces_the_password_and_ends_the_sessions(server, operator, subscriber, superuser):
    """Code and identity number prove more than an older password."""
    browser = Browser(server)
    browser.sign_in(subscriber)
    operator.enrol(subscriber.person)
    Subscriber.activate(server, subscriber.person, password=WRONG)
    assert browser.signed_in() == {"signedIn": False}
    assert told(browser.sign_in(subscriber, 400)) == REFUSED
    browser.sign_in(subscriber, password=WRONG)
    assert value(superuser, "SELECT version FROM rssp.account WHERE subscriber = %s", subscriber.user) == 2


def test_another_activation_without_a_password_leaves_it(server, operator, subscriber):
    operator.enrol(subscriber.person)
    Subscriber.activate(server, subscriber.person)
    Browser(server).sign_in(subscriber)

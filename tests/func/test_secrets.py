"""After everything that can be done with them, well and badly, no secret stands in the audit, in any
table, in a log, in an argument or in a notice."""

import base64
import re
import secrets

import pytest

from lib.api import Api, b64
from lib.books import rows
from lib.oauth import Browser
from lib.people import Client, Operator, Subscriber, code_for, new_person
from lib.server import Server

PIN, WRONG_PIN, WEAK_PIN, NEW_PIN = "Zq8#tV5mPd", "Wr0ng+pin-Xy", "########", "Bn3;cX7wKg"
PASSWORD, NEW_PASSWORD = "sông Hương 4 mùa", "núi Ngự 9 tầng mây"
WRONG_PASSWORD, WEAK_PASSWORD = "biển Đông 7 ngọn sóng", "bbbbbbbbbbbbb"


@pytest.fixture(scope="module")
def chatty(instance, server):
    """A daemon that writes all it has to say."""
    started = Server(instance, "chatty", log__level="debug").start()
    yield started
    assert started.stop() == 0


def account(instance, chatty, operator, agency):
    """The secrets of somebody who did everything with an account."""
    person = new_person(agency)
    operator.enrol(person)
    Api(chatty).post("/activation/v1/activate", {
        "code": code_for(instance, person["email"]), "identityNumber": person["identity_number"],
        "PIN": PIN, "password": WEAK_PASSWORD}, 400)
    someone, browser = Subscriber.activate(chatty, person, PIN, password=PASSWORD), Browser(chatty)
    browser.sign_in(someone, 400, password=WRONG_PASSWORD)
    browser.sign_in(someone, 400, login="nobody", password=WRONG_PASSWORD)
    browser.sign_in(someone)
    secrets_of = {"cookie": browser.cookie(), "CSRF token": browser.csrf}
    otps = [someone.next_otp() for _ in range(3)]
    mine = {"credentialID": someone.credential}
    for path, body, status in (
            ("change-pin", {"PIN": WRONG_PIN, "newPIN": NEW_PIN, "OTP": otps[0]}, 400),
            ("change-pin", {"PIN": PIN, "newPIN": WEAK_PIN, "OTP": otps[0]}, 400),
            ("change-pin", {"PIN": PIN, "newPIN": NEW_PIN, "OTP": otps[0]}, 200),
            ("change-password", {"password": WRONG_PASSWORD, "newPassword": NEW_PASSWORD, "OTP": otps[1]}, 400),
            ("change-password", {"password": PASSWORD, "newPassword": WEAK_PASSWORD, "OTP": otps[1]}, 400),
            ("change-password", {"password": PASSWORD, "newPassword": NEW_PASSWORD, "OTP": otps[1]}, 200),
            ("sign-out-everywhere", {"OTP": otps[2]}, 200)):
        browser.post(f"/account/v1/{path}", {**mine, **body}, status)
    return {"new PIN": NEW_PIN, "password": PASSWORD, "new password": NEW_PASSWORD,
            "wrong password": WRONG_PASSWORD, "weak password": WEAK_PASSWORD, **secrets_of,
            **{f"account OTP {number}": otp for number, otp in enumerate(otps, 1)}}


@pytest.fixture(scope="module")
def told(instance, chatty):
    """The secrets of one subscriber and one client who did everything; names → texts."""
    operator = Operator(chatty)
    agency = operator.add_agency()
    client = operator.add_client(agency)
    person = new_person(agency)
    operator.enrol(person)
    code = code_for(instance, person["email"])
    wrong_code = code[:-1] + ("2" if code[-1] != "2" else "3")
    for bad in ({"code": wrong_code, "PIN": PIN}, {"code": code, "PIN": WEAK_PIN}):
        Api(chatty).post("/activation/v1/activate", {
            "identityNumber": person["identity_number"], **bad}, expect=400)
    someone = Subscriber.activate(chatty, person, PIN)
    hashes = [secrets.token_bytes(32) for _ in range(3)]
    otps = [someone.next_otp() for _ in range(2)]
    wrong_otp = someone.wrong_otp()
    client.authorize(someone, hashes, pin=WRONG_PIN, otp=otps[0], expect=400)
    client.authorize(someone, hashes, otp=wrong_otp, expect=400)
    sad = client.authorize(someone, hashes, otp=otps[0], description="x", clientData="y")
    client.authorize(someone, hashes, otp=otps[0], expect=400)
    wrong_sad = sad[:-2] + ("A" if sad[-2] != "A" else "B") + sad[-1]
    client.sign(someone, wrong_sad, hashes[:1], expect=400)
    client.sign(someone, sad, hashes[:1])
    extended = client.call("credentials/extendTransaction", {
        "credentialID": someone.credential, "SAD": sad,
        "hash": [b64(one) for one in hashes[1:]]}).json()["SAD"]
    client.sign(someone, sad, hashes[1:2], expect=400)
    client.sign(someone, extended, hashes[1:], version=2)
    second = client.authorize(someone, hashes, otp=otps[1], version=2)
    wrong_secret, wrong_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    for form in ({"client_secret": wrong_secret}, {"client_secret": client.secret, "scope": "credential"}):
        Api(chatty).post("/oauth2/token", data={
            "grant_type": "client_credentials", "client_id": client.id, **form})
    Api(chatty, token=wrong_token).post("/csc/v1/credentials/list", {"userID": someone.user}, expect=401)
    operator.unlock(someone.credential)
    old_secret = client.secret
    rotated = operator.post("clients/rotate", {"clientID": client.id}).json()["clientSecret"]
    return {
        **account(instance, chatty, operator, agency), "PIN": PIN, "wrong PIN": WRONG_PIN, "weak PIN": WEAK_PIN,
        "code": code, "code without dashes": code.replace("-", ""), "wrong code": wrong_code,
        "OTP secret": someone.secret, "otpauth": someone.otpauth,
        "SAD": sad, "extended SAD": extended, "second SAD": second, "wrong SAD": wrong_sad,
        "client secret": old_secret, "rotated secret": rotated, "wrong secret": wrong_secret,
        "token": client.api.token, "wrong token": wrong_token,
        "newer token": Client(chatty, client.id, rotated).api.token,
        "OTP 1": otps[0], "OTP 2": otps[1], "wrong OTP": wrong_otp,
    }


NAMES = ["PIN", "wrong PIN", "weak PIN", "code", "code without dashes", "wrong code", "OTP secret",
         "otpauth", "SAD", "extended SAD", "second SAD", "wrong SAD", "client secret",
         "rotated secret", "wrong secret", "token", "wrong token", "newer token",
         "OTP 1", "OTP 2", "wrong OTP", "new PIN", "password", "new password", "wrong password",
         "weak password", "cookie", "CSRF token", "account OTP 1", "account OTP 2", "account OTP 3"]


def raw_forms(name, text):
    """The bytes that a text stands for, where it stands for some."""
    if name == "OTP secret":
        return [base64.b32decode(text + "=" * (-len(text) % 8))]
    if "SAD" in name:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return [data, data[16:]]
    if "token" in name and "." in text:  # a JWT: what makes it one is its signature
        return [base64.urlsafe_b64decode(text.rsplit(".")[-1] + "==")]
    if "token" in name or "secret" in name or name == "cookie":
        return [base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))]
    return []


def forms(name, text):
    """As it is, and in hexadecimal and base64, which is how bytes appear."""
    found = [text]
    for data in [text.encode(), *raw_forms(name, text)]:
        plain, url = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()
        found += [data.hex(), plain.rstrip("="), url.rstrip("=")]
    return {form for form in found if len(form) >= 8}


def seen(name, text, where):
    """The forms of a secret that stand there; six digits count only where they stand alone."""
    if "OTP" in name and text.isdigit():
        return re.findall(rf"(?<![\w.:+-]){text}(?![\w:+-])", where)
    lower = where.lower()
    return [form for form in forms(name, text)
            if form in where or (re.fullmatch("[0-9a-f]+", form) and form in lower)]


@pytest.fixture(scope="module")
def kept(instance, chatty, told):
    """Every row of every table, by table, and every log and notice."""
    assert told
    connection = instance.connect("postgres")
    tables = rows(connection, "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
                  " WHERE schemaname IN ('rssp', 'audit')")
    places = {}
    for table in tables:
        places[table["name"]] = "\n".join(
            row["text"] for row in rows(connection, f"SELECT t::text AS text FROM {table['name']} t"))
    connection.close()
    places["log of rsspd"] = chatty.log()
    places["log of PostgreSQL"] = instance.path("pg", "server.log").read_text(errors="replace")
    places["notices"] = "\n".join(instance.mails("notices"))
    places["arguments"] = b"\n".join(
        b" ".join(chatty.command_line(pid)) for pid in [chatty.process.pid, *chatty.children()]).decode()
    return places


def test_there_is_something_to_look_at(kept, told):
    assert set(NAMES) == set(told)
    assert len(kept["log of rsspd"]) > 1000
    assert all(kept[f"rssp.{table}"] for table in ("credential", "slot", "sad", "enrolment", "client"))
    assert any(text for place, text in kept.items() if place.startswith("audit.event_"))


def test_the_search_finds_what_is_there(told):
    for name, text in told.items():
        assert seen(name, text, f"x {text} y"), name
        for data in raw_forms(name, text):
            assert seen(name, text, f"(\\x{data.hex()})"), name


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_kept(kept, told, name):
    found = [(place, form) for place, text in kept.items() for form in seen(name, told[name], text)]
    assert not found

"""Generations of the service keys: a new one is for new seals at once, a subscriber's
slot moves to it at the next right PIN, and what the older one sealed still opens."""

import secrets
import subprocess

import pytest

from lib.books import one, rows, value
from lib.oauth import Browser
from lib.people import Operator

SLOTS = ("SELECT generation, salt, key_seal FROM rssp.slot WHERE credential = %s"
         " ORDER BY generation")
GENERATION = "SELECT generation FROM rssp.account WHERE subscriber = %s"


def keys(server, command):
    """rssp-keys, as whoever holds the token's PIN runs it; what it prints."""
    return subprocess.run(
        [server.program("rssp-keys"), command, "--config", str(server.config_file)],
        env=server.instance.environment(), stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.fixture
def before(private):
    """A daemon with a subscriber and a SAD of the first generation."""
    server = private()
    operator = Operator(server)
    agency = operator.add_agency()
    client = operator.add_client(agency)
    return server, operator, agency, client, operator.subscriber(agency)


def next_generation(server):
    printed = keys(server, "next")
    assert server.stop() == 0
    server.start()
    return printed


def test_keys_next_makes_one_more_of_each(before):
    server = before[0]
    assert next_generation(server).count("generation 2") == 6  # three made, three good
    assert keys(server, "check").count("good") == 8  # with the CA's key and certificate


def test_a_slot_moves_at_the_next_right_pin_and_only_then(before):
    server, _, _, client, subscriber = before
    database = server.instance.connect("postgres")
    next_generation(server)
    client.authorize(subscriber, [secrets.token_bytes(32)], 400, pin="not it 57")
    assert [row["generation"] for row in rows(database, SLOTS, subscriber.credential)] == [1]
    client.authorize(subscriber, [secrets.token_bytes(32)])
    assert [row["generation"] for row in rows(database, SLOTS, subscriber.credential)] == [1, 2]
    detail = value(database, "SELECT detail FROM audit.event WHERE credential = %s"
                   " AND event = 'credential.authorised'", subscriber.credential)
    assert detail == {"signatures": 1, "slot_moved": True}
    database.close()


def test_a_moved_slot_signs_without_the_older_one(before):
    server, _, _, client, subscriber = before
    database = server.instance.connect("postgres")
    next_generation(server)
    client.authorize(subscriber, [secrets.token_bytes(32)])
    rows(database, "DELETE FROM rssp.slot WHERE credential = %s AND generation = 1",
         subscriber.credential)
    digest = secrets.token_bytes(32)
    client.sign(subscriber, client.authorize(subscriber, [digest]), [digest])
    assert len(rows(database, SLOTS, subscriber.credential)) == 1
    database.close()


def test_a_sad_of_the_older_generation_still_signs(before):
    server, _, _, client, subscriber = before
    digest = secrets.token_bytes(32)
    sad = client.authorize(subscriber, [digest])
    next_generation(server)
    client.sign(subscriber, sad, [digest])


def test_new_credentials_are_of_the_new_generation(before):
    server, operator, agency, client, _ = before
    next_generation(server)
    fresh = operator.subscriber(agency)
    digest = secrets.token_bytes(32)
    client.sign(fresh, client.authorize(fresh, [digest]), [digest])
    database = server.instance.connect("postgres")
    assert one(database, SLOTS, fresh.credential)["generation"] == 2
    assert value(database, "SELECT wrap_generation FROM rssp.credential WHERE id = %s",
                 fresh.credential) == 2
    database.close()


def test_a_password_moves_at_the_next_sign_in(before):
    server, _, _, _, subscriber = before
    database = server.instance.connect("postgres")
    next_generation(server)
    Browser(server).sign_in(subscriber, 400, password="không phải đâu")
    assert value(database, GENERATION, subscriber.user) == 1
    for _ in range(2):
        Browser(server).sign_in(subscriber)
        assert value(database, GENERATION, subscriber.user) == 2
    database.close()


def test_a_changed_pin_moves_and_is_the_one_that_counts(before):
    """By revision first: a slot of the older PIN in a newer generation is not used."""
    server, _, _, client, subscriber = before
    browser = Browser(server)
    browser.sign_in(subscriber)
    browser.post("/account/v1/change-pin", {
        "credentialID": subscriber.credential, "PIN": subscriber.pin, "newPIN": "hT4wq9Zsm",
        "OTP": subscriber.next_otp()})
    next_generation(server)
    client.token()
    client.authorize(subscriber, [secrets.token_bytes(32)], 400, pin=subscriber.pin)
    client.authorize(subscriber, [secrets.token_bytes(32)], pin="hT4wq9Zsm")
    database = server.instance.connect("postgres")
    slots = rows(database, "SELECT revision, generation FROM rssp.slot WHERE credential = %s"
                 " ORDER BY revision, generation", subscriber.credential)
    assert [(row["revision"], row["generation"]) for row in slots] == [(0, 1), (1, 1), (1, 2)]
    database.close()


def test_access_tokens_outlive_a_new_generation(before):
    """Daemons that know of it and daemons that do not yet have the same keys."""
    server, _, _, client, subscriber = before
    known = client.api.get("/oauth2/jwks", 200).json()
    next_generation(server)
    assert client.api.get("/oauth2/jwks", 200).json() == known
    client.call("credentials/info", {"credentialID": subscriber.credential})

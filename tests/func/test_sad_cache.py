"""A daemon remembers a SAD that it has signed with. Whatever changes in the database between two
requests, by another daemon, an operator or by hand, counts from that commit on."""

import json
import secrets

import pytest

from lib.api import b64, error
from lib.books import audited, rows, value
from lib.people import Operator


@pytest.fixture
def remembered(client, subscriber):
    """A SAD for three hashes of which one was signed, so that the daemon knows it."""
    hashes = [secrets.token_bytes(32) for _ in range(3)]
    sad = client.authorize(subscriber, hashes)
    client.sign(subscriber, sad, hashes[:1])
    return sad, hashes


def test_it_goes_on_signing(client, subscriber, remembered):
    sad, hashes = remembered
    for digest in hashes[1:]:
        assert len(client.sign(subscriber, sad, [digest]).json()["signatures"]) == 1


def test_a_hash_that_was_signed_is_spent(client, subscriber, remembered):
    sad, hashes = remembered
    answer = client.sign(subscriber, sad, hashes[:1], expect=400)
    assert error(answer)[0] == "invalid_request"


def test_a_hash_twice_in_the_list_is_signed_twice_and_no_more(client, subscriber):
    digest, other = secrets.token_bytes(32), secrets.token_bytes(32)
    sad = client.authorize(subscriber, [digest, other, digest])
    client.sign(subscriber, sad, [digest])
    client.sign(subscriber, sad, [digest])
    client.sign(subscriber, sad, [digest], expect=400)
    client.sign(subscriber, sad, [other])


def test_a_hash_spent_at_another_daemon_is_spent(server2, client, subscriber, remembered):
    sad, hashes = remembered
    client.on(server2).sign(subscriber, sad, hashes[1:2])
    client.sign(subscriber, sad, hashes[1:2], expect=400)
    client.sign(subscriber, sad, hashes[2:])


def test_an_extended_one_is_dead(server2, client, subscriber, remembered):
    sad, hashes = remembered
    client.on(server2).call("credentials/extendTransaction", {
        "credentialID": subscriber.credential, "SAD": sad,
        "hash": [b64(digest) for digest in hashes[1:]]})
    client.sign(subscriber, sad, hashes[1:], expect=400)


def test_a_disabled_subscriber_signs_no_more(operator, client, subscriber, remembered):
    sad, hashes = remembered
    operator.post("subscribers/disable", {"userID": subscriber.user})
    client.sign(subscriber, sad, hashes[1:], expect=400)


def test_a_new_sector_counts(operator, remembered_of_an_agency_of_its_own):
    agency, client, subscriber, sad, hashes = remembered_of_an_agency_of_its_own
    operator.add_agency(path=agency.path, sector="other")
    assert error(client.sign(subscriber, sad, hashes[1:], expect=400))[0] == "access_denied"


@pytest.fixture
def remembered_of_an_agency_of_its_own(operator):
    agency = operator.add_agency()
    client = operator.add_client(agency)
    subscriber = operator.subscriber(agency)
    hashes = [secrets.token_bytes(32) for _ in range(3)]
    sad = client.authorize(subscriber, hashes)
    client.sign(subscriber, sad, hashes[:1])
    return agency, client, subscriber, sad, hashes


def test_a_disabled_client_signs_no_more(operator, remembered_of_an_agency_of_its_own):
    _, client, subscriber, sad, hashes = remembered_of_an_agency_of_its_own
    operator.post("clients/disable", {"clientID": client.id})
    client.sign(subscriber, sad, hashes[1:], expect=401)


@pytest.mark.parametrize("table, change", [
    ("subscriber", "position = 'Hiệu trưởng'"), ("subscriber", "state = 'disabled'"),
    ("subscriber", "budget_code = 'MAU-1'"), ("credential", "state = 'disabled'")])
def test_a_change_by_hand_counts(superuser, client, subscriber, remembered, table, change):
    sad, hashes = remembered
    key = subscriber.user if table == "subscriber" else subscriber.credential
    rows(superuser, f"UPDATE rssp.{table} SET {change} WHERE id = %s", key)
    client.sign(subscriber, sad, hashes[1:], expect=400)


def test_one_that_is_ended_by_hand_signs_no_more(superuser, client, subscriber, remembered):
    sad, hashes = remembered
    rows(superuser, "UPDATE rssp.sad SET state = 'expired', seal = NULL WHERE credential = %s",
         subscriber.credential)
    client.sign(subscriber, sad, hashes[1:], expect=400)


@pytest.fixture
def known_token(operator, remembered_of_an_agency_of_its_own):
    """One that ends all tokens of the client at once, and tells what is left to sign."""
    _, client, subscriber, sad, hashes = remembered_of_an_agency_of_its_own
    return client, subscriber, sad, hashes


def test_a_token_that_ended_signs_no_more(operator, known_token):
    client, subscriber, sad, hashes = known_token
    operator.post("clients/rotate", {"clientID": client.id})
    client.sign(subscriber, sad, hashes[1:], expect=401)


def test_a_token_that_ended_is_told_so_whatever_is_asked(operator, known_token):
    client, subscriber, sad, _ = known_token
    operator.post("clients/rotate", {"clientID": client.id})
    client.sign(subscriber, sad, [secrets.token_bytes(32)], expect=401)
    client.sign(subscriber, sad, [secrets.token_bytes(31)], expect=401)
    client.sign(subscriber, "AAAA", [secrets.token_bytes(32)], expect=401)


def test_a_new_policy_counts(private):
    """On a server of its own: the policy is everybody's."""
    server = private()
    operator = Operator(server)
    agency = operator.add_agency()
    client, subscriber = operator.add_client(agency), operator.subscriber(agency)
    hashes = [secrets.token_bytes(32) for _ in range(2)]
    sad = client.authorize(subscriber, hashes)
    client.sign(subscriber, sad, hashes[:1])
    database = server.instance.connect("postgres")
    policy = value(database, "SELECT document FROM rssp.policy WHERE version = 1")
    policy["permitted"]["education"].remove("Giáo viên")
    rows(database, "INSERT INTO rssp.policy (version, document) VALUES (2, %s)", json.dumps(policy))
    database.close()
    client.sign(subscriber, sad, hashes[1:], expect=400)


def test_refusals_of_a_remembered_one_are_audited_with_their_subscriber(
        auditor_db, client, subscriber, remembered):
    sad, _ = remembered
    answer = client.sign(subscriber, sad, [secrets.token_bytes(32)], expect=400)
    row = audited(auditor_db, answer, result="refused")
    assert (row["subscriber"], row["credential"]) == (subscriber.user, subscriber.credential)

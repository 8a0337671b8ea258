"""A SAD is one text, good for its hashes until its end: what resembles it opens nothing and spends
nothing, and the true one still works."""

import base64
import secrets
from types import SimpleNamespace

import pytest

from lib.api import error
from lib.books import audited, value
from lib.server import Server

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def batch(size=2):
    return [secrets.token_bytes(32) for _ in range(size)]


@pytest.fixture
def granted(client, subscriber):
    hashes = batch()
    return SimpleNamespace(sad=client.authorize(subscriber, hashes), hashes=hashes)


@pytest.fixture
def refuses(client, subscriber, granted, superuser, auditor_db):
    """Each of these texts is refused as no SAD, and audited; after that the true one signs all."""
    def check(texts):
        for text in texts:
            assert text != granted.sad
            answer = client.sign(subscriber, text, granted.hashes, expect=400)
            assert error(answer) == ("invalid_request", "Invalid parameter SAD"), text
            audited(auditor_db, answer, result="refused", code="SAD_INVALID")
        assert value(superuser, "SELECT unspent FROM rssp.sad WHERE credential = %s",
                     subscriber.credential) == len(granted.hashes)
        answer = client.sign(subscriber, granted.sad, granted.hashes)
        assert len(answer.json()["signatures"]) == len(granted.hashes)
    return check


def test_a_sad_is_48_bytes_in_canonical_base64url(granted):
    assert len(granted.sad) == 64 and not set(granted.sad) - set(ALPHABET)


def test_one_character_changed_at_each_position(refuses, granted):
    def changed(at):
        other = ALPHABET[(ALPHABET.index(granted.sad[at]) + 1) % 64]
        return granted.sad[:at] + other + granted.sad[at + 1:]
    refuses([changed(at) for at in range(len(granted.sad))])


def test_one_bit_changed_at_each_byte(refuses, granted):
    raw = base64.urlsafe_b64decode(granted.sad)

    def changed(at):
        flipped = raw[:at] + bytes([raw[at] ^ (1 << at % 8)]) + raw[at + 1:]
        return base64.urlsafe_b64encode(flipped).decode()
    refuses([changed(at) for at in range(len(raw))])


def test_other_ways_to_write_the_same_bytes(refuses, granted):
    sad = granted.sad
    refuses([sad + "=", sad + "==", sad + "\n", " " + sad, sad + " ", sad + "A", sad[:-1],
             sad[1:], sad.swapcase(), sad[:32] + "\n" + sad[32:], sad * 2])


def test_the_standard_alphabet_is_not_taken(client, subscriber):
    """Until a SAD has one of the characters that differ: nearly every one has."""
    hashes = batch()
    sad = client.authorize(subscriber, hashes)
    other = sad.replace("-", "+").replace("_", "/")
    if other != sad:
        assert error(client.sign(subscriber, other, hashes, expect=400))[1] == "Invalid parameter SAD"
    client.sign(subscriber, sad, hashes)


def test_the_halves_of_two_sads_make_none(client, subscriber, granted):
    other = base64.urlsafe_b64decode(client.authorize(subscriber, batch()))
    mine = base64.urlsafe_b64decode(granted.sad)
    spliced = [mine[:16] + other[16:], other[:16] + mine[16:]]
    for text in (base64.urlsafe_b64encode(raw).decode() for raw in spliced):
        assert error(client.sign(subscriber, text, granted.hashes, expect=400))[1] == (
            "Invalid parameter SAD")
    client.sign(subscriber, granted.sad, granted.hashes)


def test_a_sad_serves_once(client, subscriber, granted, auditor_db):
    client.sign(subscriber, granted.sad, granted.hashes)
    answer = client.sign(subscriber, granted.sad, granted.hashes, expect=400)
    assert error(answer)[0] == "invalid_request"
    audited(auditor_db, answer, result="refused")


def test_a_hash_of_another_sad_of_the_same_signer_is_not_its_own(client, subscriber, granted):
    other = batch()
    theirs = client.authorize(subscriber, other)
    answer = client.sign(subscriber, granted.sad, other, expect=400)
    assert error(answer)[1] == "Hash is not authorized by the SAD."
    client.sign(subscriber, theirs, other)
    client.sign(subscriber, granted.sad, granted.hashes)


def test_one_foreign_hash_among_its_own_spends_none(client, subscriber, granted, superuser):
    client.sign(subscriber, granted.sad, [granted.hashes[0], *batch(1)], expect=400)
    assert value(superuser, "SELECT unspent FROM rssp.sad WHERE credential = %s",
                 subscriber.credential) == 2


# -- its end --

@pytest.fixture(scope="module")
def brief(instance, server):
    """A daemon whose SADs are good for one second."""
    started = Server(instance, "brief", sad__lifetime_s=1).start()
    yield started
    assert started.stop() == 0


@pytest.fixture
def late(brief, client, subscriber):
    """A SAD after its end, and the client where it was issued. Until then a hash that is not its own
    is refused as such, so that asking spends nothing."""
    speaker, hashes = client.on(brief), batch()
    sad = speaker.authorize(subscriber, hashes)
    foreign = batch(1)
    brief.wait_until(
        lambda: error(speaker.sign(subscriber, sad, foreign, expect=400))[1] == "SAD expired",
        10, "the SAD does not end")
    return SimpleNamespace(client=speaker, sad=sad, hashes=hashes)


def test_after_its_end_a_sad_signs_nothing(late, subscriber, auditor_db):
    answer = late.client.sign(subscriber, late.sad, late.hashes, expect=400)
    assert error(answer) == ("invalid_request", "SAD expired")
    audited(auditor_db, answer, result="refused", code="SAD_EXPIRED")


def test_after_its_end_a_sad_signs_nothing_at_another_daemon(late, client, subscriber):
    """Whose own SADs live longer."""
    answer = client.sign(subscriber, late.sad, late.hashes, expect=400)
    assert error(answer) == ("invalid_request", "SAD expired")


def test_the_database_cannot_move_the_end(late, client, subscriber, superuser):
    """The end is sealed: the SAM reads it there."""
    superuser.cursor().execute("UPDATE rssp.sad SET end_at = start_at + interval '1 hour'"
                               " WHERE credential = %s AND seal IS NOT NULL", (subscriber.credential,))
    answer = client.sign(subscriber, late.sad, late.hashes, expect=None)
    assert answer.status_code >= 400 and "signatures" not in answer.json()


def test_expires_in_is_a_number_not_above_the_lifetime(client, subscriber):
    answer = client.call("credentials/authorize", {
        "credentialID": subscriber.credential, "numSignatures": 1, "PIN": subscriber.pin,
        "OTP": subscriber.next_otp(),
        "hash": [base64.b64encode(secrets.token_bytes(32)).decode()]}).json()
    assert isinstance(answer["expiresIn"], int) and 590 <= answer["expiresIn"] <= 600

"""Many clients race for one SAD over both daemons: exactly as many signatures as were authorised."""

import secrets

import pytest

from lib.api import b64
from lib.books import rows, value
from lib.crowd import at_once, voices

CROWD = 64


@pytest.fixture
def crowd(client, server, server2):
    return voices(client, [server, server2], CROWD)


def any_status(speaker, subscriber, sad, hashes):
    """The answer of signHash, whatever it is."""
    return speaker.sign(subscriber, sad, hashes, expect=None)


def created(connection, subscriber):
    return rows(connection, "SELECT signatures FROM audit.event WHERE credential = %s"
                " AND event = 'signature.created'", subscriber.credential)


def test_of_64_that_race_for_one_hash_exactly_one_wins(crowd, subscriber, auditor_db):
    hashes = [secrets.token_bytes(32)]
    sad = crowd[0].authorize(subscriber, hashes)
    answers = at_once([lambda s=speaker: any_status(s, subscriber, sad, hashes) for speaker in crowd])
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 1, statuses
    assert not [status for status in statuses if status >= 500 and status != 503], statuses
    assert len(created(auditor_db, subscriber)) == 1


def test_64_that_race_for_ten_hashes_get_exactly_ten_signatures(crowd, subscriber, auditor_db):
    hashes = [secrets.token_bytes(32) for _ in range(10)]
    sad = crowd[0].authorize(subscriber, hashes)
    answers = at_once([
        lambda s=speaker, h=hashes[i % 10]: any_status(s, subscriber, sad, [h])
        for i, speaker in enumerate(crowd)])
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 10, [answer.status_code for answer in answers]
    assert len({answer.json()["signatures"][0] for answer in won}) == 10
    assert sum(len(row["signatures"]) for row in created(auditor_db, subscriber)) == 10


def test_one_hash_authorised_ten_times_is_signed_ten_times(crowd, subscriber, auditor_db):
    """All want the same place of the list: whoever is told to come again does."""
    one = secrets.token_bytes(32)
    sad = crowd[0].authorize(subscriber, [one] * 10)

    def judged(speaker):
        while True:
            answer = any_status(speaker, subscriber, sad, [one])
            if answer.status_code != 503:
                return answer
    answers = at_once([lambda s=speaker: judged(s) for speaker in crowd])
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 10, [answer.status_code for answer in answers]
    assert sum(len(row["signatures"]) for row in created(auditor_db, subscriber)) == 10


def test_64_that_share_one_sad_all_get_theirs(crowd, subscriber):
    """A system that signs its documents side by side meets no refusal."""
    hashes = [secrets.token_bytes(32) for _ in crowd]
    sad = crowd[0].authorize(subscriber, hashes)
    answers = at_once([lambda s=speaker, h=one: any_status(s, subscriber, sad, [h])
                       for speaker, one in zip(crowd, hashes)])
    assert [answer.status_code for answer in answers] == [200] * CROWD


def test_overlapping_batches_never_sign_a_hash_twice(crowd, subscriber, auditor_db):
    """Each asks for six of ten; two such batches cannot both win."""
    hashes = [secrets.token_bytes(32) for _ in range(10)]
    sad = crowd[0].authorize(subscriber, hashes)
    answers = at_once([
        lambda s=speaker, h=hashes[i % 5:i % 5 + 6]: any_status(s, subscriber, sad, h)
        for i, speaker in enumerate(crowd)])
    assert [answer.status_code for answer in answers].count(200) == 1
    assert sum(len(row["signatures"]) for row in created(auditor_db, subscriber)) == 6


def test_after_the_race_the_seal_is_gone(crowd, subscriber, superuser):
    hashes = [secrets.token_bytes(32)]
    sad = crowd[0].authorize(subscriber, hashes)
    at_once([lambda s=speaker: any_status(s, subscriber, sad, hashes) for speaker in crowd])
    assert value(superuser, "SELECT seal IS NULL AND unspent = 0 AND state = 'spent' FROM rssp.sad"
                 " WHERE credential = %s", subscriber.credential)


def test_of_64_that_extend_one_sad_exactly_one_wins(crowd, subscriber):
    hashes = [secrets.token_bytes(32)]
    sad = crowd[0].authorize(subscriber, hashes)
    body = {"credentialID": subscriber.credential, "SAD": sad}
    answers = at_once([lambda s=speaker: s.call("credentials/extendTransaction", {
        **body, "hash": [b64(hashes[0])]}, expect=None) for speaker in crowd])
    assert [answer.status_code for answer in answers].count(200) == 1

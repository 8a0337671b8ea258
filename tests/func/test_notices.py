"""Notices to subscribers: what is told, to whom, and that it is told once."""

import email
import email.policy
import stat
import uuid
from concurrent.futures import ThreadPoolExecutor

from lib.books import rows, value
from lib.people import GOOD_PIN, Subscriber, code_for, new_person

DIGEST = bytes(range(32))
UNSENT = "SELECT count(*) FROM rssp.notice WHERE subscriber = %s AND sent_at IS NULL"


def notices(server, address):
    """Parsed mails to that address, oldest first."""
    folder = server.instance.path("spool", "notices")
    files = sorted(folder.glob("notice-*.eml"))
    mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
             for file in files]
    return [mail for mail in mails if address in mail["To"]]


def subjects(server, address, count):
    """The English halves of the subjects, once there are that many."""
    server.wait_until(lambda: len(notices(server, address)) >= count, 10, "no notice")
    return [mail["Subject"].split(" / ")[1] for mail in notices(server, address)]


def test_each_event_is_told_to_the_official_address(server, operator, client, subscriber):
    to = subscriber.person["email"]
    for _ in range(5):
        client.authorize(subscriber, [DIGEST], 400, pin="sai mã pin 9", otp=subscriber.otp())
    operator.unlock(subscriber.credential)
    assert subjects(server, to, 3) == [
        "Signing key activated", "Signing key locked", "Signing key unlocked"]
    assert client.authorize(subscriber, [DIGEST])


def test_a_notice_is_a_mail_in_both_languages(server, subscriber):
    assert subjects(server, subscriber.person["email"], 1)
    mail, = notices(server, subscriber.person["email"])
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"] and mail["Date"]
    assert mail["From"] and mail.get_content_type() == "text/plain"
    text = mail.get_content()
    assert f"Kính gửi {subscriber.person['name']}" in text
    assert f"Dear {subscriber.person['name']}" in text
    assert text.count(subscriber.credential) == 2


def test_a_notice_tells_no_secret(server, operator, agency):
    person = new_person(agency)
    operator.enrol(person)
    code = code_for(server.instance, person["email"])
    subscriber = Subscriber.activate(server, person)
    assert subjects(server, person["email"], 1)
    text = notices(server, person["email"])[0].as_string()
    for word in (code, GOOD_PIN, subscriber.secret, person["identity_number"], "otpauth"):
        assert word not in text


def test_spool_files_are_private(server, subscriber):
    assert subjects(server, subscriber.person["email"], 1)
    for file in server.instance.path("spool", "notices").glob("notice-*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_daemons_send_each_notice_once(server, server2, operator, agency, superuser):
    people = [new_person(agency) for _ in range(8)]
    for person in people:
        operator.enrol(person)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda pair: Subscriber.activate((server, server2)[pair[0] % 2], pair[1]),
                             enumerate(people)))
    for someone in made:
        assert subjects(server, someone.person["email"], 1) == ["Signing key activated"]
        server.wait_until(lambda one=someone: value(superuser, UNSENT, one.user) == 0, 10, "not sent")


def insert(superuser, user, claimed):
    return value(superuser, "INSERT INTO rssp.notice (subscriber, kind, claimed_at)"
                 f" VALUES (%s, 'factor-changed', {claimed}) RETURNING id", user)


def test_what_a_dead_daemon_had_claimed_is_sent_by_another(
        server, operator, client, subscriber, superuser):
    assert subjects(server, subscriber.person["email"], 1)
    insert(superuser, subscriber.user, "now() - interval '2 minutes'")
    operator.unlock(subscriber.credential)
    told = subjects(server, subscriber.person["email"], 3)
    assert sorted(told) == [
        "Signing factor changed", "Signing key activated", "Signing key unlocked"]


def test_what_another_daemon_has_just_claimed_is_left_to_it(
        server, operator, client, subscriber, superuser):
    number = insert(superuser, subscriber.user, "now()")
    operator.unlock(subscriber.credential)
    assert len(subjects(server, subscriber.person["email"], 2)) == 2
    assert value(superuser, "SELECT sent_at IS NULL FROM rssp.notice WHERE id = %s", number)
    rows(superuser, "UPDATE rssp.notice SET sent_at = now() WHERE id = %s", number)


def test_an_address_that_is_none_stops_nobody_elses_notice(
        server, operator, agency, subscriber, superuser):
    assert subjects(server, subscriber.person["email"], 1)
    rows(superuser, "UPDATE rssp.subscriber SET email = %s WHERE id = %s",
         f"a@mau.edu.vn\nBcc: {uuid.uuid4().hex}@mau.edu.vn", subscriber.user)
    operator.unlock(subscriber.credential)
    other = operator.subscriber(agency)
    assert subjects(server, other.person["email"], 1) == ["Signing key activated"]
    assert "notices: cannot be written" in server.log()
    rows(superuser, "UPDATE rssp.notice SET sent_at = now() WHERE subscriber = %s", subscriber.user)

"""The policy at each of its four stages, and what a refusal says to whom."""

import json
import uuid

import pytest

from lib.api import error
from lib.books import audited, rows, value
from lib.people import Operator, agency_path, new_person

DIGEST = bytes(range(32))
HEADMASTER = "Hiệu trưởng"


def position(operator, subscriber, title):
    return operator.post("subscribers/set-position",
                         {"userID": subscriber.user, "position": title}).json()


def key_status(client, subscriber, version=1):
    info = client.call("credentials/info", {"credentialID": subscriber.credential}, version).json()
    return info["key"]["status"]


@pytest.mark.parametrize("sector, title", [
    ("education", "Giáo viên"), ("training", "Giảng viên"), ("health", "Điều dưỡng"),
    ("health", "Bác sĩ")])
def test_who_is_permitted_passes_all_four_stages(server, operator, sector, title):
    agency = operator.add_agency(sector=sector)
    client = operator.add_client(agency)
    subscriber = operator.subscriber(agency, position=title)
    sad = client.authorize(subscriber, [DIGEST])
    assert client.sign(subscriber, sad, [DIGEST]).json()["signatures"]


def test_a_headmaster_is_refused_at_authorisation(operator, client, subscriber, auditor_db):
    position(operator, subscriber, HEADMASTER)
    answer = client.authorize(subscriber, [DIGEST], 400)
    row = audited(auditor_db, answer, "credential.authorize", "refused")
    assert (row["rule"], row["policy_version"]) == ("authority", 1)
    assert key_status(client, subscriber) == "disabled"


def test_a_sad_from_before_does_not_sign_for_a_headmaster(operator, client, subscriber, auditor_db):
    sad = client.authorize(subscriber, [DIGEST])
    position(operator, subscriber, HEADMASTER)
    answer = client.sign(subscriber, sad, [DIGEST], 400)
    assert error(answer)[0] == "access_denied"
    row = audited(auditor_db, answer, result="refused")
    assert row["rule"] == "authority"
    position(operator, subscriber, "Giáo viên")
    assert client.sign(subscriber, sad, [DIGEST]).json()["signatures"]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("lang, words", [
    (None, ("người có thẩm quyền", "USB Token")), ("vi", ("người có thẩm quyền", "USB Token")),
    ("en", ("authority", "USB token"))])
def test_a_refusal_gives_reason_and_alternative_in_the_callers_language(
        operator, client, subscriber, lang, words, version):
    position(operator, subscriber, HEADMASTER)
    more = {} if lang is None else {"lang": lang}
    answer = client.authorize(subscriber, [DIGEST], 400, version, **more)
    assert error(answer)[0] == "access_denied"
    for word in words:
        assert word.lower() in error(answer)[1].lower()


def test_who_waits_does_not_sign_either(operator, client, subscriber):
    sad = client.authorize(subscriber, [DIGEST])
    assert position(operator, subscriber, "Chức danh không ai biết")["effect"] == "wait"
    assert error(client.sign(subscriber, sad, [DIGEST], 400))[0] == "access_denied"
    assert error(client.authorize(subscriber, [DIGEST], 400))[0] == "access_denied"
    assert key_status(client, subscriber) == "disabled"


def test_a_refusal_by_policy_spends_no_otp_and_counts_no_failure(
        operator, client, subscriber, superuser):
    position(operator, subscriber, HEADMASTER)
    otp = subscriber.next_otp()
    client.authorize(subscriber, [DIGEST], 400, otp=otp)
    assert value(superuser, "SELECT failures FROM rssp.credential_guard WHERE credential = %s",
                 subscriber.credential) == 0
    position(operator, subscriber, "Giáo viên")
    assert client.authorize(subscriber, [DIGEST], otp=otp)


def test_a_client_for_finance_is_refused_whoever_the_subscriber_is(
        operator, agency, client, subscriber, superuser, auditor_db):
    finance = operator.add_client(agency, profile="finance")
    answer = finance.authorize(subscriber, [DIGEST], 400)
    assert error(answer)[0] == "access_denied"
    assert audited(auditor_db, answer, result="refused")["rule"] == "finance-client"
    assert key_status(finance, subscriber) == "disabled"
    assert key_status(client, subscriber) == "enabled"
    sad = client.authorize(subscriber, [DIGEST])
    rows(superuser, "UPDATE rssp.client SET profile = 'finance', version = version + 1"
         " WHERE id = %s", client.id)
    answer = client.sign(subscriber, sad, [DIGEST], 400)
    assert error(answer)[0] == "access_denied"
    assert audited(auditor_db, answer, result="refused")["rule"] == "finance-client"


def test_the_sector_of_an_agency_above_counts(operator):
    top = ["UBND tỉnh Mẫu", f"Sở Mẫu {uuid.uuid4().hex}"]
    operator.add_agency(top, "education")
    school = operator.post("agencies", {"path": [*top, "Trường Mẫu"], "province": "Mẫu"})
    agency = operator.add_agency([*top, "Trường Mẫu"], None)
    assert agency.id == school.json()["agencyID"]
    client = operator.add_client(agency)
    subscriber = operator.subscriber(agency)
    sad = client.authorize(subscriber, [DIGEST])
    operator.add_agency(top, "other")
    assert error(client.sign(subscriber, sad, [DIGEST], 400))[0] == "access_denied"


def test_a_new_version_of_the_policy_is_in_force_with_its_commit(private):
    """Nothing is asked to read it anew; the old decision does not outlive it."""
    server = private()
    operator = Operator(server)
    agency = operator.add_agency()
    client = operator.add_client(agency)
    subscriber = operator.subscriber(agency)
    sad = client.authorize(subscriber, [DIGEST])
    admin, auditor = (server.instance.connect(role) for role in ("postgres", "rssp_auditor"))
    policy = value(admin, "SELECT document FROM rssp.policy WHERE version = 1")
    policy["permitted"]["education"].remove("Giáo viên")
    rows(admin, "INSERT INTO rssp.policy (version, document) VALUES (2, %s)", json.dumps(policy))
    answer = client.sign(subscriber, sad, [DIGEST], 400)
    row = audited(auditor, answer, result="refused")
    assert (row["rule"], row["policy_version"]) == ("position-unknown", 2)
    assert operator.check(new_person(agency)).json()["policyVersion"] == 2
    admin.close()
    auditor.close()


def test_two_daemons_decide_alike(server, server2, operator, agency, client, subscriber):
    sad = client.authorize(subscriber, [DIGEST])
    position(operator.on(server2), subscriber, HEADMASTER)
    assert error(client.sign(subscriber, sad, [DIGEST], 400))[0] == "access_denied"
    assert error(client.on(server2).sign(subscriber, sad, [DIGEST], 400))[0] == "access_denied"


def test_one_who_moves_to_another_sector_is_refused(server, operator, client, subscriber):
    """The facts of a new enrolment count, for the credentials that are there as well."""
    land = operator.add_agency(agency_path(), "other")
    line = {**subscriber.person, "agency_3": land.path[2]}
    assert operator.enrol(line).json()["rule"] == "sector"
    assert error(client.authorize(subscriber, [DIGEST], 400))[0] in ("access_denied", "invalid_request")

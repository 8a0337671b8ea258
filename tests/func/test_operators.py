"""What operators do: agencies, clients, subscribers."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from lib import statement
from lib.api import Api, b64, error
from lib.books import audited, value
from lib.people import Operator, agency_path, new_person

NOBODY = str(uuid.uuid4())
DIGEST = bytes(range(32))

ROUTES = [("POST", "agencies"), ("GET", "agencies"), ("POST", "clients"), ("GET", "clients"),
          ("POST", "clients/change"), ("POST", "clients/rotate"), ("POST", "clients/disable"), ("GET", "subscribers"),
          ("POST", "subscribers/set-position"),
          ("POST", "subscribers/unlock"), ("POST", "subscribers/disable"),
          ("POST", "enrolments/check"), ("POST", "enrolments"), ("GET", "audit")]


@pytest.mark.parametrize("method, path", ROUTES)
def test_without_a_certificate_no_operator_route_answers(server, auditor_db, method, path):
    answer = Api(server).request(method, "/operator/v1/" + path, 401, json={})
    assert audited(auditor_db, answer)["result"] == "refused"


@pytest.mark.parametrize("method, path", ROUTES)
def test_a_clients_token_opens_no_operator_route(server, client, method, path):
    Api(server).request(method, "/operator/v1/" + path, 401, token=client.api.token, json={})


# -- agencies --

def listed(operator, agency_id):
    found = [one for one in operator.get("agencies").json()["agencies"]
             if one["agencyID"] == agency_id]
    assert len(found) == 1
    return found[0]


def test_an_agency_is_found_by_its_path_and_made_once(operator, auditor_db):
    path = agency_path()
    body = {"path": path, "sector": "health", "province": "Mẫu"}
    first = operator.post("agencies", body)
    again = operator.post("agencies", body)
    assert first.json() == again.json()
    row = audited(auditor_db, first, "agency.added", "ok")
    assert (row["agency"], row["operator"]) == (first.json()["agencyID"], "operator")
    agency = listed(operator, first.json()["agencyID"])
    assert agency["path"] == path
    assert (agency["sector"], agency["sectorInherited"]) == ("health", False)
    assert agency["province"] == "Mẫu"


def test_many_at_once_make_one_agency(server):
    path = ["UBND tỉnh Mẫu", f"Sở Mẫu {uuid.uuid4().hex}", "Phòng Mẫu", "Trường Mẫu"]

    def add(_):
        body = {"path": path, "sector": "education", "province": "Mẫu"}
        return Operator(server).post("agencies", body).json()["agencyID"]

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(add, range(8)))) == 1


def test_a_sector_is_inherited_from_the_nearest_agency_above(operator):
    top = ["UBND tỉnh Mẫu", f"Sở Mẫu {uuid.uuid4().hex}"]
    upper = operator.add_agency(top, "health")
    body = {"path": [*top, "Bệnh viện Mẫu"], "province": "Mẫu"}
    lower = operator.post("agencies", body).json()["agencyID"]
    assert listed(operator, lower)["sectorInherited"] is True
    assert listed(operator, lower)["sector"] == "health"
    operator.add_agency(top, "training")
    assert listed(operator, lower)["sector"] == "training"
    operator.add_agency(body["path"], "education")
    assert listed(operator, lower)["sector"] == "education"
    assert listed(operator, upper.id)["sector"] == "training"


def test_an_agency_without_a_sector_keeps_the_one_it_has(operator):
    agency = operator.add_agency(sector="education")
    operator.post("agencies", {"path": agency.path, "province": "Mẫu"})
    assert listed(operator, agency.id)["sector"] == "education"


def test_another_sector_stops_everybody_below(operator, agency, client, subscriber, superuser):
    version = "SELECT version FROM rssp.subscriber WHERE id = %s"
    before = value(superuser, version, subscriber.user)
    operator.add_agency(agency.path, "education")
    assert value(superuser, version, subscriber.user) == before
    operator.add_agency(agency.path, "other")
    assert value(superuser, version, subscriber.user) == before + 1
    refused = client.authorize(subscriber, [DIGEST], 400)
    assert error(refused)[0] == "access_denied"
    operator.add_agency(agency.path, "education")
    assert client.authorize(subscriber, [DIGEST])


@pytest.mark.parametrize("body", [
    {}, {"path": []}, {"path": ["a", "b", "c", "d", "e"], "province": "Mẫu"},
    {"path": ["a", ""], "province": "Mẫu"}, {"path": "a", "province": "Mẫu"},
    {"path": ["a", 1], "province": "Mẫu"}, {"path": ["a" * 256], "province": "Mẫu"},
    {"path": ["a\nb"], "province": "Mẫu"},
    {"path": ["a"], "sector": "finance", "province": "Mẫu"}])
def test_a_malformed_agency_is_refused(operator, auditor_db, body):
    answer = operator.post("agencies", body, 400)
    assert audited(auditor_db, answer)["result"] == "refused"


# -- clients --

def test_a_client_gets_a_secret_that_is_shown_once(operator, agency, superuser, auditor_db, server):
    made = operator.post("clients", {"name": "Phần mềm Mẫu", "agencyID": agency.id,
                                     "mode": "explicit", "profile": "general"})
    secret = made.json()["clientSecret"]
    assert len(secret) == 43
    row = audited(auditor_db, made, "client.added", "ok")
    assert row["client"] == made.json()["clientID"]
    assert secret not in str(row) and secret not in server.log()
    stored = value(superuser, "SELECT c::text FROM rssp.client c WHERE id = %s", row["client"])
    assert secret not in stored


def test_a_new_secret_ends_the_old_one_and_its_tokens(operator, client, auditor_db):
    old_token, old_secret = client.api.token, client.secret
    rotated = operator.post("clients/rotate", {"clientID": client.id})
    assert rotated.json()["clientID"] == client.id
    audited(auditor_db, rotated, "client.rotated", "ok")
    body = {"credentialID": NOBODY}
    assert error(client.api.post("/csc/v1/credentials/info", body, 401,
                                 token=old_token))[0] == "expired_token"
    form = {"grant_type": "client_credentials", "client_id": client.id}
    client.api.token = None
    client.api.post("/oauth2/token", data={**form, "client_secret": old_secret}, expect=400)
    client.secret = rotated.json()["clientSecret"]
    client.token()
    client.call("credentials/info", body, expect=400)


def test_a_disabled_client_is_out(operator, agency, client, subscriber, auditor_db):
    sad = client.authorize(subscriber, [DIGEST])
    disabled = operator.post("clients/disable", {"clientID": client.id})
    assert audited(auditor_db, disabled, "client.disabled", "ok")["client"] == client.id
    client.sign(subscriber, sad, [DIGEST], 401)
    form = {"grant_type": "client_credentials", "client_id": client.id,
            "client_secret": client.secret}
    client.api.token = None
    client.api.post("/oauth2/token", data=form, expect=400)
    operator.post("clients/rotate", {"clientID": client.id}, 404)


@pytest.mark.parametrize("path, code", [("clients/rotate", "CLIENT_INACTIVE"),
                                        ("clients/disable", "CLIENT_UNKNOWN")])
def test_an_unknown_client_is_not_found(operator, auditor_db, path, code):
    answer = operator.post(path, {"clientID": NOBODY}, 404)
    audited(auditor_db, answer, result="refused", code=code)
    operator.post(path, {"clientID": "nonsense"}, 400)
    operator.post(path, {}, 400)


def test_a_client_of_an_unknown_agency_is_refused(operator):
    body = {"name": "Phần mềm Mẫu", "agencyID": NOBODY, "mode": "explicit", "profile": "general"}
    operator.post("clients", body, 404)


@pytest.mark.parametrize("changed", [{"mode": "implicit"}, {"profile": "none"}, {"name": ""},
                                     {"name": "a\tb"}, {"agencyID": 7}])
def test_a_malformed_client_is_refused(operator, agency, changed):
    body = {"name": "Phần mềm Mẫu", "agencyID": agency.id, "mode": "explicit", "profile": "general"}
    operator.post("clients", {**body, **changed}, 400)


# -- subscribers --

def test_subscribers_are_found_by_agency_id_and_name(operator, agency, subscriber):
    by_id = operator.get("subscribers", userID=subscriber.user).json()["subscribers"]
    assert len(by_id) == 1
    person = by_id[0]
    assert person["userID"] == subscriber.user
    assert person["agency"] == agency.path
    assert (person["name"], person["state"]) == ("Nguyễn Thị Ví Dụ", "active")
    assert person["position"] == "Giáo viên"
    assert [(one["credentialID"], one["status"], one["key"]) for one in person["credentials"]] == [
        (subscriber.credential, "active", "p-256")]
    assert operator.get("subscribers", agency=agency.id).json()["subscribers"] == by_id
    assert operator.get(
        "subscribers", agency=agency.id, name="NGUYỄN thị ví").json()["subscribers"] == by_id
    assert operator.get("subscribers", agency=agency.id, name="%").json()["subscribers"] == []
    assert operator.get("subscribers", userID=NOBODY).json()["subscribers"] == []


def test_one_who_has_no_credential_yet_is_listed_too(operator, agency):
    operator.enrol(new_person(agency))
    people = operator.get("subscribers", agency=agency.id).json()["subscribers"]
    assert [person["credentials"] for person in people] == [[]]


def test_an_agency_means_those_below_as_well(operator):
    top = ["UBND tỉnh Mẫu", f"Sở Mẫu {uuid.uuid4().hex}"]
    upper = operator.add_agency(top)
    for school in ("Trường Mẫu 1", "Trường Mẫu 2"):
        operator.enrol(new_person(operator.add_agency([*top, school])))
    assert len(operator.get("subscribers", agency=upper.id).json()["subscribers"]) == 2
    assert len(operator.get("subscribers", agency=upper.id, limit=1).json()["subscribers"]) == 1


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"agency": "x"},
                                   {"userID": "x"}])
def test_a_malformed_question_for_subscribers_is_refused(operator, query):
    operator.get("subscribers", 400, **query)


def test_the_list_tells_no_identity_number(operator, agency, subscriber):
    answer = operator.get("subscribers", agency=agency.id)
    assert subscriber.person["identity_number"] not in answer.text


def test_a_new_position_is_reported_and_counts_at_once(operator, client, subscriber, auditor_db):
    body = {"userID": subscriber.user, "position": "Hiệu trưởng"}
    answer = operator.post("subscribers/set-position", body)
    assert answer.json()["effect"] == "deny"
    assert answer.json()["rule"] == "authority"
    assert "USB Token" in answer.json()["alternative"]["vi"]
    row = audited(auditor_db, answer, "subscriber.position-set", "ok")
    assert row["rule"] == "authority" and row["policy_version"] == 1
    assert row["detail"]["before"] == "Giáo viên"
    assert error(client.authorize(subscriber, [DIGEST], 400))[0] == "access_denied"
    back = operator.post("subscribers/set-position", {**body, "position": "Giáo viên"})
    assert back.json()["effect"] == "permit"
    assert client.authorize(subscriber, [DIGEST])


def test_an_empty_position_waits(operator, subscriber):
    body = {"userID": subscriber.user, "position": ""}
    assert operator.post("subscribers/set-position", body).json()["effect"] == "wait"


def test_an_unknown_subscriber_is_not_found(operator):
    operator.post("subscribers/set-position", {"userID": NOBODY, "position": "Giáo viên"}, 404)
    operator.post("subscribers/disable", {"userID": NOBODY}, 404)


@pytest.mark.parametrize("body", [{}, {"position": "Giáo viên"}, {"userID": NOBODY},
                                  {"userID": NOBODY, "position": 1},
                                  {"userID": NOBODY, "position": "a" * 300},
                                  {"userID": "x", "position": "Giáo viên"}])
def test_a_malformed_position_is_refused(operator, body):
    operator.post("subscribers/set-position", body, 400)


def test_a_disabled_subscriber_signs_nothing_more(operator, client, subscriber, auditor_db):
    sad = client.authorize(subscriber, [DIGEST])
    answer = operator.post("subscribers/disable", {"userID": subscriber.user})
    assert audited(auditor_db, answer, "subscriber.disabled", "ok")["subscriber"] == subscriber.user
    assert error(client.sign(subscriber, sad, [DIGEST], 400))[0] == "access_denied"
    assert error(client.authorize(subscriber, [DIGEST], 400))[0] == "access_denied"
    info = client.call("credentials/info", {"credentialID": subscriber.credential}).json()
    assert info["key"]["status"] == "disabled"


# -- unlock --

def lock(client, subscriber):
    """A right OTP is not used up by a wrong PIN."""
    for _ in range(5):
        client.authorize(subscriber, [DIGEST], 400, pin="sai mã pin 9", otp=subscriber.otp())
    refused = client.authorize(subscriber, [DIGEST], 400, otp=subscriber.otp())
    assert error(refused) == ("invalid_request", "PIN locked")


def status(operator, subscriber):
    person = operator.get("subscribers", userID=subscriber.user).json()["subscribers"][0]
    return person["credentials"][0]["status"]


def test_an_operators_statement_unlocks(operator, client, subscriber, auditor_db):
    lock(client, subscriber)
    assert status(operator, subscriber) == "locked"
    answer = operator.unlock(subscriber.credential)
    row = audited(auditor_db, answer, "credential.unlocked", "ok")
    assert (row["credential"], row["subscriber"]) == (subscriber.credential, subscriber.user)
    assert status(operator, subscriber) == "active"
    assert client.authorize(subscriber, [DIGEST])


def test_an_unlock_statement_serves_once(operator, client, subscriber):
    lock(client, subscriber)
    body = operator.signed(statement.unlock(subscriber.credential))
    operator.post("subscribers/unlock", body)
    lock(client, subscriber)
    operator.post("subscribers/unlock", body, 409)
    assert status(operator, subscriber) == "locked"
    operator.unlock(subscriber.credential)
    assert status(operator, subscriber) == "active"


def forged(operator, credential):
    """Statements that this operator did not sign as they are."""
    encoded = statement.unlock(credential)
    stranger = ec.generate_private_key(ec.SECP256R1()).sign(encoded, ec.ECDSA(hashes.SHA256()))
    good = operator.signed(encoded)
    other = operator.signed(statement.unlock(NOBODY))
    return {
        "another key": {**good, "signature": b64(stranger)},
        "another statement's signature": {**good, "signature": other["signature"]},
        "another kind": operator.signed(statement.enrol({})),
        "bytes after it": operator.signed(encoded + b"\0"),
        "cut": operator.signed(encoded[:-1]),
        "from the future": operator.signed(
            statement.unlock(credential, issued_at_ms=4102444800000)),
        "no signature": {**good, "signature": ""},
        "not base64": {**good, "statement": "*"},
    }


def test_only_the_calling_operators_own_statement_unlocks(operator, client, subscriber, auditor_db):
    lock(client, subscriber)
    for name, body in forged(operator, subscriber.credential).items():
        answer = operator.post("subscribers/unlock", body, 400)
        assert audited(auditor_db, answer)["result"] == "refused", name
        assert status(operator, subscriber) == "locked", name


def test_an_unknown_credential_cannot_be_unlocked(operator):
    operator.unlock(NOBODY, 404)

"""Access tokens: what they say, who takes them, what ends them and how soon; refresh tokens."""

import datetime
import json
import os
import secrets
import signal
import threading
import time
import uuid

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lib import exposition, jwt, oauth
from lib.api import Api, error
from lib.books import audited, rows, value
from lib.instance import free_ports
from lib.server import Server
from lib.soon import soon

TODAY = int(time.time() // 86400)
LIST, INFO = "/csc/v1/credentials/list", "/csc/v1/credentials/info"


@pytest.fixture(scope="module")
def school(operator):
    return operator.add_agency()


@pytest.fixture(scope="module")
def teacher(operator, school):
    return operator.subscriber(school)


@pytest.fixture(scope="module")
def app(operator, school):
    return oauth.add_app(operator, school)


@pytest.fixture
def grant(app, teacher):
    return app.grant(teacher)


def keys(server):
    return {key["kid"]: key for key in Api(server).get("/oauth2/jwks", 200).json()["keys"]}


def status(server, token, someone):
    """What the token is worth there: 200, or 401."""
    return Api(server, token).post(INFO, {"credentialID": someone.credential}).status_code


# -- what they say --

def test_a_token_is_one_of_rfc_9068_that_the_published_key_of_its_day_made(server, client):
    token = client.api.token
    head = jwt.header(token)
    assert head["alg"] == "ES256" and head["typ"] == "at+jwt"
    assert abs(int(head["kid"]) - TODAY) <= 1
    jwt.verify(token, keys(server)[head["kid"]])


def test_keys_are_of_yesterday_today_and_tomorrow(server):
    published = keys(server)
    assert len(published) == 3 and str(TODAY) in published
    assert all(key["kty"] == "EC" and key["crv"] == "P-256" and key["alg"] == "ES256"
               and key["use"] == "sig" and "d" not in key for key in published.values())


def test_all_daemons_of_one_token_have_the_same_keys(server, server2):
    assert keys(server) == keys(server2)


def test_a_client_that_acts_for_itself_is_the_subject(server, client, agency):
    said = jwt.claims(client.api.token)
    assert said["iss"] == server.url and said["aud"] == server.url + "/csc"
    assert said["sub"] == said["client_id"] == client.id
    assert said["scope"] == "service" and said["agency"] == agency.id
    assert said["exp"] - said["iat"] == 3600 and abs(said["iat"] - time.time()) < 60
    assert uuid.UUID(said["jti"]) and "consent" not in said and "cnf" not in said


def test_a_subscriber_that_consented_is_the_subject(app, teacher, grant):
    said = jwt.claims(grant.access_token)
    assert (said["sub"], said["client_id"]) == (teacher.user, app.id)
    assert uuid.UUID(said["consent"]) and said["mode"] == "oauth2code"


def test_it_lists_the_credentials_of_its_subscriber_and_of_nobody_else(app, grant, teacher, operator, school):
    answer = app.call("credentials/list", {}, grant.access_token)
    assert answer.json()["credentialIDs"] == [teacher.credential]
    other = operator.subscriber(school)
    app.call("credentials/list", {"userID": other.user}, grant.access_token, expect=400)
    app.call("credentials/info", {"credentialID": other.credential}, grant.access_token, expect=400)


def test_no_token_is_stored(superuser, grant):
    for token in (grant.access_token, grant.refresh_token):
        for table in ("refresh_token", "token_revocation", "consent", "authorization_code"):
            assert not value(superuser, "SELECT count(*) FROM rssp." + table + " t"
                             " WHERE t::text LIKE %s", f"%{token}%")


# -- which are refused --

def forged(name, token, key):
    """The token of somebody who knows all that is public."""
    head, body = jwt.header(token), jwt.claims(token)
    public = jwt.public_key(key)
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    own = ec.generate_private_key(ec.SECP256R1())
    signature = token.rsplit(".", 1)[1]
    numbers = own.public_key().public_numbers()
    own_jwk = {"kty": "EC", "crv": "P-256", "x": jwt.b64url(numbers.x.to_bytes(32, "big")),
               "y": jwt.b64url(numbers.y.to_bytes(32, "big"))}
    return {
        "none": lambda: jwt.unsigned({**head, "alg": "none"}, body) + ".",
        "None": lambda: jwt.unsigned({**head, "alg": "None"}, body) + "." + signature,
        "HS256 with the key's PEM": lambda: jwt.with_hs256({**head, "alg": "HS256"}, body, pem),
        "HS256 with the key's point": lambda: jwt.with_hs256({**head, "alg": "HS256"}, body, point),
        "HS256 with the JWK": lambda: jwt.with_hs256(
            {**head, "alg": "HS256"}, body, json.dumps(key).encode()),
        "a key of one's own": lambda: jwt.with_es256(head, body, own),
        "a key that comes along": lambda: jwt.with_es256({**head, "jwk": own_jwk}, body, own),
        "a key at an address": lambda: jwt.with_es256(
            {**head, "jku": "https://mau.edu.vn/keys"}, body, own),
        "another kid": lambda: jwt.with_es256({**head, "kid": str(TODAY + 400)}, body, own),
        "no kid": lambda: jwt.with_es256({"alg": "ES256", "typ": "at+jwt"}, body, own),
        "another typ": lambda: jwt.unsigned({**head, "typ": "JWT"}, body) + "." + signature,
        "another client": lambda: jwt.unsigned(
            head, {**body, "client_id": str(uuid.uuid4())}) + "." + signature,
        "a later end": lambda: jwt.unsigned(head, {**body, "exp": body["exp"] + 3600}) + "." + signature,
        "no signature": lambda: token.rsplit(".", 1)[0] + ".",
        "a signature of zeros": lambda: token.rsplit(".", 1)[0] + "." + jwt.b64url(bytes(64)),
        "two parts": lambda: token.rsplit(".", 1)[0],
        "four parts": lambda: token + ".e30",
        "a padded part": lambda: token + "=",
        "nothing but dots": lambda: "..",
    }[name]()


@pytest.mark.parametrize("name", [
    "none", "None", "HS256 with the key's PEM", "HS256 with the key's point", "HS256 with the JWK",
    "a key of one's own", "a key that comes along", "a key at an address", "another kid", "no kid",
    "another typ", "another client", "a later end", "no signature", "a signature of zeros",
    "two parts", "four parts", "a padded part", "nothing but dots"])
def test_a_forged_token_is_refused(server, client, subscriber, auditor_db, name):
    token = client.api.token
    made = forged(name, token, keys(server)[jwt.header(token)["kid"]])
    answer = Api(server, made).post(LIST, {"userID": subscriber.user}, 401)
    assert error(answer)[0] == "invalid_token"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert audited(auditor_db, answer, "credential.list", "refused")["client"] is None
    assert status(server, token, subscriber) == 200


@pytest.fixture(scope="module")
def elsewhere(instance, server):
    """Another service on the same database and the same key token: another issuer."""
    started = Server(instance, "elsewhere").start()
    yield started
    assert started.stop() == 0


def test_a_token_of_another_issuer_and_audience_is_refused(elsewhere, server, client, subscriber):
    foreign = client.on(elsewhere)
    assert jwt.claims(foreign.api.token)["iss"] == elsewhere.url
    jwt.verify(foreign.api.token, keys(server)[jwt.header(foreign.api.token)["kid"]])
    answer = Api(server, foreign.api.token).post(LIST, {"userID": subscriber.user}, 401)
    assert error(answer)[0] == "invalid_token"
    assert status(elsewhere, foreign.api.token, subscriber) == 200
    assert status(elsewhere, client.api.token, subscriber) == 401


def test_a_token_of_another_client_opens_nothing_of_this_one(operator, agency, client, subscriber):
    other = operator.add_client(agency)
    digest = secrets.token_bytes(32)
    sad = client.authorize(subscriber, [digest])
    assert error(other.sign(subscriber, sad, [digest], expect=400))[1] == "Invalid parameter SAD"
    client.sign(subscriber, sad, [digest])


# -- what ends them --

def test_each_daemon_takes_the_others_tokens(server, server2, client, subscriber):
    assert status(server2, client.api.token, subscriber) == 200
    assert status(server, client.on(server2).api.token, subscriber) == 200


def revoke(api, client, token, expect=204, **more):
    return api.post("/oauth2/revoke", data={
        "client_id": client.id, "client_secret": client.secret, "token": token, **more}, expect=expect)


@pytest.mark.parametrize("way", ["oauth2/revoke", "v1", "v2"])
def test_an_access_token_ends_alone_and_at_both_daemons(
        server, server2, client, subscriber, auditor_db, way):
    kept, token = client.api.token, client.token()
    assert status(server2, token, subscriber) == 200
    if way == "oauth2/revoke":
        answer = revoke(client.api, client, token, token_type_hint="access_token")
    else:
        answer = client.call("auth/revoke", {"token": token}, int(way[1]), 204, token=kept)
    assert answer.content == b""
    audited(auditor_db, answer, "token.revoke", "ok")
    refused = Api(server, token).post(LIST, {"userID": subscriber.user}, 401)
    assert error(refused)[0] == "expired_token"
    assert soon(lambda: status(server2, token, subscriber) == 401)
    assert status(server, kept, subscriber) == status(server2, kept, subscriber) == 200


def test_a_token_gives_itself_back(client, subscriber):
    client.call("auth/revoke", {"token": client.api.token, "token_type_hint": "access_token"}, 2, 204)
    client.call("auth/revoke", {"token": client.api.token}, 2, 401)


def test_a_refresh_token_takes_all_of_its_consent_along(server2, app, teacher, grant):
    other = app.grant(teacher)
    newer = oauth.grant_of(app.refresh(grant.refresh_token))
    app.revoke(newer.refresh_token, token_type_hint="refresh_token")
    for token in (grant.access_token, newer.access_token):
        assert status(app.server, token, teacher) == 401
        assert soon(lambda: status(server2, token, teacher) == 401)
    assert error(app.refresh(newer.refresh_token, 400))[0] == "invalid_grant"
    assert status(app.server, other.access_token, teacher) == 200


def test_an_access_token_leaves_its_refresh_token_alone(app, teacher, grant):
    app.revoke(grant.access_token)
    assert status(app.server, grant.access_token, teacher) == 401
    assert status(app.server, app.refresh(grant.refresh_token).json()["access_token"], teacher) == 200


@pytest.mark.parametrize("way", ["oauth2/revoke", "auth/revoke"])
def test_a_sad_is_given_back(server2, client, subscriber, superuser, way):
    digests = [secrets.token_bytes(32) for _ in range(2)]
    sad = client.authorize(subscriber, digests)
    client.sign(subscriber, sad, digests[:1])
    client.on(server2).sign(subscriber, sad, digests[:1], expect=400)
    if way == "oauth2/revoke":
        revoke(client.api, client, sad)
    else:
        client.call("auth/revoke", {"token": sad}, 1, 204)
    for speaker in (client, client.on(server2)):
        answer = speaker.sign(subscriber, sad, digests[1:], expect=400)
        assert error(answer)[1] == "Invalid parameter SAD"
    assert value(superuser, "SELECT seal FROM rssp.sad WHERE credential = %s", subscriber.credential) is None


def test_a_token_of_scope_credential_is_given_back_by_itself(app, teacher):
    digests = [secrets.token_bytes(32)]
    signing = app.grant_signing(teacher, digests)
    app.call("auth/revoke", {"token": signing.access_token}, signing.access_token, 2, 204)
    app.sign(teacher, signing, digests, expect=401)


def test_what_is_not_known_is_as_good_as_ended(client):
    for token in (secrets.token_urlsafe(32), secrets.token_urlsafe(48)):
        revoke(client.api, client, token)
        client.call("auth/revoke", {"token": token}, 1, 204)
    token = client.token()
    revoke(client.api, client, token)
    revoke(client.api, client, token)


@pytest.mark.parametrize("token", ["x", "a.b.c", "A" * 42, "é", "A" * 4000])
def test_what_no_token_looks_like_is_refused(client, token):
    assert error(revoke(client.api, client, token, 400))[1] == "Invalid string parameter token"
    assert error(client.call("auth/revoke", {"token": token}, 2, 400))[1] == "Invalid string parameter token"


def test_another_clients_tokens_are_not_given_back(operator, agency, client, subscriber, app, grant, teacher):
    other = operator.add_client(agency)
    digest = secrets.token_bytes(32)
    sad = client.authorize(subscriber, [digest])
    for token in (client.api.token, sad, grant.refresh_token):
        assert error(revoke(other.api, other, token, 400))[1] == "Invalid string parameter token"
        other.call("auth/revoke", {"token": token}, 1, 400)
    client.sign(subscriber, sad, [digest])
    app.refresh(grant.refresh_token)


def test_a_token_of_one_subscriber_gives_back_only_what_is_his(operator, school, app, grant, teacher):
    other = app.grant(operator.subscriber(school))
    for token in (other.access_token, other.refresh_token):
        app.call("auth/revoke", {"token": token}, grant.access_token, 2, 400)
    app.call("auth/revoke", {"token": grant.refresh_token}, grant.access_token, 2, 204)
    app.refresh(other.refresh_token)


@pytest.mark.parametrize("changes, status_code, description", [
    ({"token": None}, 400, "Missing parameter token"),
    ({"token": ""}, 400, "Missing parameter token"),
    ({"token_type_hint": "SAD"}, 400, "Invalid parameter token_type_hint"),
    ({"client_id": None}, 400, "Missing parameter client_id"),
    ({"client_id": str(uuid.uuid4())}, 400, "Invalid parameter client_id"),
    ({"client_secret": "x"}, 400, "Invalid parameter client_secret"),
    ({"client_secret": None}, 401, "Client authorization required")])
def test_oauth2_revoke_says_what_is_wrong(client, subscriber, changes, status_code, description):
    form = {"client_id": client.id, "client_secret": client.secret, "token": client.api.token, **changes}
    answer = Api(client.server).post("/oauth2/revoke", expect=status_code, data={
        name: part for name, part in form.items() if part is not None})
    assert error(answer)[1] == description
    assert status(client.server, client.api.token, subscriber) == 200


@pytest.mark.parametrize("body, description", [
    ({}, "Missing (or invalid type) string parameter token"),
    ({"token": 7}, "Missing (or invalid type) string parameter token"),
    ({"token": "x", "token_type_hint": "SAD"}, "Invalid string parameter token_type_hint"),
    ({"token": "x", "token_type_hint": 1}, "Invalid string parameter token_type_hint")])
def test_auth_revoke_says_what_is_wrong(client, body, description):
    for version in (1, 2):
        answer = client.call("auth/revoke", body, version, 400)
        assert error(answer) == ("invalid_request", description)


def test_auth_revoke_wants_a_bearer_in_the_words_of_each_version(server):
    answer = Api(server).post("/csc/v1/auth/revoke", {"token": "x"}, 400)
    assert "a REQUIRED parameter" in error(answer)[1]
    answer = Api(server).post("/csc/v2/auth/revoke", {"token": "x"}, 400)
    assert error(answer)[1] == "Malformed authorization header"


def test_a_new_secret_is_followed_at_once_by_a_token_that_is_good(operator, client, subscriber):
    for _ in range(5):
        old = client.api.token
        client.secret = operator.post("clients/rotate", {"clientID": client.id}).json()["clientSecret"]
        assert status(client.server, old, subscriber) == 401
        assert status(client.server, client.token(), subscriber) == 200


@pytest.mark.parametrize("change", ["state = 'disabled'", "mode = 'oauth2code'",
                                    "secret_sha256 = sha256('another')"])
def test_a_client_changed_by_hand_loses_its_tokens_everywhere(
        server, server2, superuser, client, subscriber, change):
    assert status(server, client.api.token, subscriber) == status(server2, client.api.token, subscriber) == 200
    rows(superuser, f"UPDATE rssp.client SET {change} WHERE id = %s", client.id)
    for daemon in (server, server2):
        assert soon(lambda: status(daemon, client.api.token, subscriber) == 401)


def test_a_subscriber_disabled_by_hand_loses_his_tokens_everywhere(
        server, server2, superuser, operator, school, app, teacher, grant):
    gone = operator.subscriber(school)
    his = app.grant(gone)
    rows(superuser, "UPDATE rssp.subscriber SET state = 'disabled' WHERE id = %s", gone.user)
    for daemon in (server, server2):
        assert soon(lambda: status(daemon, his.access_token, gone) == 401)
    assert error(app.refresh(his.refresh_token, 400))[0] == "invalid_grant"
    assert status(server, grant.access_token, teacher) == 200


# -- who does not hear of it --

class Deaf:
    """A daemon of its own whose listening connection can be held up or kept away."""

    def __init__(self, instance, server):
        (port,) = free_ports(1)
        self.server = Server(instance, "deaf", listen__public_url=server.url, metrics__port=port)
        self.metrics_url = f"http://127.0.0.1:{port}/metrics"
        self.database = instance.connect("postgres")
        self.server.start()
        assert self.known_becomes(1)

    def known(self):
        answer = Api(self.server).session.get(self.metrics_url, timeout=10)
        return exposition.value(exposition.parse(answer.text), "rsspd_token_revocations_known")

    def known_becomes(self, wanted, seconds=5):
        return soon(lambda: self.known() == wanted, seconds)

    def listeners(self):
        """Of all daemons here: they are told apart by their ports, which ss would say."""
        return {row["pid"] for row in rows(
            self.database, "SELECT pid FROM pg_stat_activity WHERE application_name = 'rsspd listener'")}


@pytest.fixture(scope="module")
def deaf(instance, server):
    before = instance.connect("postgres")
    others = {row["pid"] for row in rows(
        before, "SELECT pid FROM pg_stat_activity WHERE application_name = 'rsspd listener'")}
    before.close()
    made = Deaf(instance, server)
    (made.pid,) = made.listeners() - others
    yield made
    made.database.close()
    assert made.server.stop() == 0


def test_a_daemon_whose_listening_connection_hangs_trusts_no_cached_token(
        deaf, server, client, subscriber):
    """Nothing is cut, nothing closed: only no sign of life comes."""
    kept, token = client.api.token, client.token()
    assert status(deaf.server, token, subscriber) == status(deaf.server, kept, subscriber) == 200
    os.kill(deaf.pid, signal.SIGSTOP)
    try:
        assert deaf.known_becomes(0, 2.0)
        revoke(client.api, client, token)
        assert status(deaf.server, token, subscriber) == 401
        assert status(deaf.server, kept, subscriber) == 200
    finally:
        os.kill(deaf.pid, signal.SIGCONT)
    assert deaf.known_becomes(1)


def test_it_is_refused_within_a_second_of_the_revocation_even_if_the_connection_hangs_just_before(
        deaf, client, subscriber):
    deaf_listeners_pid(deaf)
    token = client.token()
    assert status(deaf.server, token, subscriber) == 200
    os.kill(deaf.pid, signal.SIGSTOP)
    try:
        revoke(client.api, client, token)
        assert soon(lambda: status(deaf.server, token, subscriber) == 401)
    finally:
        os.kill(deaf.pid, signal.SIGCONT)
    assert deaf.known_becomes(1)


def deaf_listeners_pid(deaf):
    """The connection may have been made anew: the one that is this daemon's answers to its going."""
    if deaf.pid not in deaf.listeners():
        for pid in deaf.listeners():
            os.kill(pid, signal.SIGSTOP)
            found = deaf.known_becomes(0, 1.5)
            os.kill(pid, signal.SIGCONT)
            if found:
                deaf.pid = pid
                break
    assert deaf.known_becomes(1)


def test_a_daemon_whose_listening_connection_was_cut_asks_the_database_until_it_has_another(
        deaf, client, subscriber):
    deaf_listeners_pid(deaf)
    kept, token = client.api.token, client.token()
    assert status(deaf.server, token, subscriber) == 200
    others = value(deaf.database, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'rsspd'") - 1
    rows(deaf.database, f"ALTER ROLE rsspd CONNECTION LIMIT {others}")
    try:
        rows(deaf.database, "SELECT pg_terminate_backend(%s)", deaf.pid)
        assert deaf.known_becomes(0, 2.0)
        revoke(client.api, client, token)
        assert status(deaf.server, token, subscriber) == 401
        assert status(deaf.server, kept, subscriber) == 200
    finally:
        rows(deaf.database, "ALTER ROLE rsspd CONNECTION LIMIT -1")
    assert deaf.known_becomes(1, 10)
    assert status(deaf.server, token, subscriber) == 401
    assert status(deaf.server, kept, subscriber) == 200


# -- refresh tokens --

def test_a_refresh_token_is_exchanged_for_the_next_one(app, teacher, grant, auditor_db):
    answer = app.refresh(grant.refresh_token)
    newer = oauth.grant_of(answer)
    assert newer.token_type == "Bearer" and newer.expires_in == 3600
    assert newer.refresh_token not in (None, grant.refresh_token)
    assert status(app.server, newer.access_token, teacher) == 200
    assert status(app.server, grant.access_token, teacher) == 200
    assert jwt.claims(newer.access_token)["consent"] == jwt.claims(grant.access_token)["consent"]
    assert audited(auditor_db, answer, "token.issue", "ok")["subscriber"] == teacher.user


def test_a_refresh_token_that_comes_again_ends_all_of_its_family(
        server, server2, app, teacher, grant, auditor_db):
    other = app.grant(teacher)
    newer = oauth.grant_of(app.refresh(grant.refresh_token))
    answer = app.refresh(grant.refresh_token, 400)
    assert error(answer) == ("invalid_grant", "Invalid parameter refresh_token")
    row = audited(auditor_db, answer, "token.reused", "refused", "REFRESH_TOKEN_INVALID")
    assert (row["client"], row["subscriber"]) == (app.id, teacher.user)
    for token in (grant.access_token, newer.access_token):
        assert status(server, token, teacher) == 401
        assert soon(lambda: status(server2, token, teacher) == 401)
    app.refresh(newer.refresh_token, 400)
    app.refresh(other.refresh_token)


def test_of_many_uses_at_once_at_most_one_is_answered_and_the_family_ends(server2, app, teacher, grant):
    got = []

    def use(where):
        answer = where.token(None, grant_type="refresh_token", refresh_token=grant.refresh_token)
        got.append(answer)
    threads = [threading.Thread(target=use, args=(where,))
               for _ in range(4) for where in (app.on(app.server), app.on(server2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good = [answer.json() for answer in got if answer.status_code == 200]
    assert len(good) <= 1
    for answer in good:
        assert soon(lambda: status(app.server, answer["access_token"], teacher) == 401)
        app.refresh(answer["refresh_token"], 400)


def test_another_clients_refresh_token_is_refused_and_stays_good(operator, school, app, grant):
    other = oauth.add_app(operator, school)
    assert error(other.refresh(grant.refresh_token, 400))[0] == "invalid_grant"
    app.refresh(grant.refresh_token)


def test_a_late_refresh_token_is_told_so(app, grant, superuser):
    consent = jwt.claims(grant.access_token)["consent"]
    rows(superuser, "UPDATE rssp.refresh_token SET ends_at = now() - interval '1 second'"
         " WHERE consent = %s", consent)
    assert error(app.refresh(grant.refresh_token, 400)) == ("invalid_grant", "Refresh token expired")


def test_a_refresh_token_lives_for_thirty_days_and_so_does_its_consent(app, grant, superuser):
    app.refresh(grant.refresh_token)
    consent = jwt.claims(grant.access_token)["consent"]
    for table, key in (("refresh_token", "consent"), ("consent", "id")):
        left = value(superuser, f"SELECT max(ends_at) - now() FROM rssp.{table} WHERE {key} = %s", consent)
        assert datetime.timedelta(days=30, minutes=-1) < left <= datetime.timedelta(days=30)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "a.b.c"])
def test_what_is_no_refresh_token_is_refused(app, token):
    code, _ = error(app.refresh(token, 400))
    assert code == ("invalid_grant" if token else "invalid_request")


# -- housekeeping --

def test_what_nobody_can_use_any_more_is_swept(app, grant, superuser):
    consent = jwt.claims(grant.access_token)["consent"]
    rows(superuser, "UPDATE rssp.refresh_token SET ends_at = now() - interval '1 minute'"
         " WHERE consent = %s", consent)
    stale = str(uuid.uuid4())
    rows(superuser, "INSERT INTO rssp.token_revocation VALUES ('token', %s, now() - interval '2 hours',"
         " now() - interval '1 hour')", stale)
    assert soon(lambda: not rows(superuser, "SELECT 1 FROM rssp.refresh_token WHERE consent = %s", consent), 15)
    assert soon(lambda: not rows(superuser, "SELECT 1 FROM rssp.token_revocation WHERE subject = %s", stale), 15)

"""Who uses the service: operators, client applications, subscribers. All plainly fictitious."""

import itertools
import re
import secrets
import uuid
from urllib.parse import parse_qs, urlsplit

from . import statement, totp
from .api import Api, b64

GOOD_PIN = "kP7vRm2xWq"
GOOD_PASSWORD = "mua xuân trên núi"
PROVINCE = "Mẫu"
_serial = itertools.count(secrets.randbelow(10 ** 8))


def agency_path(*lower):
    """A path that no other test uses."""
    return ["UBND tỉnh Mẫu", *(lower or ("Sở Ví dụ", f"Trường Mẫu {uuid.uuid4().hex[:12]}"))]


class Operator:
    def __init__(self, server, name="operator"):
        self.certificate = str(server.instance.path("operators", f"{name}.pem"))
        self.key = str(server.instance.path("operators", f"{name}.key"))
        self.server, self.name = server, name
        self.api = Api(server, certificate=(self.certificate, self.key))

    def on(self, server):
        """The same operator at another daemon."""
        return Operator(server, self.name)

    def post(self, path, body, expect=200):
        return self.api.post("/operator/v1/" + path, body, expect)

    def get(self, path, expect=200, **parameters):
        return self.api.get("/operator/v1/" + path, expect, params=parameters)

    def add_agency(self, path=None, sector="education", province=PROVINCE):
        """Gives the path; the answer's agencyID is kept for add_client."""
        path = path or agency_path()
        answer = self.post("agencies", {"path": path, "sector": sector, "province": province})
        return Agency(answer.json()["agencyID"], path, sector, province)

    def add_client(self, agency, name=None, profile="general", mode="explicit"):
        answer = self.post("clients", {
            "name": name or f"Phần mềm Mẫu {next(_serial)}", "agencyID": agency.id,
            "mode": mode, "profile": profile}).json()
        return Client(self.server, answer["clientID"], answer["clientSecret"], agency)

    def signed(self, encoded):
        return {"statement": b64(encoded), "signature": b64(statement.sign(encoded, self.key))}

    def check(self, person, expect=200):
        return self.post("enrolments/check", {"statement": b64(statement.enrol(person))}, expect)

    def enrol(self, person, expect=200):
        """Signs the line and submits it; the answer."""
        return self.post("enrolments", self.signed(statement.enrol(person)), expect)

    def unlock(self, credential, expect=200):
        return self.post("subscribers/unlock", self.signed(statement.unlock(credential)), expect)

    def subscriber(self, agency, key="p-256", pin=GOOD_PIN, password=GOOD_PASSWORD, **person):
        """A new person, enrolled and activated, with an account."""
        someone = new_person(agency, **person)
        enrolled = self.enrol(someone).json()
        assert enrolled["effect"] == "permit", enrolled
        return Subscriber.activate(self.server, someone, pin, key, password)


class Agency:
    def __init__(self, agency_id, path, sector, province):
        self.id, self.path, self.sector, self.province = agency_id, path, sector, province


def new_person(agency, **changes):
    """A form-01 line. The position suits the sector of the agency."""
    serial = next(_serial)
    person = {
        "name": "Nguyễn Thị Ví Dụ", "birth_date": "1987-07-12",
        "identity_number": f"0{serial % 10 ** 11:011d}",
        "identity_place": "Cơ quan cấp Mẫu", "identity_date": "2021-01-02",
        "email": f"vidu.{uuid.uuid4().hex[:12]}@mau.edu.vn", "province": agency.province,
        "position": {"health": "Điều dưỡng", "training": "Giảng viên"}.get(agency.sector, "Giáo viên"),
        "phone": "0900000000",
    }
    for level, name in enumerate(agency.path, 1):
        person[f"agency_{level}"] = name
    person.update(changes)
    return person


def code_for(instance, email):
    """The activation code in the newest mail to that address, as its reader would find it."""
    for mail in reversed(instance.mails("codes")):
        if re.search(rf"^To:.*{re.escape(email)}", mail, re.MULTILINE):
            found = re.search(r"\b[0-9A-Z]{4,5}(?:-[0-9A-Z]{4,5}){3,5}\b", mail)
            assert found, f"no code in the mail:\n{mail}"
            return found.group()
    raise AssertionError(f"no mail to {email}")


class Client:
    """A client application of an agency, with an access token."""

    def __init__(self, server, client_id, secret, agency=None):
        self.server, self.id, self.secret, self.agency = server, client_id, secret, agency
        self.api = Api(server)
        self.token()

    def on(self, server):
        """The same client at another daemon."""
        return Client(server, self.id, self.secret, self.agency)

    def token(self):
        answer = self.api.post("/oauth2/token", data={
            "grant_type": "client_credentials", "client_id": self.id,
            "client_secret": self.secret}, expect=200)
        self.api.token = answer.json()["access_token"]
        return self.api.token

    def call(self, method, body=None, version=1, expect=200, **rest):
        """A CSC method, e.g. call("credentials/info", {"credentialID": …})."""
        return self.api.post(f"/csc/v{version}/{method}", body, expect, **rest)

    def authorize(self, subscriber, digests, expect=200, version=1, pin=None, otp=None, **more):
        """SAD for raw SHA-256 digests by PIN and the subscriber's next OTP; None when refused."""
        pin = subscriber.pin if pin is None else pin
        otp = subscriber.next_otp() if otp is None else otp
        body = {"credentialID": subscriber.credential, "numSignatures": len(digests)}
        if version == 1:
            body.update(hash=[b64(digest) for digest in digests], PIN=pin, OTP=otp)
        else:
            body.update(hashes=[b64(digest) for digest in digests],
                        hashAlgorithmOID=SHA256_OID,
                        authData=[{"id": "PIN", "value": pin}, {"id": "OTP", "value": otp}])
        answer = self.call("credentials/authorize", {**body, **more}, version, expect)
        return answer.json().get("SAD") if answer.status_code == 200 else answer

    def sign(self, subscriber, sad, digests, expect=200, version=1, **more):
        """signHash; the answer."""
        body = {"credentialID": subscriber.credential, "SAD": sad,
                "signAlgo": subscriber.sign_algo}
        if version == 1:
            body.update(hash=[b64(digest) for digest in digests], hashAlgo=SHA256_OID)
        else:
            body.update(hashes=[b64(digest) for digest in digests], hashAlgorithmOID=SHA256_OID)
        return self.call("signatures/signHash", {**body, **more}, version, expect)


SHA256_OID = "2.16.840.1.101.3.4.2.1"
SIGN_ALGO = {"rsa": "1.2.840.113549.1.1.11", "p-2": "1.2.840.10045.4.3.2",
             "p-3": "1.2.840.10045.4.3.2"}


class Subscriber:
    """Somebody with an activated credential. Each OTP serves once: next_otp() has three."""

    def __init__(self, person, pin, activated, key, password=None):
        self.person, self.pin, self.key, self.password = person, pin, key, password
        self.user, self.credential = activated["userID"], activated["credentialID"]
        self.otpauth, self.certificate = activated["otpauth"], activated["certificate"]
        self.secret = parse_qs(urlsplit(self.otpauth).query)["secret"][0]
        self.sign_algo = SIGN_ALGO[key[:3]]
        self.last_step = 0

    @classmethod
    def activate(cls, server, person, pin=GOOD_PIN, key="p-256", password=None, **more):
        """Straight to rsspd with the code from the mail, as `rssp activate` does."""
        if password is not None:
            more["password"] = password
        answer = Api(server).post("/activation/v1/activate", {
            "code": code_for(server.instance, person["email"]),
            "identityNumber": person["identity_number"], "PIN": pin, "key": key, **more}, expect=200)
        return cls(person, pin, answer.json(), key, password)

    def next_otp(self):
        """Codes of the steps t-1, t and t+1 in turn; then there is no other."""
        self.last_step = totp.next_step(self.last_step)
        return totp.code(self.secret, self.last_step)

    def otp(self, offset=0):
        """The code of the current time step, or one `offset` steps away."""
        return totp.now(self.secret, offset)

    def wrong_otp(self):
        """Six digits that are no code of the steps around now."""
        near = {totp.now(self.secret, offset) for offset in range(-3, 4)}
        return next(code for code in ("000000", "111111", "222222", *map(str, range(333333, 333353)))
                    if code not in near)

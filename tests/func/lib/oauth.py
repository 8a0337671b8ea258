"""The flow of a subscriber's own browser without a browser: an application that sends people to
/oauth2/authorize, and who plays the page: cookies, CSRF token, JSON.

    app = oauth.add_app(operator, agency)
    someone = oauth.subscriber(operator, agency)
    grant = app.grant(someone, scope="service")             # the whole way; grant.access_token …
    grant = app.grant_signing(someone, [digest])            # PAR + PKCE + RAR, scope credential
    app.sign(someone, grant, [digest])                      # signatures, checked for their number

or step by step, where a test wants to do one of them wrong:

    asked = app.ask(scope="credential", credentialID=…)     # state, verifier, parameters
    browser = oauth.Browser(server)
    browser.authorize(asked)                                # or browser.authorize(app.push(asked))
    browser.sign_in(someone)
    browser.shown()                                         # what the page would show
    back = browser.approve(someone)                         # back.code, back.state, back.error, back.iss
    app.redeem(asked, back.code)                            # the token answer
"""

import base64
import hashlib
import json
import secrets
from collections import namedtuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from .api import Api, b64, error
from .people import SHA256_OID, _serial
from .readme import refusals

REDIRECT = "https://hocba.mau.edu.vn/ky/xong"  # nobody goes there: only the Location is read
COOKIE = "__Host-rssp-session"

Back = namedtuple("Back", "uri code state error description iss")
Grant = namedtuple("Grant", "access_token token_type expires_in refresh_token answer")


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def challenge(verifier):
    return b64url(hashlib.sha256(verifier.encode()).digest())


def details(credential, digests, labels=None, kind="credential", **more):
    """authorization_details of scope credential (RFC 9396), as text. more: members of the entry."""
    documents = [{"hash": b64(digest), "label": label} for digest, label in
                 zip(digests, labels or [f"Tài liệu {number}" for number in range(1, len(digests) + 1)])]
    return json.dumps([{"type": kind, "credentialID": credential, "numSignatures": len(digests),
                        "hashAlgorithmOID": SHA256_OID, "documentDigests": documents, **more}])


def subscriber(operator, agency, **changes):
    """A new person with an account: enrolled and activated with a password."""
    return operator.subscriber(agency, **changes)


def add_app(operator, agency, redirect_uris=(REDIRECT,), expect=200, **more):
    """Registers a client of mode oauth2code. more: authentication="none", cscVersion=1, jwks=…, as
    the operator's API names them."""
    body = {"name": f"Ứng dụng Mẫu {next(_serial)}", "agencyID": agency.id, "mode": "oauth2code",
            "profile": "general", "redirectURIs": list(redirect_uris), **more}
    answer = operator.post("clients", body, expect)
    if answer.status_code != 200:
        return answer
    return App(operator.server, answer.json(), agency, list(redirect_uris))


class Asked:
    """One authorization request: what is sent, and what the application keeps of it."""

    def __init__(self, app, parameters, verifier):
        self.app, self.parameters, self.verifier = app, parameters, verifier
        self.state = parameters.get("state")

    def query(self):
        return urlencode({name: value for name, value in self.parameters.items() if value is not None})


class App:
    """A client application (mode oauth2code) with one redirect URI, as a rule."""

    def __init__(self, server, registered, agency, redirect_uris):
        self.server, self.agency, self.redirect_uris = server, agency, redirect_uris
        self.id, self.secret = registered["clientID"], registered.get("clientSecret")
        self.api = Api(server)

    def on(self, server):
        """The same application at another daemon."""
        return App(server, {"clientID": self.id, "clientSecret": self.secret}, self.agency,
                   self.redirect_uris)

    def proof(self):
        """How it says who it is, in a form."""
        return {"client_id": self.id, **({"client_secret": self.secret} if self.secret else {})}

    # -- authorization requests --

    def ask(self, scope="service", pkce=True, **changes):
        """A request that is right; changes replace parameters, None leaves one out."""
        verifier = b64url(secrets.token_bytes(32))
        parameters = {
            "response_type": "code", "client_id": self.id, "redirect_uri": self.redirect_uris[0],
            "scope": scope, "state": b64url(secrets.token_bytes(16))}
        if pkce:
            parameters |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
        parameters.update(changes)
        return Asked(self, parameters, verifier if pkce else None)

    def ask_signing(self, someone, digests, labels=None, **changes):
        """Scope credential with authorization_details for these digests."""
        return self.ask("credential", **{
            "authorization_details": details(someone.credential, digests, labels), **changes})

    def push(self, asked, expect=201, **changes):
        """RFC 9126: the same request by its request_uri; the answer when another status is expected."""
        form = {name: value for name, value in {**asked.parameters, **self.proof(), **changes}.items()
                if value is not None}
        answer = self.api.post("/oauth2/pushed_authorize", data=form, expect=expect)
        if answer.status_code != 201:
            return answer
        pushed = Asked(self, {"client_id": self.id, "request_uri": answer.json()["request_uri"]},
                       asked.verifier)
        pushed.state = asked.state
        pushed.parameters_pushed = asked.parameters
        return pushed

    # -- tokens --

    def token(self, expect=200, **form):
        """POST oauth2/token; the answer. None leaves a parameter out."""
        sent = {name: value for name, value in {**self.proof(), **form}.items() if value is not None}
        return self.api.post("/oauth2/token", data=sent, expect=expect)

    def redeem(self, asked, code, expect=200, **changes):
        """The code for a token; the answer."""
        parameters = getattr(asked, "parameters_pushed", asked.parameters)
        return self.token(expect, **{
            "grant_type": "authorization_code", "code": code,
            "redirect_uri": parameters.get("redirect_uri"), "code_verifier": asked.verifier, **changes})

    def refresh(self, refresh_token, expect=200, **changes):
        return self.token(expect, grant_type="refresh_token", refresh_token=refresh_token, **changes)

    def revoke(self, token, expect=204, **changes):
        form = {name: value for name, value in {"token": token, **self.proof(), **changes}.items()
                if value is not None}
        return self.api.post("/oauth2/revoke", data=form, expect=expect)

    # -- the whole way --

    def grant(self, someone, asked=None, push=False, browser=None, **parameters):
        """Through the page to a token, as someone; a new browser unless one is given."""
        asked = asked or self.ask(**parameters)
        browser = browser or Browser(self.server)
        browser.authorize(self.push(asked) if push else asked)
        if not browser.shown()["signedIn"]:
            browser.sign_in(someone)
        back = browser.approve(someone)
        assert back.error is None and back.state == asked.state, back
        return grant_of(self.redeem(asked, back.code))

    def grant_signing(self, someone, digests, labels=None, push=True, browser=None):
        """A token of scope credential for these digests: by PAR and RAR."""
        return self.grant(someone, self.ask_signing(someone, digests, labels), push, browser)

    def call(self, method, body=None, token=None, version=2, expect=200):
        return self.api.post(f"/csc/v{version}/{method}", body, expect, token=token)

    def sign(self, someone, grant, digests, expect=200, version=2, service=None):
        """signHash with the credential-scope token as bearer; with service, a token of scope
        service, as SAD in the body."""
        hashes = [b64(digest) for digest in digests]
        body = {"credentialID": someone.credential, "signAlgo": someone.sign_algo,
                ("hash" if version == 1 else "hashes"): hashes}
        if service:
            body["SAD"] = grant.access_token
        answer = self.call("signatures/signHash", body, service or grant.access_token, version, expect)
        if answer.status_code != 200:
            return answer
        signatures = [base64.b64decode(text) for text in answer.json()["signatures"]]
        assert len(signatures) == len(digests)
        return signatures


def grant_of(answer):
    body = answer.json()
    return Grant(body["access_token"], body["token_type"], body["expires_in"],
                 body.get("refresh_token"), answer)


def back_of(uri):
    """What the application learns from the address that the browser was sent back to."""
    said = dict(parse_qsl(urlsplit(uri).query, keep_blank_values=True))
    return Back(uri, said.get("code"), said.get("state"), said.get("error"),
                said.get("error_description"), said.get("iss"))


class Browser:
    """A person's browser as the service sees it: cookies, Origin, the pages' own requests."""

    def __init__(self, server, lang="en"):
        self.server, self.lang = server, lang
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = server.cacert
        self.csrf = self.handle = None

    def send(self, method, path, expect=None, headers=None, **rest):
        """A request of a page. A refusal stands in clients/README.md, in the page's language."""
        answer = self.session.request(method, self.server.url + path, headers=headers, timeout=30,
                                      allow_redirects=False, **rest)
        assert answer.headers.get("X-Request-Id"), f"no X-Request-Id: {method} {path}"
        if expect is not None:
            assert answer.status_code == expect, (
                f"{method} {path}: {answer.status_code}, not {expect}: {answer.text}")
        return answer

    def get(self, path, expect=200, **parameters):
        return self.send("GET", path, expect, params={"lang": self.lang, **parameters})

    def post(self, path, body=None, expect=200, headers=None):
        """As the page does it: JSON, its own Origin, the CSRF token. headers: {name: None} leaves
        one out."""
        sent = {"Origin": self.server.url, "X-CSRF-Token": self.csrf, **(headers or {})}
        answer = self.send("POST", path, expect, json={"lang": self.lang, **(body or {})},
                           headers={name: value for name, value in sent.items() if value is not None})
        if answer.status_code >= 400:
            assert is_told(answer), f"{path}: {answer.text}"
        return answer

    # -- the authorisation server's part --

    def authorize(self, asked, expect=303):
        """GET oauth2/authorize; keeps the handle of the page that it leads to. The answer."""
        query = asked if isinstance(asked, str) else asked.query()
        answer = self.send("GET", f"/oauth2/authorize?{query}", expect)
        where = urlsplit(answer.headers.get("Location", ""))
        if where.path == "/consent" and not where.query.startswith("error"):
            self.handle = dict(parse_qsl(where.query))["request"]
        return answer

    def refused(self, asked):
        """authorize that sends the browser straight back with an error."""
        answer = self.authorize(asked)
        assert not urlsplit(answer.headers["Location"]).path == "/consent", answer.headers["Location"]
        return back_of(answer.headers["Location"])

    # -- the page's part --

    def signed_in(self):
        """GET session; takes over the CSRF token of a session that there is."""
        said = self.get("/account/v1/session").json()
        self.csrf = said.get("csrfToken", self.csrf)
        return said

    def sign_in(self, someone, expect=200, login=None, password=None):
        body = {"login": login or someone.person["identity_number"],
                "password": someone.password if password is None else password}
        answer = self.post("/account/v1/sign-in", body, expect)
        if answer.status_code == 200:
            self.csrf = answer.json()["csrfToken"]
        return answer

    def cookie(self):
        return self.session.cookies.get(COOKIE)

    def shown(self, handle=None, expect=200):
        """What the consent page gets to show."""
        answer = self.get("/consent/v1/request", expect, request=handle or self.handle)
        return answer.json() if answer.status_code == 200 else answer

    def approve(self, someone=None, expect=200, handle=None, pin=None, otp=None, **more):
        """With the PIN and the next one-time password, if the request is for signatures. The address
        to go back to, or the answer when it is refused."""
        body = {"request": handle or self.handle, **more}
        if someone is not None and self.wants_factors(body["request"]):
            body |= {"PIN": someone.pin if pin is None else pin,
                     "OTP": someone.next_otp() if otp is None else otp}
        answer = self.post("/consent/v1/approve", body, expect)
        return back_of(answer.json()["redirect"]) if answer.status_code == 200 else answer

    def wants_factors(self, handle):
        answer = self.get("/consent/v1/request", None, request=handle)
        return answer.status_code != 200 or answer.json()["scope"] == "credential"

    def decline(self, expect=200, handle=None):
        answer = self.post("/consent/v1/decline", {"request": handle or self.handle}, expect)
        return back_of(answer.json()["redirect"]) if answer.status_code == 200 else answer


def is_told(answer):
    """Does clients/README.md have this refusal of a page? The page has the list's words or longer
    ones, and names the list's entry."""
    body = answer.json()
    code, _ = error(answer)
    return any(row.name == body.get("code") and row.status == answer.status_code and row.error == code
               for row in refusals())

"""HTTP against rsspd: a session that trusts the test root, and what every answer must have."""

import base64

import requests

from .readme import is_documented


def b64(data):
    return base64.b64encode(data).decode()


class Api:
    def __init__(self, server, token=None, certificate=None):
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False  # or REQUESTS_CA_BUNDLE would win over verify
        self.session.verify = server.cacert
        self.session.cert = certificate
        self.token = token

    def request(self, method, path, expect=None, token=None, headers=None, **rest):
        """Any request; every answer carries X-Request-Id, and every refusal stands in the table of
        clients/README.md. expect: the status it must have."""
        bearer = token if token is not None else self.token
        sent = {**({"Authorization": f"Bearer {bearer}"} if bearer else {}), **(headers or {})}
        answer = self.session.request(
            method, self.server.url + path, headers=sent, timeout=30, **rest)
        assert answer.headers.get("X-Request-Id"), f"no X-Request-Id: {method} {path}"
        page = answer.headers.get("Content-Type", "").startswith("text/html")
        if answer.status_code >= 400 and path != "/readyz" and not page:
            code, text = error(answer)
            assert is_documented(answer.status_code, code, text), (
                f"{method} {path}: not in clients/README.md: {answer.status_code} {code}: {text}")
        if expect is not None:
            assert answer.status_code == expect, (
                f"{method} {path}: {answer.status_code}, not {expect}: {answer.text}")
        return answer

    def get(self, path, expect=None, **rest):
        return self.request("GET", path, expect, **rest)

    def post(self, path, body=None, expect=None, **rest):
        """body is sent as JSON; for other bodies give data= and headers=."""
        if "data" not in rest:
            rest["json"] = {} if body is None else body
        return self.request("POST", path, expect, **rest)


def error(answer):
    """(error, error_description) of a refusal."""
    body = answer.json()
    return body.get("error"), body.get("error_description")

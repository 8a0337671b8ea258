"""rssp verify, run on files that are made here: a root, the CRL of all that are not revoked, and who
signs. Fixtures for the tests that import them."""

import pytest

from .rssp import Rssp
from .signed_files import Authority, Pdf, make_token, sign_cms

NOT_VALID, INPUT, USAGE = 9, 3, 2


class Nowhere:
    """No service: verify needs none."""
    url, cacert = "https://127.0.0.1:1", "/nonexistent"


class Verify:
    """rssp verify with a folder, a root and the CRL of all that are not revoked."""

    def __init__(self, folder, ca, lang="en"):
        self.folder, self.rssp = folder, Rssp(Nowhere, lang=lang)
        self.rssp.environment["no_proxy"] = "127.0.0.1"  # where tests serve CRLs
        self.ca = self.file("root.pem", ca.pem)
        self.crl = self.file("all.crl", ca.crl())

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def run(self, content, *words, crl=True, expect=None, name="signed.pdf"):
        path = content if hasattr(content, "exists") else self.file(
            name, content.data if isinstance(content, Pdf) else content)
        known = ["--crl", self.crl] if crl is True else ["--crl", crl] if crl else []
        return self.rssp.run("verify", path, "--ca", self.ca, "--offline", *known, *words,
                             expect=expect)

    def report(self, content, *words, **rest):
        done = self.run(content, "--json", *words, **rest)
        return done.code, done.json

    def one(self, content, *words, **rest):
        """The only signature of a file, as JSON, with the exit code beside."""
        code, report = self.report(content, *words, **rest)
        assert len(report["signatures"]) == 1, report
        return code, report["signatures"][0]

    def faults(self, content, *words, **rest):
        """Those of all signatures; nothing if and only if the exit code is 0."""
        code, report = self.report(content, *words, **rest)
        found = {name for one in report["signatures"] for name in one["faults"]}
        assert (code == 0) == (not found and bool(report["signatures"])), report
        assert code in (0, NOT_VALID) and report["valid"] == (code == 0)
        return found


@pytest.fixture(scope="module")
def ca():
    return Authority()


@pytest.fixture(scope="module")
def person(ca):
    return ca.issue()


@pytest.fixture(scope="module")
def tsa(ca):
    return ca.timestamper()


@pytest.fixture(scope="module")
def stamped(tsa):
    """A signature's timestamp of now."""
    return lambda value: make_token(tsa, value)


@pytest.fixture
def verify(tmp_path, ca):
    return Verify(tmp_path, ca)


@pytest.fixture
def good(person, stamped):
    """A function that signs well: the CMS of bytes."""
    return lambda data, **options: sign_cms(data, options.pop("by", person),
                                            **({"timestamp": stamped} | options))

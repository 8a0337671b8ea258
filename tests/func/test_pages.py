"""The pages as bytes: what a browser is told about them, whoever asks. What they do in a browser:
test_pages_consent.py, test_pages_account.py, test_pages_activate.py."""

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lib.api import Api
from lib.table import PAGES, every_route

SOURCE = Path(__file__).resolve().parents[2]
SHOWN = PAGES[:4]
POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'",
    "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'", "trusted-types": "'none'",
}


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def assets(server):
    """What the pages load, by their own words."""
    found = set()
    for path in SHOWN:
        for tag, attributes in Tags(Api(server).get(path, 200).text).found:
            if tag in ("script", "link"):
                found.add(attributes.get("src") or attributes["href"])
    return sorted(found)


def policy_of(answer):
    return dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))


@pytest.mark.parametrize("path", SHOWN)
def test_a_page_may_load_its_own_assets_and_nothing_else(server, path):
    assert policy_of(Api(server).get(path, 200)) == POLICY


@pytest.mark.parametrize("path", SHOWN)
def test_a_page_is_not_kept_not_framed_and_tells_nobody_where_it_was(server, path):
    headers = Api(server).get(path, 200).headers
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("path", SHOWN)
def test_a_page_holds_no_script_style_or_handler_of_its_own(server, path):
    for tag, attributes in Tags(Api(server).get(path, 200).text).found:
        assert tag not in ("style", "form", "base", "iframe", "object")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        assert tag != "script" or attributes["src"].startswith("/assets/")


@pytest.mark.parametrize("path", SHOWN)
def test_a_page_does_not_depend_on_what_the_address_says(server, path):
    plain, asked = (Api(server).get(path + query, 200).text for query in
                    ("", "?request=%3Cscript%3E&code=%22%3E%3Cb%3E&lang=%27"))
    assert plain == asked


@pytest.mark.parametrize("path", SHOWN)
def test_without_javascript_a_page_says_what_it_needs_in_both_languages(server, path):
    text = Api(server).get(path, 200).text
    inside = re.search(r"<noscript>(.*)</noscript>", text, re.DOTALL).group(1)
    assert "Trang này cần JavaScript" in inside and "This page needs JavaScript" in inside


def test_assets_are_named_after_their_content_and_kept_for_good(server):
    names = assets(server)
    assert [name.rsplit(".", 1)[1] for name in names] == ["js", "svg", "css"]
    for name in names:
        assert re.fullmatch(r"/assets/[a-z]+-[0-9a-f]{16}\.(js|css|svg)", name)
        answer = Api(server).get(name, 200)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_with_its_assets_is_small(server):
    """For a phone on a slow line."""
    assert sum(len(Api(server).get(name, 200).content) for name in assets(server)) < 100_000


@pytest.mark.parametrize("path", ["/assets/", "/assets/app.js", "/assets/..%2fconsent", "/assets/app-%00.js",
                                  "/consent/", "/consent/x", "/account/v1", "/problem.html"])
def test_nothing_stands_beside_pages_and_assets(server, path):
    Api(server).get(path, 404)


@pytest.mark.parametrize("path", SHOWN)
def test_a_page_is_read_and_not_posted_to(server, path):
    answer = Api(server).post(path, {}, 405)
    assert answer.headers["Allow"] == "GET"


def test_pages_are_open_to_everybody_and_only_read():
    rows = [route for route in every_route() if route.path in PAGES]
    assert {(route.method, route.authorisation, route.event) for route in rows} == {("GET", "nobody", None)}
    assert {route.path for route in rows} == set(PAGES)


def test_the_scripts_pass_the_compilers_strictest_checks():
    """Among them: both languages have the same words, by type."""
    done = subprocess.run(["tsc", "--project", "clients/web"], cwd=SOURCE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout

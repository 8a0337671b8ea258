"""Activation in a browser: code, identity number, PIN and password; then the authenticator's QR code,
once."""

import pytest

from lib import totp
from lib.people import GOOD_PIN, SHA256_OID, code_for, new_person
from urllib.parse import parse_qs, urlsplit

pytestmark = pytest.mark.slow
PASSWORD = "mua xuân trên núi"


@pytest.fixture
def person(operator, agency):
    someone = new_person(agency)
    assert operator.enrol(someone).json()["effect"] == "permit"
    return someone


def opened(window, server, lang="vi", **settings):
    page = window(**settings)
    page.goto(f"{server.url}/activate?lang={lang}")
    page.sees("Mã kích hoạt" if lang == "vi" else "Activation code")
    return page


def fill(page, person, code, pin=GOOD_PIN, password=PASSWORD, pin_again=None, password_again=None):
    page.fill("code", code)
    page.fill("identity", person["identity_number"])
    page.fill("new-pin", pin)
    page.fill("pin-again", pin if pin_again is None else pin_again)
    page.fill("new-password", password)
    page.fill("password-again", password if password_again is None else password_again)


def filled(window, server, person, **changes):
    page = opened(window, server)
    fill(page, person, changes.pop("code", None) or code_for(server.instance, person["email"]), **changes)
    return page


def test_a_code_from_the_mail_becomes_a_credential_and_an_account(window, server, person):
    page = filled(window, server, person)
    page.press_button("Kích hoạt")
    page.sees("Thêm vào ứng dụng xác thực")
    assert page.axe() == []
    page.press_button("Tôi đã thêm xong")
    page.sees("Chứng thư số của bạn đã sẵn sàng")
    page.follow("Xem tài khoản của tôi")
    page.sees("Đăng nhập")
    page.fill("login", person["email"])
    page.fill("password", PASSWORD)
    page.key("Enter")
    page.sees(person["name"])


def test_the_picture_and_the_text_are_the_authenticators_secret(window, server, person):
    page = filled(window, server, person)
    page.press_button("Kích hoạt")
    page.sees("Thêm vào ứng dụng xác thực")
    read = page.qr()
    assert read.startswith("otpauth://totp/")
    secret = parse_qs(urlsplit(read).query)["secret"][0]
    assert page.text(".secret").replace(" ", "") == secret
    assert page.script("document.querySelector('a[href^=\"otpauth:\"]').href") == read
    assert len(totp.now(secret)) == 6


def test_the_secret_is_still_there_after_the_language_changes(window, server, person):
    page = filled(window, server, person)
    page.press_button("Kích hoạt")
    page.sees("Thêm vào ứng dụng xác thực")
    before = page.text(".secret")
    page.press_button("English")
    page.sees("Add it to your authenticator app")
    assert page.text(".secret") == before


@pytest.mark.parametrize("changes, field, words", [
    ({"code": "00000-00000-00000-00000"}, "code", "Mã kích hoạt hoặc số định danh không đúng"),
    ({"pin": "123456"}, "new-pin", "Mã PIN này dễ đoán"),
    ({"pin": "kP7vR"}, "new-pin", "Mã PIN phải có ít nhất 6 ký tự"),
    ({"pin_again": "kP7vRm2xWx"}, "pin-again", "Hai lần nhập khác nhau"),
    ({"password": "ngắn quá"}, "new-password", "Mật khẩu phải có ít nhất 10 ký tự"),
    ({"password_again": "mua xuân trên biển"}, "password-again", "Hai lần nhập khác nhau"),
    ({"password_again": ""}, "password-again", "Hãy điền mục này"),
    ({"password": "aaaaaaaaaaaa"}, "new-password", "Mật khẩu này không dùng được"),
])
def test_what_is_wrong_is_said_beside_its_field_which_has_the_focus(window, server, person, changes, field, words):
    page = filled(window, server, person, **changes)
    page.press_button("Kích hoạt")
    page.sees(words, f"#{field}-fault")
    assert page.focused() == field
    assert page.script(f"document.getElementById('{field}').getAttribute('aria-invalid')") == "true"
    assert f"{field}-fault" in page.script(f"document.getElementById('{field}').getAttribute('aria-describedby')")
    assert page.axe() == []


def test_secrets_leave_the_form_after_a_try_and_the_rest_stays(window, server, person):
    page = filled(window, server, person, code="00000-00000-00000-00000")
    page.press_button("Kích hoạt")
    page.sees("không đúng", "#code-fault")
    assert [page.value(field) for field in ("new-pin", "pin-again", "new-password", "password-again")] == [""] * 4
    assert page.value("identity") == person["identity_number"]


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_is_accessible_and_fits(window, server, lang, width):
    page = opened(window, server, lang, width=width)
    assert page.axe() == []
    assert page.width_needed() <= width
    assert page.script("document.documentElement.lang") == lang
    page.picture(f"activate-{lang}-{width}")

"""My account in a browser: what there is, what was signed, and the changes, each of which asks for an
OTP."""

import hashlib

import pytest

from lib import oauth

pytestmark = pytest.mark.slow
NEW_PIN, NEW_PASSWORD = "wQ8nZt4rLd", "hạ trắng ngoài sân"
PLACES = {"credentials": "Chứng thư số của tôi", "signatures": "Lần ký gần đây", "pin": "Đổi mã PIN",
          "password": "Đổi mật khẩu", "everywhere": "Đăng xuất mọi nơi"}


@pytest.fixture(scope="module")
def school(operator):
    return operator.add_agency()


@pytest.fixture(scope="module")
def app(operator, school):
    return oauth.add_app(operator, school, name="Học bạ số Trường Mẫu")


@pytest.fixture(scope="module")
def teacher(operator, school, app):
    """Has signed once; spends no more OTPs."""
    made = oauth.subscriber(operator, school)
    digests = [hashlib.sha256(label.encode()).digest() for label in ("một", "hai")]
    app.sign(made, app.grant_signing(made, digests, ["Học bạ một.pdf", "Học bạ hai.pdf"]), digests)
    return made


@pytest.fixture
def someone(operator, school):
    return oauth.subscriber(operator, school)


def sign_in(page, person, password=None):
    page.fill("login", person.person["identity_number"])
    page.fill("password", person.password if password is None else password)
    page.key("Enter")


@pytest.fixture
def home(window, server):
    """A window of somebody who is signed in."""
    def at(person, place="credentials", **settings):
        page, browser = window(**settings), oauth.Browser(server)
        browser.sign_in(person)
        page.has_session(server.url, browser.cookie())
        page.goto(f"{server.url}/account#{place}")
        page.sees(PLACES[place], "h1")
        return page
    return at


# -- signing in --

def test_a_stranger_and_a_wrong_password_are_answered_alike(window, server, someone):
    page, said = window(), []
    page.goto(f"{server.url}/account")
    for login, password in ((someone.person["identity_number"], "không phải mật khẩu"),
                            ("000000000000", someone.password)):
        page.fill("login", login)
        page.fill("password", password)
        page.press_button("Đăng nhập")
        page.sees("Tên đăng nhập hoặc mật khẩu không đúng.", "#form-fault")
        assert page.focused() == "form-fault" and page.value("password") == ""
        said.append(page.text("main"))
    assert said[0] == said[1]


def test_after_five_wrong_passwords_the_page_says_how_long_to_wait(window, server, someone):
    browser = oauth.Browser(server)
    for _ in range(5):
        browser.sign_in(someone, None, password="không phải mật khẩu")
    page = window()
    page.goto(f"{server.url}/account")
    page.sees("Mật khẩu")
    sign_in(page, someone)
    page.sees("Quá nhiều lần thử.", "#form-fault")
    page.sees("Có thể gửi lại sau", "[role=timer]")
    assert page.script("document.querySelector('button[type=submit]').disabled")


def test_signing_out_ends_the_session(home, teacher):
    page = home(teacher)
    page.press_button("Đăng xuất")
    page.sees("Bạn đã đăng xuất.")
    page.reload()
    page.sees("Mật khẩu", "label")
    assert teacher.person["name"] not in page.text()


def test_an_ended_session_asks_to_sign_in_again(home, superuser, someone):
    page = home(someone)
    with superuser.cursor() as cursor:
        cursor.execute("DELETE FROM rssp.session WHERE subscriber = %s", (someone.user,))
    page.follow("Lần ký gần đây")
    page.sees("Mật khẩu", "label")
    sign_in(page, someone)
    page.sees("Lần ký gần đây", "h1")  # where it was going


# -- what there is --

def test_credentials_are_listed_with_what_they_say(home, teacher):
    shown = home(teacher).text("main")
    for words in (teacher.person["name"], "Hoạt động", "mã PIN và mã OTP", teacher.person["agency_1"]):
        assert words in shown


def test_a_locked_credential_says_whom_to_ask(home, app, someone):
    browser = oauth.Browser(app.server)
    browser.authorize(app.push(app.ask_signing(someone, [bytes(32)])))
    browser.sign_in(someone)
    for _ in range(5):
        browser.approve(someone, 400, otp=someone.wrong_otp())
    page = home(someone)
    page.sees("Bị khoá", ".state")
    page.sees("Hãy liên hệ cơ quan quản lý của bạn để đề nghị mở khoá")


def test_signatures_are_listed_with_application_and_documents(home, teacher):
    page = home(teacher, "signatures")
    shown = page.text("main").splitlines()
    assert "Học bạ số Trường Mẫu" in shown
    assert shown[shown.index("Số chữ ký") + 1] == "2"
    page.call("click", "summary")
    page.sees("Học bạ một.pdf")
    page.sees("Học bạ hai.pdf")


def test_more_signatures_are_read_on_demand(home, teacher):
    page = home(teacher)
    one = {"client": "Mẫu", "agency": "Mẫu", "credentialID": teacher.credential, "count": 1}
    page.answer("/account/v1/signatures", 200, {
        "signatures": [{**one, "at": f"2026-11-{day:02d}T02:00:00Z", "labels": ["Học bạ một.pdf"]}
                       for day in range(20, 0, -1)], "next": "x"})
    page.follow("Lần ký gần đây")
    page.call("click", "summary >> nth=0")
    page.sees("Học bạ một.pdf")
    page.press_button("Xem các lần ký trước đó")
    page.sees("Lần ký gần đây", "h1")
    assert page.script("document.querySelectorAll('section.item').length") == 40
    assert "20/11/2026" in page.focused()  # the first of those that came


# -- changes --

def test_the_pin_is_changed_by_the_present_one_and_an_otp(home, app, someone):
    page = home(someone, "pin")
    page.fill("pin", someone.pin)
    page.fill("new-pin", NEW_PIN)
    page.fill("pin-again", NEW_PIN)
    page.fill("otp", someone.next_otp())
    page.press_button("Đổi mã PIN")
    page.sees("Đã đổi mã PIN. Từ nay hãy dùng mã PIN mới.")
    someone.pin = NEW_PIN
    assert app.grant_signing(someone, [bytes(32)]).access_token


@pytest.mark.parametrize("changes, field, words", [
    ({"pin": "wrong pin 1"}, "pin", "Mã PIN không đúng"),
    ({"new-pin": "123456", "pin-again": "123456"}, "new-pin", "Mã PIN này dễ đoán"),
    ({"pin-again": "khác hẳn"}, "pin-again", "Hai lần nhập khác nhau"),
])
def test_what_is_wrong_with_a_change_of_pin_is_said_beside_its_field(home, someone, changes, field, words):
    page = home(someone, "pin")
    values = {"pin": someone.pin, "new-pin": NEW_PIN, "pin-again": NEW_PIN, "otp": someone.next_otp(), **changes}
    for name, value in values.items():
        page.fill(name, value)
    page.press_button("Đổi mã PIN")
    page.sees(words, f"#{field}-fault")
    assert page.focused() == field


def test_the_password_is_changed_and_other_sessions_end(home, app, someone):
    other = oauth.Browser(app.server)
    other.sign_in(someone)
    page = home(someone, "password")
    page.fill("password", someone.password)
    page.fill("new-password", NEW_PASSWORD)
    page.fill("password-again", NEW_PASSWORD)
    page.fill("otp", someone.next_otp())
    page.press_button("Đổi mật khẩu")
    page.sees("Đã đổi mật khẩu. Các phiên đăng nhập khác đã kết thúc.")
    assert not other.signed_in()["signedIn"]
    page.press_button("Đăng xuất")
    page.sees("Bạn đã đăng xuất.")
    sign_in(page, someone, NEW_PASSWORD)
    page.sees(someone.person["name"])


def test_a_wrong_present_password_is_said_beside_it(home, someone):
    page = home(someone, "password")
    page.fill("password", "không phải mật khẩu")
    page.fill("new-password", NEW_PASSWORD)
    page.fill("password-again", NEW_PASSWORD)
    page.fill("otp", someone.next_otp())
    page.press_button("Đổi mật khẩu")
    page.sees("Mật khẩu hiện tại không đúng", "#password-fault")
    assert [page.value(field) for field in ("password", "new-password", "password-again", "otp")] == [""] * 4


def test_signing_out_everywhere_ends_this_session_and_the_others(home, app, someone):
    other = oauth.Browser(app.server)
    other.sign_in(someone)
    page = home(someone, "everywhere")
    page.fill("otp", someone.next_otp())
    page.press_button("Đăng xuất mọi nơi")
    page.sees("Đã đăng xuất trên mọi thiết bị")
    page.sees("Mật khẩu", "label")
    assert not other.signed_in()["signedIn"]


# -- for everybody --

@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_place_is_accessible_and_fits(home, teacher, lang, width):
    page = home(teacher, width=width)
    if lang == "en":
        page.press_button("English")
    for place in PLACES:
        page.call("click", f'nav a[href="#{place}"]')
        page.call("waitForSelector", f'nav a[href="#{place}"][aria-current=page]')
        assert page.axe() == []
        assert page.width_needed() <= width
        page.picture(f"account-{place}-{lang}-{width}")


def test_the_places_of_the_account_have_addresses_for_the_back_button(home, teacher):
    page = home(teacher)
    page.follow("Đổi mã PIN")
    page.sees("Đổi mã PIN", "h1")
    assert page.focused() == "Đổi mã PIN"
    page.back()
    page.sees("Chứng thư số của tôi", "h1")


def test_the_account_works_by_keyboard_alone(window, server, teacher):
    page = window()
    page.goto(f"{server.url}/account")
    page.sees("Mật khẩu")
    page.key("Tab")
    assert page.focused() == "Đến nội dung chính"
    page.key("Enter")
    page.key("Tab")
    assert page.focused() == "login"
    page.type(teacher.person["email"])
    page.key("Tab")
    page.type(teacher.password)
    page.key("Enter")
    page.sees(teacher.person["name"])
    page.key("Shift+Tab", 4)  # from the heading back over the places
    page.key("Enter")
    page.sees("Lần ký gần đây", "h1")

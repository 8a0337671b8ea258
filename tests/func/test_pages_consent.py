"""Consent in a browser: who asks and what, PIN and OTP, and every way in which it can go otherwise,
said in words. The daemon is real; only what it cannot be made to answer is answered in its place."""

import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from lib import oauth

pytestmark = pytest.mark.slow
REQUEST, APPROVE, SIGN_IN = "/consent/v1/request", "/consent/v1/approve", "/account/v1/sign-in"
LABELS = ["Học bạ lớp 12A1 – Trần Văn Mẫu.pdf", "Học bạ lớp 12A2 – Lê Thị Mẫu.pdf", "Bảng điểm.pdf"]


def digests(count):
    return [hashlib.sha256(f"học bạ {number}".encode()).digest() for number in range(count)]


@pytest.fixture(scope="module")
def school(operator):
    return operator.add_agency()


@pytest.fixture(scope="module")
def app(operator, school):
    return oauth.add_app(operator, school)


@pytest.fixture(scope="module")
def teacher(operator, school):
    """For tests that spend none of her one-time passwords and lock nothing."""
    return oauth.subscriber(operator, school)


@pytest.fixture
def someone(operator, school):
    return oauth.subscriber(operator, school)


def address(app, asked):
    return f"{app.server.url}/oauth2/authorize?{app.push(asked).query()}"


@pytest.fixture(scope="module")
def session(app):
    """The cookie of somebody's session; one for all tests of that person."""
    kept = {}

    def of(person):
        if person.user not in kept:
            browser = oauth.Browser(app.server)
            browser.sign_in(person)
            kept[person.user] = browser.cookie()
        return kept[person.user]
    return of


@pytest.fixture
def come(window, app, session):
    """A window that an application has sent to the service, with somebody signed in, or nobody."""
    def at(person, asked=None, sign_in=True, lang=None, **settings):
        page = window(**settings)
        page.answer("/ky/xong", 200)
        page.asked = asked or app.ask_signing(person, digests(3), LABELS, lang=lang)
        if sign_in:
            page.has_session(app.server.url, session(person))
        page.goto(address(app, page.asked))
        page.sees(person.person["name"] if sign_in else "Sign in" if lang == "en" else "Đăng nhập", "main")
        return page
    return at


def sign_in(page, person, login="identity_number"):
    page.fill("login", person.person[login])
    page.fill("password", person.password)
    page.key("Enter")
    page.sees(person.person["name"], ".who")


def approve(page, pin, otp, words="Phê duyệt và ký số"):
    page.fill("pin", pin)
    page.fill("otp", otp)
    page.press_button(words)


def back_at_the_application(page):
    page.call("waitForURL", "**/ky/xong?**")
    return {name: value[0] for name, value in parse_qs(urlsplit(page.url()).query).items()}


# -- approving and declining --

def test_what_is_shown_is_what_is_signed(come, app, someone):
    page = come(someone, sign_in=False)
    sign_in(page, someone)
    shown = page.text("main")
    assert all(label in shown for label in LABELS)
    assert someone.person["name"] in shown and "Tài liệu: 3" in shown and "đúng 3 chữ ký số" in shown
    value = digests(1)[0].hex()
    assert f"SHA-256 {value[:8]}…{value[-8:]}" in shown
    page.call("click", "summary >> nth=0")
    page.sees(value, ".whole")
    approve(page, someone.pin, someone.next_otp())
    said = back_at_the_application(page)
    assert said["state"] == page.asked.state and said["iss"] == app.server.url
    grant = oauth.grant_of(app.redeem(page.asked, said["code"]))
    assert len(app.sign(someone, grant, digests(3))) == 3


def test_declining_goes_back_with_nothing_signed(come, teacher):
    page = come(teacher)
    page.press_button("Từ chối")
    said = back_at_the_application(page)
    assert said["error"] == "access_denied" and "code" not in said


def test_declining_needs_no_account(come, teacher):
    page = come(teacher, sign_in=False)
    page.press_button("Từ chối")
    assert back_at_the_application(page)["error"] == "access_denied"


def test_access_without_signing_needs_no_pin(come, app, teacher):
    page = come(teacher, app.ask("service"))
    page.sees("Ứng dụng không ký được gì bằng quyền này")
    assert page.script("document.querySelectorAll('main input').length") == 0
    page.press_button("Cho phép")
    assert "code" in back_at_the_application(page)


def test_a_double_click_approves_once(come, someone):
    page = come(someone)
    page.posts(APPROVE)
    page.fill("pin", someone.pin)
    page.fill("otp", someone.next_otp())
    page.click_twice("Phê duyệt và ký số")
    assert "code" in back_at_the_application(page)
    assert page.posts(APPROVE) == 1


def test_a_code_may_be_pasted_with_spaces(come, someone):
    page = come(someone)
    otp = someone.next_otp()
    approve(page, someone.pin, f" {otp[:3]} {otp[3:]} ")
    assert "code" in back_at_the_application(page)


def test_the_whole_way_works_by_keyboard_alone(come, someone):
    page = come(someone, sign_in=False)
    reach(page, "login")
    page.type(someone.person["email"])
    page.key("Tab")
    page.type(someone.password)
    page.key("Enter")
    page.sees(someone.person["name"], ".who")
    assert page.focused() == "Xác nhận ký số"  # the new view's heading
    reach(page, "pin")
    page.type(someone.pin)
    page.key("Tab")
    assert page.focused() == "Hiện"
    page.key("Tab")
    assert page.focused() == "otp"
    page.type(someone.next_otp())
    page.key("Tab")
    assert page.focused() == "Phê duyệt và ký số"
    page.key("Space")
    assert "code" in back_at_the_application(page)


def reach(page, field, most=40):
    for _ in range(most):
        page.key("Tab")
        if page.focused() == field:
            return
    raise AssertionError(f"{field} is not reached by Tab")


# -- wrong factors --

@pytest.mark.parametrize("lang, words, left", [
    (None, "Mã PIN không đúng. Chưa có gì được thực hiện.", "Số lần thử còn lại: 4."),
    ("en", "The PIN is not right. Nothing has been done.", "Tries left: 4."),
])
def test_a_wrong_pin_is_said_with_the_tries_that_are_left(come, someone, lang, words, left):
    page = come(someone, lang=lang)
    approve(page, "wrong pin 1", someone.next_otp(), "Phê duyệt và ký số" if lang is None else "Approve and sign")
    page.sees(words, "#pin-fault[role=alert]")
    page.sees(left, "#pin-fault")
    assert page.focused() == "pin"
    assert (page.value("pin"), page.value("otp")) == ("", "")
    assert page.axe() == []


def test_a_wrong_otp_is_said_with_the_tries_that_are_left(come, someone):
    page = come(someone)
    approve(page, someone.pin, someone.wrong_otp())
    page.sees("Mã OTP không đúng", "#otp-fault")
    page.sees("Số lần thử còn lại: 4.", "#otp-fault")
    assert page.focused() == "otp"


def test_an_otp_that_is_no_code_is_not_even_sent(come, teacher):
    page = come(teacher)
    page.posts(APPROVE)
    approve(page, teacher.pin, "12345")
    page.sees("Mã OTP gồm đúng 6 chữ số", "#otp-fault")
    assert page.posts(APPROVE) == 0
    assert page.value("pin") == teacher.pin  # no try, so nothing is lost


def test_a_used_otp_is_said_with_the_seconds_to_the_next_one(come, app, someone):
    otp = someone.otp(1)
    first = come(someone)
    approve(first, someone.pin, otp)
    back_at_the_application(first)
    second = come(someone)
    approve(second, someone.pin, otp)
    second.sees("Mã OTP này đã được dùng", "#otp-fault")
    second.sees("Có thể gửi lại sau", "[role=timer].status")
    assert second.script("document.querySelector('button[type=submit]').disabled")


def test_the_last_try_and_the_lock_are_said_before_and_after(come, app, someone):
    browser = oauth.Browser(app.server)
    browser.authorize(app.push(app.ask_signing(someone, digests(1))))
    browser.sign_in(someone)
    for _ in range(3):
        browser.approve(someone, 400, otp=someone.wrong_otp())
    page = come(someone)
    approve(page, someone.pin, someone.wrong_otp())
    page.sees("Số lần thử còn lại: 1.")
    page.sees("Nếu sai lần nữa, khoá ký sẽ bị khoá")
    approve(page, someone.pin, someone.wrong_otp())
    page.sees("Khoá ký đã bị khoá vì nhập sai nhiều lần")
    page.sees("Hãy liên hệ cơ quan quản lý của bạn để đề nghị mở khoá")


def test_the_pin_can_be_shown_and_is_hidden_again_after_a_try(come, someone):
    page = come(someone)
    page.fill("pin", "wrong pin 1")
    page.call("click", "button.reveal")
    assert page.script("document.getElementById('pin').type") == "text"
    page.fill("otp", someone.next_otp())
    page.press_button("Phê duyệt và ký số")
    page.sees("Mã PIN không đúng")
    assert page.script("document.getElementById('pin').type") == "password"


def test_the_pin_stays_nowhere_in_the_browser(come, someone):
    page = come(someone)
    approve(page, someone.pin, someone.wrong_otp())
    page.sees("Mã OTP không đúng")
    kept = page.script("JSON.stringify([location.href, document.cookie, {...localStorage}, {...sessionStorage},"
                       " document.documentElement.outerHTML, [...document.querySelectorAll('input')].map(i => i.value)])")
    assert someone.pin not in kept and "rssp-session" not in kept


# -- refused otherwise --

def test_a_refusal_of_the_policy_has_its_reason_and_the_other_way(come, operator, someone):
    operator.post("subscribers/set-position", {"userID": someone.user, "position": "Giáo viên kiêm kế toán"})
    page = come(someone)
    approve(page, someone.pin, someone.next_otp())
    page.sees("Bạn không thuộc đối tượng được ký số tập trung", "#form-fault")
    page.sees("USB token hoặc SIM PKI", "#form-fault")
    assert len(page.text("#form-fault .reason")) > 20
    assert page.focused() == "form-fault"


def test_a_request_for_somebody_elses_certificate_can_only_be_declined(come, app, someone, teacher):
    page = come(someone, app.ask_signing(teacher, digests(1)))
    page.sees("Yêu cầu có thể dành cho người khác")
    assert page.script("document.querySelectorAll('main input').length") == 0
    page.press_button("Từ chối")
    assert back_at_the_application(page)["error"] == "access_denied"


@pytest.mark.parametrize("status, body, words", [
    (503, {"code": "HSM_DOWN", "retryAfter": 5}, "Khối ký đang không sẵn sàng. Chưa có gì được ký."),
    (503, {"code": "STORE_DOWN", "retryAfter": 5}, "Dịch vụ chưa ghi được nhật ký nên không thực hiện yêu cầu."),
    (429, {"code": "TOO_MANY", "retryAfter": 65}, "Có thể gửi lại sau 1:0"),
    (500, {"code": "INTERNAL", "error_description": "Máy chủ gặp lỗi bất ngờ"}, "Máy chủ gặp lỗi bất ngờ"),
    (400, {"code": "CERTIFICATE_EXPIRED"}, "Chứng thư số đã hết hạn."),
    (502, {}, "Dịch vụ không thực hiện được yêu cầu (HTTP_502)"),
    (0, {}, "Không liên lạc được với dịch vụ."),
])
def test_what_the_service_cannot_do_now_is_said_and_can_be_tried_again(come, teacher, status, body, words):
    page = come(teacher)
    page.answer(APPROVE, status, body)
    approve(page, "kP7vRm2xWq", "123456")
    page.sees(words, "form")
    assert page.focused() == "form-fault"
    waits = page.script("document.querySelector('button[type=submit]').disabled")
    assert waits == ("retryAfter" in body)


# -- the request's own end --

def test_an_ended_session_signs_in_again_and_nothing_was_approved(come, superuser, someone):
    page = come(someone)
    with superuser.cursor() as cursor:
        cursor.execute("DELETE FROM rssp.session WHERE subscriber = %s", (someone.user,))
    approve(page, someone.pin, someone.next_otp())
    page.sees("Phiên đăng nhập đã kết thúc")
    page.sees("Chưa có gì được phê duyệt")
    sign_in(page, someone)
    approve(page, someone.pin, someone.next_otp())
    assert "code" in back_at_the_application(page)


def test_a_request_that_was_approved_in_another_tab_says_so(come, someone):
    page = come(someone)
    other = page.tab()
    other.goto(page.url())
    other.sees("Xác nhận ký số")
    approve(page, someone.pin, someone.next_otp())
    back_at_the_application(page)
    approve(other, someone.pin, someone.next_otp())
    other.sees("Yêu cầu này đã được phê duyệt, có thể ở một cửa sổ khác")


def test_a_request_that_was_declined_in_another_tab_says_so(come, teacher):
    page = come(teacher)
    other = page.tab()
    other.goto(page.url())
    other.sees("Xác nhận ký số")
    page.press_button("Từ chối")
    back_at_the_application(page)
    other.press_button("Từ chối")
    other.sees("Yêu cầu này đã bị từ chối. Không có gì được ký.")


def test_the_back_button_does_not_lead_to_the_approval(come, teacher):
    page = come(teacher)
    page.press_button("Từ chối")
    back_at_the_application(page)
    page.back()
    assert page.url() == "about:blank"  # where the application was


def test_the_address_of_an_answered_request_says_that_it_was(come, someone):
    page = come(someone)
    consent = page.url()
    approve(page, someone.pin, someone.next_otp())
    back_at_the_application(page)
    page.goto(consent)
    page.sees("Yêu cầu đã được phê duyệt")
    page.sees("Nếu không phải bạn phê duyệt, hãy báo ngay")


def test_a_session_of_another_tab_is_not_used_unseen(come, teacher, someone):
    """Somebody else signs in beside it: the page shows who it is before it asks again."""
    page = come(teacher, sign_in=False)
    sign_in(page, teacher)
    other = page.tab()
    other.goto(page.url())
    other.sees(teacher.person["name"])
    other.press_button("Đăng xuất")
    other.sees("Mật khẩu")
    sign_in(other, someone, "email")
    approve(page, teacher.pin, "123456")
    page.sees("Phiên đăng nhập đã được thay bằng phiên khác")
    page.sees("Chưa có gì được phê duyệt")
    assert page.text(".who strong") == someone.person["name"]


def test_a_request_ends_before_the_eyes_of_its_reader(come, teacher):
    page = come(teacher)
    page.answer(REQUEST, 200, {"client": "Mẫu", "agency": "Mẫu", "scope": "service", "state": "pending",
                               "signedIn": True, "name": "Nguyễn Thị Ví Dụ", "expiresInSeconds": 2})
    page.reload()
    page.sees("Yêu cầu sắp hết hiệu lực.")
    page.sees("Yêu cầu đã hết hiệu lực", "h1")
    page.sees("không có gì được ký")


@pytest.mark.parametrize("query", ["", "?request=", "?request=AAAAAAAA", "?request=%3Cscript%3E"])
def test_an_address_that_is_no_request_says_so(window, server, query):
    page = window()
    page.goto(f"{server.url}/consent{query}")
    page.sees("Không có yêu cầu này", "h1")


def test_a_request_that_must_not_be_redirected_is_explained(window, server, app):
    page = window()
    page.goto(f"{server.url}/oauth2/authorize?{app.ask(redirect_uri='https://khac.mau.edu.vn/').query()}")
    page.sees("Địa chỉ quay lại không phải địa chỉ đã đăng ký của ứng dụng")
    page.sees("REDIRECT_URI_INVALID")
    assert page.url().startswith(server.url + "/oauth2/authorize")
    page.press_button("English")
    page.sees("Somebody may be posing as it")
    assert page.axe() == []


# -- what an application sends is text --

def test_a_label_is_text_whatever_it_holds(come, app, teacher):
    page = come(teacher, app.ask_signing(teacher, digests(1), ["<img src=x onerror=alert(1)>"]))
    page.sees("<img src=x onerror=alert(1)>", ".documents")
    assert page.script("document.querySelectorAll('main img').length") == 0


def test_a_name_cannot_turn_the_direction_of_writing(come, teacher):
    """rsspd refuses such a label; a name that came before it did is shown with a sign in its place."""
    page = come(teacher)
    page.answer(REQUEST, 200, {"client": "a\u202efdp.exe", "agency": "Mẫu", "scope": "service", "state": "pending",
                               "signedIn": True, "name": "Nguyễn Thị Ví Dụ", "expiresInSeconds": 60})
    page.reload()
    page.sees("a\ufffdfdp.exe", "dd")


def test_five_hundred_documents_can_be_counted_and_searched(come, app, teacher):
    labels = [f"Học bạ số {number}.pdf" for number in range(1, 501)]
    page = come(teacher, app.ask_signing(teacher, digests(500), labels), width=360)
    page.sees("Tài liệu: 500")
    page.fill("search", "hoc ba so 377")
    page.sees("Tìm thấy 1 trong 500")
    assert page.script("[...document.querySelectorAll('.documents li')].filter(i => !i.hidden).map(i => i.value)") == [377]
    assert page.script("document.querySelector('.documents').clientHeight") < 500
    assert page.width_needed() <= 360
    assert page.axe() == []


# -- for everybody --

@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("width, scheme", [(1280, "light"), (360, "light"), (320, "dark")])
def test_consent_is_accessible_and_fits(come, teacher, lang, width, scheme):
    page = come(teacher, lang=lang, width=width, colorScheme=scheme)
    assert page.script("document.documentElement.lang") == lang
    assert page.axe() == []
    assert page.width_needed() <= width
    page.picture(f"consent-{lang}-{width}-{scheme}")


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("width", [1280, 360])
def test_sign_in_is_accessible_and_fits(come, teacher, lang, width):
    page = come(teacher, sign_in=False, lang=lang, width=width)
    assert page.axe() == []
    assert page.width_needed() <= width
    page.picture(f"sign-in-{lang}-{width}")


def test_the_language_changes_without_losing_what_was_typed_or_said(come, someone):
    page = come(someone)
    approve(page, "wrong pin 1", someone.next_otp())
    page.sees("Mã PIN không đúng")
    page.fill("otp", "123456")
    page.press_button("English")
    page.sees("The PIN is not right", "#pin-fault")
    assert page.value("otp") == "123456"
    assert page.focused() == "language"
    page.reload()
    page.sees("Confirm signing", "h1")  # chosen once for the tab


def test_fields_say_to_the_browser_what_they_are(come, teacher):
    page = come(teacher, sign_in=False)
    kinds = "[...document.querySelectorAll('main input')].map(i => [i.id, i.type, i.autocomplete, i.inputMode].join(' '))"
    assert page.script(kinds) == ["login text username ", "password password current-password "]
    sign_in(page, teacher)
    assert page.script(kinds) == ["pin password off ", "otp text one-time-code numeric"]


@pytest.mark.parametrize("path", ["/consent", "/account", "/activate", "/problem"])
def test_a_page_does_not_open_in_a_frame(window, server, path):
    page = window()
    page.script(f"""new Promise((done) => {{
        const frame = document.createElement('iframe');
        frame.onload = done;
        frame.src = '{server.url}{path}';
        document.body.append(frame);
    }})""")
    assert any("frame-ancestors" in problem for problem in page.problems())


def test_without_javascript_the_page_says_so(window, server):
    page = window(javaScriptEnabled=False)
    page.goto(f"{server.url}/consent?request=x")
    shown = page.text()
    assert "Trang này cần JavaScript" in shown and "Nothing has been approved" in shown

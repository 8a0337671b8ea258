"""In a real browser, from the school's page to the signed file: sign in, consent, a PDF that a reader
trusts; declining leaves nothing signed."""

import base64

import pytest

from lib import oauth
from lib.browser import Chromium
from lib.demo_app import RECORDS, DemoApp


@pytest.fixture(scope="module")
def school(operator):
    return operator.add_agency()


@pytest.fixture(scope="module")
def demo(server, operator, school):
    made = DemoApp(server, operator, school).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def chromium(server, tmp_path_factory):
    with Chromium(server.cacert, tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def teacher(operator, school):
    return oauth.subscriber(operator, school)


@pytest.fixture
def page(chromium):
    opened = chromium.page()
    yield opened
    opened.close()


def begin(page, demo, teacher):
    """From the school's list to the page that shows what is to be signed."""
    page.goto(demo.url)
    page.press_button("Ký")
    page.sees("Trường THPT Mẫu")
    page.fill("login", teacher.person["identity_number"])
    page.fill("password", teacher.password)
    page.press_button("Đăng nhập")
    page.press_button("Cho phép")
    page.sees("Học bạ lớp 11A1: Trần Văn Mẫu")


def test_a_teacher_signs_in_approves_and_gets_files_that_readers_trust(page, demo, teacher, server, reader, tmp_path):
    begin(page, demo, teacher)
    assert page.url().startswith(server.url + "/consent?")
    page.fill("pin", teacher.pin)
    page.fill("otp", teacher.next_otp())
    page.press_button("Phê duyệt và ký số")
    page.sees("Đã ký 3 tài liệu")
    assert page.url() == demo.url + "/" and page.text().count("✓ Chữ ký hợp lệ") == 3
    for record in RECORDS:
        file = tmp_path / f"{record}.pdf"
        file.write_bytes(base64.b64decode(page.ask("fetched", url=f"{demo.url}/signed/{record}.pdf")))
        assert reader.judge(file) == (1, 1, 1)


def test_declining_leaves_nothing_signed_in_a_browser(page, demo, teacher):
    begin(page, demo, teacher)
    page.press_button("Từ chối")
    page.sees("Không tài liệu nào được ký")
    assert page.text().count("Chưa ký") == 3 and page.axe() == []


def test_a_wrong_pin_is_said_and_the_right_one_still_signs(page, demo, teacher):
    begin(page, demo, teacher)
    page.fill("pin", teacher.pin + "x")
    page.fill("otp", teacher.next_otp())
    page.press_button("Phê duyệt và ký số")
    page.sees("PIN không đúng")
    page.fill("pin", teacher.pin)
    page.fill("otp", teacher.next_otp())
    page.press_button("Phê duyệt và ký số")
    page.sees("Đã ký 3 tài liệu")


def signatures_of(auditor_db, teacher):
    cursor = auditor_db.cursor()
    cursor.execute("SELECT count(*) FROM audit.event WHERE event = 'signature.created' AND credential = %s",
                   [teacher.credential])
    return cursor.fetchone()[0]


def approve(page, teacher):
    page.fill("pin", teacher.pin)
    page.fill("otp", teacher.next_otp())
    page.press_button("Phê duyệt và ký số")
    page.sees("Đã ký")


def test_the_back_button_signs_nothing_again(page, demo, teacher, auditor_db):
    begin(page, demo, teacher)
    approve(page, teacher)
    before = signatures_of(auditor_db, teacher)
    page.back()
    page.goto(demo.url)
    assert page.text().count("✓ Chữ ký hợp lệ") == 3
    assert signatures_of(auditor_db, teacher) == before > 0


def test_two_tabs_are_two_journeys(page, demo, teacher, auditor_db):
    begin(page, demo, teacher)
    tab = page.tab()
    tab.goto(demo.url)
    tab.press_button("Ký")
    tab.sees("Học bạ lớp 11A1: Trần Văn Mẫu")
    approve(tab, teacher)
    approve(page, teacher)
    assert page.text().count("✓ Chữ ký hợp lệ") == 3
    assert signatures_of(auditor_db, teacher) == 2


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("lang, heading", [("vi", "Hồ sơ chờ ký"), ("en", "Records to be signed")])
def test_the_schools_page_is_accessible_and_fits(chromium, demo, width, lang, heading):
    page = chromium.page(width=width, height=780)
    page.goto(f"{demo.url}/?lang={lang}")
    page.sees(heading)
    assert page.axe() == [] and page.problems() == []
    assert page.width_needed() <= width
    page.close()


def test_what_was_signed_is_shown_accessibly_and_fits_a_phone(chromium, demo, teacher, tmp_path):
    page = chromium.page(width=360, height=780)
    begin(page, demo, teacher)
    approve(page, teacher)
    assert page.axe() == [] and page.width_needed() <= 360
    page.picture("demo-signed")
    page.close()

"""The demonstration application (rssp-demo): a school's records, signed through the service in the
teacher's own browser; here over HTTP, as browsers speak it."""

import json
import os
import re
import stat
import subprocess
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from lib import oauth
from lib.demo_app import RECORDS, DemoApp, Visitor
from lib.instance import BUILD


@pytest.fixture(scope="module")
def school(operator):
    return operator.add_agency()


@pytest.fixture(scope="module")
def demo(server, operator, school):
    made = DemoApp(server, operator, school).start()
    yield made
    made.stop()


@pytest.fixture
def teacher(operator, school):
    return oauth.subscriber(operator, school)


@pytest.fixture
def visitor(demo):
    return Visitor(demo)


@pytest.fixture
def shown(reader, tmp_path):
    """What a reader says of a document."""
    def ask(content):
        file = tmp_path / "signed.pdf"
        file.write_bytes(content)
        return reader.shown(file)
    return ask


# -- the whole --

def test_a_teacher_signs_all_records_and_readers_trust_them(visitor, teacher, shown):
    page = visitor.sign(teacher, 0, 1, 2)
    assert "Đã ký 3 tài liệu" in page and page.count("✓ Chữ ký hợp lệ: Nguyễn Thị Ví Dụ") == 3
    assert visitor.signed_files() == RECORDS
    for record in RECORDS:
        said = shown(visitor.download(record))
        assert "Signature is Valid." in said and "Certificate is Trusted." in said, said
        assert "ETSI.CAdES.detached" in said


def test_an_rsa_key_signs_as_well(visitor, operator, school, shown):
    visitor.sign(oauth.subscriber(operator, school, key="rsa-2048"), 1)
    said = shown(visitor.download("bang-diem"))
    assert "Signature is Valid." in said and "Certificate is Trusted." in said, said


def test_only_what_was_ticked_is_signed(visitor, teacher):
    visitor.sign(teacher, 1)
    assert visitor.signed_files() == ["bang-diem"]
    visitor.get("/signed/hoc-ba.pdf", 404)


def test_a_visible_signature_names_the_signer_on_the_page(visitor, teacher, tmp_path):
    visitor.sign(teacher, 0, visible="1")
    file = tmp_path / "signed.pdf"
    file.write_bytes(visitor.download("hoc-ba"))
    drawn = subprocess.run(["pdftocairo", "-pdf", file, tmp_path / "drawn.pdf"], check=False)
    assert drawn.returncode == 0
    text = subprocess.run(["pdftotext", tmp_path / "drawn.pdf", "-"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    assert "Nguyễn Thị Ví Dụ" in text


def test_english_where_it_is_asked_for(demo, teacher):
    page = Visitor(demo, "en").sign(teacher, 0)
    assert '<html lang="en">' in page and "1 document(s) signed" in page and "✓ Signature valid" in page


# -- what the service is asked --

def test_the_signer_sees_each_label_and_hash_before_approving(visitor, teacher):
    where = visitor.identify(visitor.press_sign(0, 2), teacher)
    shown = visitor.asked(where)
    assert shown["client"] == "Trường THPT Mẫu" and shown["scope"] == "credential"
    assert shown["numSignatures"] == 2
    assert [document["label"] for document in shown["documents"]] == [
        "Học bạ lớp 11A1: Trần Văn Mẫu", "Phiếu nhận xét lớp 11A1: Lê Thị Thử"]
    assert len({document["hash"] for document in shown["documents"]}) == 2


def test_the_browser_carries_nothing_of_the_request(visitor, teacher):
    where = visitor.identify(visitor.press_sign(0), teacher)
    assert set(parse_qs(urlsplit(where).query)) == {"client_id", "request_uri"}


def test_each_journey_has_a_state_and_a_challenge_of_its_own(visitor):
    first, second = (parse_qs(urlsplit(visitor.press_sign(0)).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    for name in ("state", "code_challenge"):
        assert len(first[name][0]) == 43 and first[name] != second[name]


def test_who_signed_once_is_known_and_signs_again_with_one_consent(visitor, teacher):
    visitor.sign(teacher, 0)
    assert "request_uri=" in visitor.press_sign(1)
    assert "Người ký: Nguyễn Thị Ví Dụ" in visitor.page


def test_leaving_revokes_what_was_granted_and_forgets_the_files(visitor, teacher):
    visitor.sign(teacher, 0)
    visitor.post("/leave")
    assert visitor.signed_files() == []
    assert "request_uri=" not in visitor.press_sign(0), "the teacher is still known"


# -- no --

def test_declining_leaves_nothing_signed(visitor, teacher, superuser):
    where = visitor.identify(visitor.press_sign(0, 1, 2), teacher)
    assert visitor.come_back(visitor.consent(where, teacher, approve=False)) == "/"
    kind, words = visitor.notice()
    assert kind == "bad" and "Không tài liệu nào được ký" in words
    assert visitor.signed_files() == []
    cursor = superuser.cursor()
    cursor.execute("SELECT count(*) FROM audit.event WHERE event LIKE 'signature.%%' AND credential = %s",
                   [teacher.credential])
    assert cursor.fetchone()[0] == 0


def test_declining_to_be_known_ends_there(visitor, teacher):
    back = visitor.consent(visitor.press_sign(0), teacher, approve=False)
    assert visitor.come_back(back) == "/"
    assert visitor.notice()[0] == "bad" and visitor.signed_files() == []


def test_declined_is_said_in_english_too(demo, teacher):
    visitor = Visitor(demo, "en")
    visitor.come_back(visitor.consent(visitor.press_sign(0), teacher, approve=False))
    assert "Nothing was signed" in visitor.notice()[1]


def test_nothing_ticked_is_said_and_nobody_is_sent_anywhere(visitor):
    assert visitor.press_sign() == "/"
    assert "Hãy đánh dấu ít nhất một tài liệu" in visitor.notice()[1]


def test_a_notice_is_shown_once(visitor):
    visitor.press_sign()
    assert visitor.notice() and not visitor.notice()


@pytest.mark.parametrize("code, words", [
    ("access_denied", "thầy cô đã từ chối"), ("temporarily_unavailable", "tạm thời không phục vụ"),
    ("invalid_request_uri", "đã quá hạn"), ("unauthorized_client", "không nhận phần mềm này"),
    ("invalid_authorization_details", "Dịch vụ ký số từ chối yêu cầu")])
def test_each_error_of_the_flow_is_said_in_words(visitor, demo, code, words):
    state = parse_qs(urlsplit(visitor.press_sign(0)).query)["state"][0]
    visitor.come_back(f"{demo.url}/callback?error={code}&error_description=Words+%3Cb%3E&state={state}"
                      f"&iss={demo.server.url}")
    kind, said = visitor.notice()
    assert kind == "bad" and words in said and "Words <b>" in said
    assert "<b>" not in visitor.page


def test_a_subscriber_who_was_disabled_is_told(visitor, teacher, operator):
    visitor.sign(teacher, 0)
    operator.post("subscribers/disable", {"userID": teacher.user})
    where = visitor.press_sign(1)
    assert where == "/" and visitor.notice()[0] == "bad" or "request_uri=" not in where
    assert visitor.signed_files() == ["hoc-ba"]


def test_a_service_that_is_away_is_said(operator, school, server):
    made = DemoApp(server, operator, school)
    made.words = lambda words=made.words(): [
        "https://127.0.0.1:1" if word == server.url else word for word in words]
    made.start()
    try:
        visitor = Visitor(made)
        state = parse_qs(urlsplit(visitor.press_sign(0)).query)["state"][0]
        visitor.come_back(f"{made.url}/callback?code=x&state={state}&iss=https://127.0.0.1:1")
        assert "tạm thời không phục vụ" in visitor.notice()[1]
    finally:
        made.stop()


def test_a_credential_that_was_locked_is_said_before_anybody_is_sent_anywhere(visitor, teacher):
    visitor.sign(teacher, 0)
    visitor.asked(visitor.press_sign(1))
    otp = teacher.next_otp()
    for _ in range(5):
        visitor.service.approve(teacher, 400, pin="wrong-" + teacher.pin, otp=otp)
    assert visitor.press_sign(1) == "/"
    assert "Chứng thư số hiện không ký được" in visitor.notice()[1]
    assert visitor.signed_files() == ["hoc-ba"]


def test_what_the_policy_refuses_is_not_signed(operator, school, server, teacher):
    made = DemoApp(server, operator, school, profile="finance").start()
    try:
        visitor = Visitor(made)
        where = visitor.press_sign(0)
        visitor.asked(where)
        visitor.service.sign_in(teacher)
        where = visitor.come_back(visitor.service.approve(teacher).uri)
        if where != "/":
            visitor.asked(where)
            refused = visitor.service.approve(teacher, 400).json()
            assert refused["code"] == "POLICY_DENIED" and refused["error_description"]
            visitor.come_back(visitor.service.decline().uri)
        assert visitor.notice()[0] == "bad" and visitor.signed_files() == []
    finally:
        made.stop()


def test_a_code_that_comes_too_late_is_said_and_signs_nothing(visitor, teacher, superuser):
    back = visitor.consent(visitor.identify(visitor.press_sign(0), teacher), teacher)
    superuser.cursor().execute("""UPDATE rssp.authorization_code c SET ends_at = now() - interval '1 second'
        FROM rssp.consent o WHERE o.id = c.consent AND o.subscriber = %s""", [teacher.user])
    assert visitor.come_back(back) == "/"
    assert "đã quá hạn" in visitor.notice()[1] and visitor.signed_files() == []


def test_an_access_token_that_ended_is_renewed_without_the_teacher(visitor, teacher, superuser):
    visitor.sign(teacher, 0)
    cursor = superuser.cursor()
    cursor.execute("""INSERT INTO rssp.token_revocation (kind, subject, before, ends_at)
        VALUES ('subscriber', %s, now(), now() + interval '2 hours')""", [teacher.user])
    time.sleep(1.1)  # a token of the same second counts as issued before
    assert "request_uri=" in visitor.press_sign(1)


# -- two tabs, the back button, strangers --

def test_two_tabs_sign_each_their_own(visitor, teacher):
    visitor.sign(teacher, 2)
    first, second = visitor.press_sign(0), visitor.press_sign(1)
    backs = [visitor.consent(where, teacher) for where in (second, first)]
    for back in backs:
        assert visitor.come_back(back) == "/"
    assert visitor.signed_files() == RECORDS


def test_going_back_signs_nothing_twice(visitor, teacher):
    where = visitor.identify(visitor.press_sign(0), teacher)
    back = visitor.consent(where, teacher)
    visitor.come_back(back)
    first = visitor.download("hoc-ba")
    assert visitor.come_back(back) == "/"
    assert "đã xong hoặc đã quá lâu" in visitor.notice()[1]
    assert visitor.download("hoc-ba") == first


def test_another_browser_cannot_bring_the_answer(visitor, demo, teacher):
    where = visitor.identify(visitor.press_sign(0), teacher)
    back, stranger = visitor.consent(where, teacher), Visitor(demo)
    assert stranger.come_back(back) == "/"
    assert "không bắt đầu ở đây" in stranger.notice()[1] and stranger.signed_files() == []


@pytest.mark.parametrize("iss", ["", "&iss=https%3A%2F%2Fother.mau.vn"])
def test_an_answer_of_another_issuer_is_dropped(visitor, demo, iss):
    state = parse_qs(urlsplit(visitor.press_sign(0)).query)["state"][0]
    visitor.come_back(f"{demo.url}/callback?code=x&state={state}{iss}")
    assert "không phải của dịch vụ ký số" in visitor.notice()[1]


@pytest.mark.parametrize("query", ["", "code=a", "code=a&state=b&state=c", "state=%zz", "code=%00"])
def test_a_return_that_means_nothing_is_refused(visitor, demo, query):
    assert visitor.come_back(f"{demo.url}/callback?{query}") == "/"
    assert visitor.notice()[0] == "bad"


def test_a_form_of_another_site_or_session_is_refused(visitor, demo):
    visitor.post("/sign", 403, csrf="x" * 43, record="0")
    visitor.post("/sign", 403, csrf=Visitor(demo).csrf(), record="0")
    visitor.post("/sign", 403, origin="https://other.mau.vn", record="0")


def test_files_of_one_session_are_not_anothers(visitor, demo, teacher):
    visitor.sign(teacher, 0)
    Visitor(demo).get("/signed/hoc-ba.pdf", 404)


def test_a_foreign_name_that_leads_here_is_refused(visitor, demo):
    answer = visitor.session.get(demo.url, headers={"Host": f"mau.edu.vn:{demo.port}"}, timeout=10)
    assert answer.status_code == 421


# -- its pages, its secrets --

def test_pages_have_no_script_and_may_not_be_framed(visitor):
    answer = visitor.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "script" not in answer.text and "style=" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_session_cookie_is_for_this_site_and_no_script(demo):
    cookie = Visitor(demo).session.get(demo.url + "/x", cookies={"hoc-ba-mau": ""}, timeout=10)
    assert cookie.status_code == 404
    fresh = oauth.requests.get(demo.url, timeout=10).headers["Set-Cookie"]
    assert re.fullmatch(r"hoc-ba-mau=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax", fresh)


def test_a_cookie_known_before_signing_in_opens_nothing_after(visitor, demo, teacher):
    thief = Visitor(demo)
    thief.session.cookies.update(visitor.session.cookies)
    visitor.sign(teacher, 0)
    assert thief.signed_files() == []
    assert visitor.signed_files() == ["hoc-ba"]


def test_it_listens_on_the_loopback_only(demo):
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    listening = [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{demo.port:04X}")]
    assert listening == [f"0100007F:{demo.port:04X}"]


def test_its_secret_is_no_argument_and_of_no_open_file(demo):
    words = (open(f"/proc/{demo.process.pid}/cmdline", "rb").read()).decode().split("\0")
    assert demo.client.secret not in words
    demo.secret_file.chmod(0o644)
    try:
        refused = subprocess.run(demo.words(), capture_output=True, text=True, check=False, timeout=20)
    finally:
        demo.secret_file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert refused.returncode == 2 and "chmod 600" in refused.stderr


def test_its_secret_may_come_by_a_descriptor(demo, operator, school, server):
    other = DemoApp(server, operator, school)
    reader, writer = os.pipe()
    os.write(writer, other.client.secret.encode() + b"\n")
    os.close(writer)
    words = other.words()
    at = words.index("--client-secret-file")
    words[at:at + 2] = ["--client-secret-fd", str(reader)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, pass_fds=[reader])
    os.close(reader)
    assert process.stdout.readline() == f"rssp-demo: {other.url}\n"
    process.terminate()
    assert process.wait(20) == 0


def test_wrong_words_show_the_help():
    done = subprocess.run([str(BUILD / "bin" / "rssp-demo"), "--nonsense"], capture_output=True,
                          text=True, check=False, timeout=20)
    assert done.returncode == 2 and "--client-secret-fd" in done.stderr


def test_no_secret_is_in_its_log(demo, visitor, teacher):
    visitor.sign(teacher, 0)
    log = demo.log()
    for secret in (demo.client.secret, teacher.pin, teacher.password, teacher.secret):
        assert secret not in log
    assert json.dumps(log).count("code=") == 0

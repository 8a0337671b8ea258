"""`rssp sign --visible` and `rssp template`: what is seen of a signature says who signed and when, in
type that can be read and copied; a template is found again; a faulty picture costs no authorisation.
How each kind looks is held by tests/unit/test_ades_appearance.c."""

import json
import os
import re
import stat
import struct
import subprocess
import zlib
from datetime import datetime, timedelta, timezone

import pytest

from lib.instance import SOURCE
from lib.module_scope import client
from lib.rssp import Rssp
from lib.signed_files import Pdf

SAMPLE = SOURCE / "tests" / "data" / "hoc-ba-mau.pdf"
PICTURE = SOURCE / "tests" / "data" / "render" / "chu-ky-mau.png"
SEAL = SOURCE / "tests" / "data" / "render" / "dau-mau.png"
VIETNAM = timezone(timedelta(hours=7))


@pytest.fixture(scope="module")
def agency(operator):
    return operator.add_agency(["UBND TỈNH MẪU", "Sở Giáo dục và Đào tạo", "Trường THPT Ễnh Ương"])


@pytest.fixture
def rssp(server, client, tmp_path):
    made = Rssp(server, client)
    made.environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    made.environment.pop("RSSP_FONT", None)
    return made


@pytest.fixture
def templates(tmp_path):
    return tmp_path / "config" / "rssp" / "templates"


@pytest.fixture
def document(tmp_path):
    file = tmp_path / "hoc-ba.pdf"
    file.write_bytes(SAMPLE.read_bytes())
    return file


def sign(rssp, subscriber, file, *words, **rest):
    """The signed file, or what rssp said."""
    out = file.with_name(f"{file.stem}-signed.pdf")
    done = rssp.run("sign", file, "-o", out, "--credential", subscriber.credential, *words,
                    pin=subscriber.pin, otp=subscriber.next_otp(), **rest)
    return out if done.code == 0 else done


def refused(rssp, subscriber, file, *words, expect=3):
    """Nothing is asked for: a wrong PIN is not noticed; and nothing is written."""
    before = sorted(os.listdir(file.parent))
    done = rssp.run("sign", file, "--credential", subscriber.credential, *words, expect=expect,
                    pin="not asked", otp="not asked")
    assert sorted(os.listdir(file.parent)) == before
    return done.err


def text_of(file):
    return subprocess.run(["pdftotext", "-layout", str(file), "-"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def inks(file, page=1):
    """Pixels of clearly blue and clearly red ink on a page."""
    ppm = subprocess.run(["pdftoppm", "-r", "50", "-f", str(page), "-l", str(page), str(file)],
                         check=True, stdout=subprocess.PIPE).stdout
    head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", ppm)
    pixels = ppm[head.end():]
    triples = [pixels[i:i + 3] for i in range(0, len(pixels), 3)]
    return (sum(b > r + 60 and b > g + 30 for r, g, b in triples),
            sum(r > g + 60 and r > b + 60 for r, g, b in triples))


# what is seen

def test_a_visible_signature_is_valid_and_says_who_signed_and_when(
        rssp, operator, agency, document, reader):
    subscriber = operator.subscriber(agency, name="Nguyễn Thị Ẩm Ví Dụ")
    before = datetime.now(VIETNAM).replace(microsecond=0)
    signed = sign(rssp, subscriber, document, "--visible", "--width", "120")
    text = text_of(signed)
    assert reader.judge(signed) == (1, 1, 1)
    assert re.search(r"Ký bởi:\s+Nguyễn Thị Ẩm Ví Dụ\n", text)
    assert re.search(r"Email:\s+" + re.escape(subscriber.person["email"]), text)
    assert re.search(r"Cơ quan:\s+Trường THPT Ễnh Ương, Sở Giáo dục và Đào tạo,\s+UBND TỈNH MẪU", text)
    time = re.search(r"Thời gian ký:\s+(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d) \+07:00", text).group(1)
    time = datetime.strptime(time, "%d/%m/%Y %H:%M:%S").replace(tzinfo=VIETNAM)
    assert before <= time <= datetime.now(VIETNAM)


def test_its_fonts_are_embedded_subsets_with_unicode(rssp, subscriber, document):
    signed = sign(rssp, subscriber, document, "--visible")
    fonts = subprocess.run(["pdffonts", str(signed)], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    ours = [line for line in fonts.splitlines() if "LiberationSerif" in line]
    assert len(ours) == 2
    for line in ours:
        assert re.match(r"[A-Z]{6}\+LiberationSerif\S*\s+CID TrueType\s+Identity-H\s+yes yes yes", line)


def test_without_being_asked_a_signature_stays_invisible(rssp, subscriber, document):
    rssp.run("template", "save", "mau", "--picture", PICTURE)
    signed = sign(rssp, subscriber, document)
    assert text_of(signed) == text_of(document) and inks(signed) == (0, 0)


def test_a_person_s_picture_and_an_organisation_s_seal_are_both_shown(rssp, subscriber, document, reader):
    signed = sign(rssp, subscriber, document, "--visible", "--picture", PICTURE, "--seal", SEAL,
                  "--corner", "top-left", "--x", "120mm", "--y", "440pt", "--width", "6cm",
                  "--height", "18,5", "--show", "none")
    blue, red = inks(signed)
    assert blue > 20 and red > 200 and reader.judge(signed) == (1, 1, 1)
    assert text_of(signed) == text_of(document)


@pytest.mark.parametrize("show, seen, unseen", [
    ("name", ["Nguyễn"], ["Ký bởi", "@", "Sở Giáo dục", "+07:00"]),
    ("-email,-time", ["Ký bởi:", "Cơ quan:"], ["@", "+07:00"]),
    ("time,labels", ["Thời gian ký:", "+07:00"], ["Ký bởi", "@"]),
    ("-labels,-bold", ["@", "+07:00"], ["Ký bởi", "Thời gian"]),
])
def test_each_line_can_be_switched(rssp, operator, agency, tmp_path, show, seen, unseen):
    file = tmp_path / "plain.pdf"
    file.write_bytes(Pdf("A document").data)
    subscriber = operator.subscriber(agency, name="Nguyễn Thị Mẫu Mực")
    text = text_of(sign(rssp, subscriber, file, "--visible", "--show", show))
    for word in seen:
        assert word in text
    for word in unseen:
        assert word not in text


def test_a_second_visible_signature_keeps_the_first(rssp, operator, agency, document, reader):
    first, second = operator.subscriber(agency), operator.subscriber(agency)
    one = sign(rssp, first, document, "--visible", "--picture", PICTURE)
    two = sign(rssp, second, one, "--visible", "--seal", SEAL, "--corner", "bottom-left")
    assert reader.judge(two) == (2, 2, 2)
    check = subprocess.run(["qpdf", "--check", str(two)], check=False, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert check.returncode == 0, check.stdout


def test_the_page_is_first_last_or_a_number(rssp, operator, agency, tmp_path):
    file = tmp_path / "three.pdf"
    subprocess.run(["qpdf", "--empty", "--pages", *[str(SAMPLE)] * 3, "--", str(file)], check=True)
    for page, number in (("first", 1), ("2", 2), ("last", 3)):
        signed = sign(rssp, operator.subscriber(agency), file, "--visible", "--page", page,
                      "--picture", PICTURE, "--show", "none", "--force")
        assert [inks(signed, n)[0] > 20 for n in (1, 2, 3)] == [n == number for n in (1, 2, 3)]


def test_many_documents_get_the_same_look(rssp, subscriber, tmp_path, reader):
    files = [tmp_path / f"{number}.pdf" for number in range(3)]
    for file in files:
        file.write_bytes(SAMPLE.read_bytes())
    rssp.run("sign", *files, "--credential", subscriber.credential, "--visible", "--picture", PICTURE,
             pin=subscriber.pin, otp=subscriber.next_otp())
    for file in files:
        signed = file.with_name(file.stem + "-signed.pdf")
        assert reader.judge(signed) == (1, 1, 1) and inks(signed)[0] > 20


# templates

def test_a_template_is_saved_listed_shown_and_removed(rssp, templates):
    rssp.run("template", "save", "Học bạ số", "--picture", PICTURE, "--show", "none", "--width", "6cm")
    rssp.run("template", "save", "co-quan", "--seal", SEAL, "--page", "first")
    assert rssp.json("template", "list")["templates"] == [
        {"name": "Học bạ số", "default": True}, {"name": "co-quan", "default": False}]
    shown = rssp.json("template", "show", "Học bạ số")["template"]
    assert shown["width"] == "60mm" and shown["show"] == "none" and shown["picture"] == str(PICTURE)
    rssp.run("template", "default", "co-quan")
    assert "co-quan  (default)" in rssp.run("template", "list").out
    rssp.run("template", "remove", "co-quan")
    assert rssp.json("template", "list")["templates"] == [{"name": "Học bạ số", "default": False}]
    assert sorted(os.listdir(templates)) == ["Học bạ số.json"]


def test_templates_are_for_their_owner_alone(rssp, templates):
    rssp.run("template", "save", "mau", "--picture", PICTURE)
    assert stat.S_IMODE(templates.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in templates.iterdir()} == {0o600}
    assert json.loads((templates / "mau.json").read_text(encoding="utf-8"))["page"] == "last"


def test_a_template_is_replaced_only_by_force(rssp):
    rssp.run("template", "save", "mau", "--picture", PICTURE)
    assert "--force" in rssp.run("template", "save", "mau", "--seal", SEAL, expect=2).err
    rssp.run("template", "save", "mau", "--seal", SEAL, "--force")
    assert "picture" not in rssp.json("template", "show", "mau")["template"]


def test_the_default_template_is_what_visible_shows_and_options_change_it(
        rssp, operator, agency, document):
    rssp.run("template", "save", "mau", "--picture", PICTURE, "--show", "none")
    signed = sign(rssp, operator.subscriber(agency), document, "--visible")
    assert inks(signed)[0] > 20 and text_of(signed) == text_of(document)
    signed = sign(rssp, operator.subscriber(agency), document, "--visible", "--picture", "none",
                  "--show", "name,labels", "--force")
    assert inks(signed) == (0, 0) and "Ký bởi:" in text_of(signed)


def test_a_template_is_used_by_name(rssp, subscriber, document):
    rssp.run("template", "save", "nguoi", "--picture", PICTURE)
    rssp.run("template", "save", "dau", "--seal", SEAL, "--show", "none")
    blue, red = inks(sign(rssp, subscriber, document, "--template", "dau"))
    assert blue == 0 and red > 200


@pytest.mark.parametrize("name", ["../mau", ".mau", "a/b", "", "a" * 65, "a\nb"])
def test_a_template_s_name_is_no_path(rssp, templates, name):
    rssp.run("template", "save", name, "--picture", PICTURE, expect=2)
    assert not templates.exists()


@pytest.mark.parametrize("content", [
    "", "[]", "{\"page\": 1}", "{\"nothing\": \"1\"}", "{\"x\": \"5000mm\"}", "{\"page\": \"0\"}",
    "{" * 30000, "{\"picture\": \"a\\u0000b\"}"])
def test_a_damaged_template_is_refused_by_name(rssp, subscriber, document, templates, content):
    templates.mkdir(parents=True)
    (templates / "mau.json").write_text(content)
    assert "mau.json" in refused(rssp, subscriber, document, "--template", "mau")


def test_a_template_whose_picture_is_gone_says_which(rssp, subscriber, document, tmp_path):
    picture = tmp_path / "chu-ky.png"
    picture.write_bytes(PICTURE.read_bytes())
    rssp.run("template", "save", "mau", "--picture", picture)
    picture.unlink()
    assert "chu-ky.png" in refused(rssp, subscriber, document, "--visible")


def test_an_unknown_template_is_exit_3(rssp, subscriber, document):
    assert "khong-co" in refused(rssp, subscriber, document, "--template", "khong-co")


# what does not go

@pytest.mark.parametrize("words", [
    ("--picture", PICTURE), ("--page", "first"), ("--show", "name")])
def test_an_option_of_a_visible_signature_alone_is_a_misunderstanding(rssp, subscriber, document, words):
    assert "--visible" in refused(rssp, subscriber, document, *words, expect=2)


@pytest.mark.parametrize("words", [
    ("--page", "0"), ("--page", "zwei"), ("--x", "-1"), ("--x", "20miles"), ("--width", "2mm"),
    ("--corner", "middle"), ("--show", "name,shoe"), ("--show", "name,"), ("--font-size", "3"),
    ("--height", "1e3"), ("--show", "none")])
def test_a_value_that_says_nothing_is_exit_2(rssp, subscriber, document, words):
    refused(rssp, subscriber, document, "--visible", *words, expect=2)


@pytest.mark.parametrize("words, said", [
    (("--page", "9"), "no page"), (("--x", "150mm"), "does not fit on the page"),
    (("--width", "10mm", "--height", "5mm"), "too small")])
def test_what_does_not_fit_the_document_is_said_before_anything_is_asked(
        rssp, subscriber, document, words, said):
    assert said in refused(rssp, subscriber, document, "--visible", *words)


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data
            + struct.pack(">I", zlib.crc32(kind + data)))


@pytest.mark.parametrize("content", [
    b"", b"GIF89a", PICTURE.read_bytes()[:900],
    b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 6, 0, 0, 0))],
    ids=["empty", "gif", "truncated", "bomb"])
def test_a_faulty_picture_costs_no_authorisation(rssp, subscriber, document, tmp_path, content):
    picture = tmp_path / "xau.png"
    picture.write_bytes(content)
    assert "xau.png" in refused(rssp, subscriber, document, "--visible", "--picture", picture)


def test_a_seal_without_a_real_size_asks_for_its_width(rssp, subscriber, document, reader):
    assert "real size" in refused(rssp, subscriber, document, "--visible", "--seal", PICTURE)
    signed = sign(rssp, subscriber, document, "--visible", "--seal", PICTURE, "--seal-width", "36mm")
    assert reader.judge(signed) == (1, 1, 1)


def test_a_font_that_is_none_is_refused(rssp, subscriber, document):
    assert "TrueType" in refused(rssp, subscriber, document, "--visible", "--font", SAMPLE)
    rssp.environment["RSSP_FONT"] = "/nowhere/font.ttf"
    assert "/nowhere/font.ttf" in refused(rssp, subscriber, document, "--visible")


def test_what_stands_off_the_page_is_told_where_it_would_stand(rssp, subscriber, document):
    said = refused(rssp, subscriber, document, "--visible", "--x", "200mm", "--width", "60mm", "--height", "30mm")
    assert "(x: -50 … 10 / 0 … 210 mm; y: 25 … 55 / 0 … 297 mm)" in said


def test_only_a_pdf_shows_a_signature(rssp, subscriber, document):
    refused(rssp, subscriber, document, "--visible", "--format", "cades", expect=2)


def test_faults_are_said_in_vietnamese(server, client, subscriber, document, tmp_path):
    speaker = Rssp(server, client, lang="vi")
    speaker.environment["XDG_CONFIG_HOME"] = str(tmp_path)
    assert "không có trang" in refused(speaker, subscriber, document, "--visible", "--page", "7")
    assert "kích thước thực" in refused(speaker, subscriber, document, "--visible", "--seal", PICTURE)
    (tmp_path / "file").touch()
    speaker.environment["XDG_CONFIG_HOME"] = str(tmp_path / "file")
    done = speaker.run("template", "save", "mau", "--picture", PICTURE, expect=7)
    assert "không tạo được thư mục" in done.err and "không phải thư mục" in done.err

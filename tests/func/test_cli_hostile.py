"""`rssp sign` and what is wrong with files, folders and disks: each gets words in both languages, its
exit code, no file that is half there, and no PIN asked for."""

import os
import re
import resource
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from lib.books import rows
from lib.instance import SOURCE
from lib.module_scope import agency, client
from lib.rssp import PROGRAM, Rssp

SAMPLE = (SOURCE / "tests" / "data" / "hoc-ba-mau.pdf").read_bytes()
# Another user's rights, for root too: a namespace in which nobody is mapped.
AS_ANYBODY = ("unshare", "--user")
MEGABYTE = 1 << 20
SANITIZED = b"__asan_init" in Path(PROGRAM).read_bytes()


@pytest.fixture(scope="module")
def subscriber(operator, agency):
    """One for all: nothing here is to be signed by it, or by one OTP each."""
    return operator.subscriber(agency)


@pytest.fixture
def signer(operator, agency):
    return operator.subscriber(agency)


@pytest.fixture(params=["en", "vi"])
def rssp(server, client, request):
    return Rssp(server, client, lang=request.param)


@pytest.fixture
def english(server, client):
    made = Rssp(server, client)
    # one block of more than this is refused, as the memory limit does without the sanitizer
    made.environment["ASAN_OPTIONS"] = (
        made.environment.get("ASAN_OPTIONS", "") + ":max_allocation_size_mb=512")
    return made


@pytest.fixture
def document(tmp_path):
    place = tmp_path / "hồ sơ"
    place.mkdir()
    file = place / "học bạ.pdf"
    file.write_bytes(SAMPLE)
    return file


def sign(rssp, subscriber, *words, **rest):
    """Without PIN and OTP: asking for one is exit 2, and never what is expected here."""
    return rssp.run("sign", *words, "--credential", subscriber.credential, **rest)


def authorisations(auditor_db, subscriber):
    return rows(auditor_db, "SELECT 1 FROM audit.event WHERE credential = %s "
                            "AND event LIKE 'credential.authori%%'", subscriber.credential)


def says(done, english, vietnamese):
    return english in done.err or vietnamese in done.err


# PDFs


def pdf(objects, trailer="/Root 1 0 R"):
    """objects: the bodies of 1 0 obj, 2 0 obj, …"""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(out + b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, trailer.encode(), start))


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"


def stream(dictionary, data):
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(data), data)


def deflated_zeros(megabytes):
    """A zlib stream of so many megabytes of zeros, by repeating the piece for one."""
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\x9c" + piece * megabytes + b"\x03\x00" + bytes(4)


def with_xref_stream(objects, entries, dictionary=b""):
    """entries: those of the cross-reference stream, as they are; or None: of all objects."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    own, start = len(objects) + 1, len(out)
    rows_ = entries(offsets + [start]) if callable(entries) else entries
    out += b"%d 0 obj\n" % own + stream(
        b"/Type /XRef /W [1 4 2] /Size 10 /Root 5 0 R " + dictionary, rows_) + b"\nendobj\n"
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def entry(kind, first, second=0):
    return bytes([kind]) + first.to_bytes(4, "big") + second.to_bytes(2, "big")


def object_stream_bomb():
    """The catalog is in an object stream that inflates to two gigabytes."""
    packed = stream(b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", deflated_zeros(2048))
    return with_xref_stream([packed], lambda at: b"".join([
        entry(0, 0), entry(1, at[0]), entry(1, at[1]), entry(0, 0), entry(0, 0), entry(2, 1, 0),
        entry(0, 0), entry(0, 0), entry(0, 0), entry(0, 0)]))


def xref_stream_bomb():
    return with_xref_stream([CATALOG], deflated_zeros(2048), b"/Filter /FlateDecode")


def nested_filters_bomb():
    return with_xref_stream([CATALOG], zlib.compress(deflated_zeros(2048)),
                            b"/Filter [/FlateDecode /FlateDecode]")


def predictor_bomb():
    return with_xref_stream([CATALOG], zlib.compress(bytes(70)), b"/Filter /FlateDecode "
                            b"/DecodeParms << /Predictor 12 /Columns 2147483600 >>")


HOSTILE = {
    "object stream of 2 GB": object_stream_bomb,
    "cross-reference stream of 2 GB": xref_stream_bomb,
    "filters in one another": nested_filters_bomb,
    "predictor with rows of 2 GB": predictor_bomb,
    "arrays five million deep": lambda: pdf(
        [b"<< /Type /Catalog /Pages 2 0 R /X " + b"[" * 5_000_000 + b" >>", PAGES, PAGE]),
    "dictionaries a million deep": lambda: pdf(
        [b"<< /Type /Catalog /Pages 2 0 R /X " + b"<< /A " * 1_000_000 + b" >>", PAGES, PAGE]),
    "page tree without an end": lambda: pdf(
        [CATALOG, b"<< /Type /Pages /Kids [2 0 R 2 0 R 2 0 R] /Count 3 >>"]),
    "page tree that doubles forty times": lambda: pdf(
        [CATALOG] + [b"<< /Type /Pages /Kids [%d 0 R %d 0 R] /Count 2 >>" % (n, n)
                     for n in range(3, 43)] + [b"<< /Type /Pages /Kids [] /Count 0 >>"]),
    "trailers that point in a circle": lambda: pdf([CATALOG, PAGES], "/Root 1 0 R /Prev 9"),
    "length that is its own stream": lambda: pdf(
        [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Length 2 0 R >>\nstream\nx\nendstream"]),
    "catalog that is itself": lambda: pdf([b"1 0 R"]),
    "startxref beyond the end": lambda: SAMPLE[:SAMPLE.rindex(b"startxref")] + b"startxref\n"
                                        + b"9" * 400 + b"\n%%EOF\n",
    "two billion objects": lambda: pdf([CATALOG, PAGES, PAGE]).replace(
        b"xref\n0 4", b"xref\n0 2147483647"),
    "cut in half": lambda: SAMPLE[:len(SAMPLE) // 2],
    "nothing but a header": lambda: b"%PDF-1.7\n",
    "zeros after a header": lambda: b"%PDF-1.7\n" + bytes(3 * MEGABYTE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pdf_is_refused_without_harm(english, subscriber, document, name):
    document.write_bytes(HOSTILE[name]())
    process = english.begin("sign", document, "--credential", subscriber.credential)
    said = process.stderr.read()
    process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 3, said
    assert re.search("made to harm" if " 2 GB" in name or "filters" in name else "damaged", said)
    assert document.name in said and "WARNING" not in said
    assert os.listdir(document.parent) == [document.name]
    # of rssp or the child that read the file, in kB; AddressSanitizer keeps twice as much
    assert usage.ru_maxrss < (3 << 20 if SANITIZED else 1200 << 10)


def test_a_hostile_pdf_among_others_takes_none_away(english, signer, document):
    (document.parent / "bom.pdf").write_bytes(object_stream_bomb())
    done = english.run("sign", document.parent, "--keep-going", "--credential", signer.credential,
                       expect=3, pin=signer.pin, otp=signer.next_otp())
    assert "bom.pdf" in done.err and document.with_name("học bạ-signed.pdf").exists()


@pytest.mark.parametrize("content, english, vietnamese", [
    (b"", "not a PDF", "không phải PDF"),
    (b"PK\x03\x04", "not a PDF", "không phải PDF"),
    (SAMPLE[:-200], "damaged", "hỏng"),
    (b"\xef\xbb\xbf" + SAMPLE, "before %PDF-", "trước %PDF-"),
])
def test_a_damaged_pdf_is_exit_3(rssp, subscriber, document, content, english, vietnamese):
    document.write_bytes(content)
    assert says(sign(rssp, subscriber, document, expect=3), english, vietnamese)


@pytest.mark.parametrize("password", ["", "mật khẩu"])
def test_an_encrypted_pdf_is_exit_3(rssp, subscriber, document, password):
    locked = document.with_name("khoá.pdf")
    subprocess.run(["qpdf", "--encrypt", password, "owner", "256", "--", document, locked], check=True)
    assert says(sign(rssp, subscriber, locked, expect=3), "encrypted", "mật khẩu")


def test_a_pdf_of_more_than_512_mb_is_exit_3(rssp, subscriber, document):
    with open(document, "ab") as out:
        out.truncate((512 << 20) + 1)
    assert says(sign(rssp, subscriber, document, expect=3), "too large", "quá lớn")


# what is no file


@pytest.mark.parametrize("words", [[], ["--format", "cades"]])
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full", "/dev/tty"])
def test_a_device_is_exit_3(rssp, subscriber, tmp_path, device, words):
    done = sign(rssp, subscriber, device, "--output-dir", tmp_path, *words, expect=3)
    assert says(done, "no regular file", "không phải tệp thường")


def test_a_pipe_is_exit_3_and_not_waited_for(rssp, subscriber, tmp_path):
    os.mkfifo(tmp_path / "ống.pdf")
    for words in ([tmp_path / "ống.pdf"], [tmp_path]):
        done = sign(rssp, subscriber, *words, expect=3)
        assert says(done, "no regular file", "không phải tệp thường")


def test_what_is_not_there_is_exit_3(rssp, subscriber, tmp_path):
    (tmp_path / "đứt.pdf").symlink_to("không có")
    for name in ("không có.pdf", "đứt.pdf"):
        assert says(sign(rssp, subscriber, tmp_path / name, expect=3), "there is no file",
                    "không có tệp")


def test_an_unreadable_file_is_exit_3(rssp, subscriber, document):
    document.chmod(0)
    done = sign(rssp, subscriber, document, wrapper=AS_ANYBODY, expect=3)
    assert says(done, "does not open", "không mở được")


def test_an_unreadable_folder_is_exit_3(rssp, subscriber, document):
    document.parent.chmod(0)
    done = sign(rssp, subscriber, document.parent, wrapper=AS_ANYBODY, expect=3)
    document.parent.chmod(0o700)
    assert says(done, "folder", "thư mục")


def test_an_unreadable_folder_below_is_exit_3_and_keep_going_signs_the_rest(
        english, signer, document):
    below = document.parent / "kín"
    below.mkdir(0)
    done = sign(english, signer, document.parent, "-r", wrapper=AS_ANYBODY, expect=3)
    assert "kín" in done.err
    english.run("sign", document.parent, "-r", "--keep-going", "--credential", signer.credential,
                wrapper=AS_ANYBODY, expect=3, pin=signer.pin, otp=signer.next_otp())
    below.chmod(0o700)
    assert document.with_name("học bạ-signed.pdf").exists()


def test_a_folder_that_links_to_itself_ends(rssp, subscriber, document):
    document.unlink()
    (document.parent / "vòng").symlink_to(document.parent)
    (document.parent / "vòng.pdf").symlink_to("vòng.pdf")
    assert says(sign(rssp, subscriber, document.parent, "-r", expect=3), "no PDF",
                "không có tệp PDF nào")


def test_folders_without_an_end_are_exit_3(english, subscriber, tmp_path):
    place = tmp_path
    for _ in range(70):
        place = place / "d"
        place.mkdir()
    assert "too many folders" in sign(english, subscriber, tmp_path, "-r", expect=3).err


def test_a_list_that_is_no_list_is_exit_3(rssp, subscriber, tmp_path):
    (tmp_path / "danh sách").write_bytes(b"a.pdf\0b.pdf\n")
    for name in ("danh sách", "không có", "."):
        sign(rssp, subscriber, "--list", tmp_path / name, expect=3)
    sign(rssp, subscriber, "--list", "/dev/zero", expect=3)


@pytest.mark.parametrize("name", [
    b"x\ny.pdf", b"\xe1\xba.pdf", b"-o.pdf", b"%n%s.pdf", b"a" * 251 + b".pdf"])
def test_odd_names_are_signed_or_refused_but_never_misread(english, signer, tmp_path, name):
    file = os.path.join(os.fsencode(tmp_path), name)
    with open(file, "wb") as out:
        out.write(SAMPLE)
    listed = tmp_path / "kq.jsonl"
    too_long = len(name) > 247  # with "-signed"
    for _ in range(2):
        done = english.run("sign", "--results", listed, "--credential", signer.credential, "--json",
                           tmp_path, expect=7 if too_long else 0, pin=signer.pin,
                           otp=signer.otp(1))
    assert [row["state"] for row in done.json["documents"]] == ["failed" if too_long else "kept"]
    assert too_long or os.path.exists(file[:-4] + b"-signed.pdf")


def test_a_name_does_not_steer_the_terminal(english, signer, tmp_path):
    (tmp_path / "\x1b[2Jx.pdf").write_bytes(SAMPLE)
    (tmp_path / "\x1b[2Jy.pdf").write_bytes(b"")
    done = english.run("sign", tmp_path, "--keep-going", "--credential", signer.credential, expect=3,
                       pin=signer.pin, otp=signer.next_otp())
    assert "[2Jx" in done.out and "[2Jy" in done.err and "\x1b" not in done.out + done.err


def test_json_says_why_of_a_name_that_is_no_text(english, signer, tmp_path):
    (tmp_path / os.fsdecode(b"\xffz.pdf")).write_bytes(b"")
    done = english.run("sign", tmp_path, "--json", "--credential", signer.credential, expect=3)
    assert "?z.pdf is not a PDF" in done.json["description"]


# disks


def test_a_read_only_folder_is_exit_7_before_anything_is_asked(rssp, subscriber, document):
    document.parent.chmod(0o500)
    done = sign(rssp, subscriber, document, wrapper=AS_ANYBODY, expect=7)
    document.parent.chmod(0o700)
    assert says(done, "no file can be made in", "không tạo được tệp trong")


def test_an_output_folder_that_is_a_file_is_exit_7(rssp, subscriber, document):
    sign(rssp, subscriber, document, "--output-dir", document, expect=7)


def test_an_output_on_another_file_system_is_written(english, signer, document):
    other = f"/dev/shm/rssp-{os.getpid()}"
    assert not os.path.exists(other)
    try:
        english.run("sign", document, "--output-dir", other, "--credential", signer.credential,
                    pin=signer.pin, otp=signer.next_otp())
        assert os.listdir(other) == ["học bạ-signed.pdf"]
    finally:
        shutil.rmtree(other, ignore_errors=True)


def on_full_disk(place, size, fill=""):
    """A wrapper that mounts a small disk there, for the program alone."""
    return ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
            f'mount -t tmpfs -o size={size} none "$0" && {fill or "true"} && exec "$@"', str(place))


def test_a_disk_without_room_is_exit_7_before_anything_is_asked(rssp, subscriber, document, tmp_path):
    disk = tmp_path / "đĩa"
    disk.mkdir()
    done = sign(rssp, subscriber, document, "--output-dir", disk,
                wrapper=on_full_disk(disk, "64k"), expect=7)
    assert says(done, "has no room", "không đủ chỗ")


def test_a_list_of_results_on_a_full_disk_is_exit_7_before_anything_is_asked(
        rssp, subscriber, document, tmp_path):
    disk = tmp_path / "đĩa"
    disk.mkdir()
    done = sign(rssp, subscriber, document, "--results", disk / "kq.jsonl", expect=7,
                wrapper=on_full_disk(disk, "64k", '{ cat /dev/zero > "$0/x" 2>/dev/null || true; }'))
    assert says(done, "cannot be written", "không ghi được")
    assert os.listdir(document.parent) == [document.name]


def test_a_disk_that_fills_up_while_writing_leaves_no_half_file_and_the_next_run_only_writes(
        english, signer, document, tmp_path, auditor_db):
    big = document.with_name("lớn.pdf")
    big.write_bytes(pdf([CATALOG, PAGES, PAGE, stream(b"", os.urandom(8 * MEGABYTE))]))
    listed = tmp_path / "kq.jsonl"
    done = english.run("sign", document.parent, "--results", listed, "--json", "--credential",
                       signer.credential, expect=7, pin=signer.pin, otp=signer.next_otp(),
                       limits={resource.RLIMIT_FSIZE: 4 * MEGABYTE})
    assert [row["state"] for row in done.json["documents"]] == ["done", "failed"]
    assert done.json["documents"][1]["error"] == "local" and "cannot be written" in done.err
    assert sorted(os.listdir(document.parent)) == ["học bạ-signed.pdf", "học bạ.pdf", "lớn.pdf"]
    sign(english, signer, document.parent, "--results", listed)
    assert big.with_name("lớn-signed.pdf").read_bytes().startswith(big.read_bytes())
    assert len(authorisations(auditor_db, signer)) == 1


def test_a_full_standard_output_is_exit_7_and_the_document_is_there(english, signer, document):
    shell = ("sh", "-c", 'exec "$@" > /dev/full', "sh")
    english.run("sign", document, "--credential", signer.credential, wrapper=shell, expect=7,
                pin=signer.pin, otp=signer.next_otp())
    assert document.with_name("học bạ-signed.pdf").exists()


def test_nothing_here_was_authorised(subscriber, auditor_db):
    assert not authorisations(auditor_db, subscriber)

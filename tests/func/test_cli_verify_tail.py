"""`rssp verify` where readers differ: revisions that libqpdf reads in one way and poppler, or a browser, in
another. None of these needs a key; what is shown is not what was signed. pdftoppm is the witness."""

import copy
import hashlib
import subprocess

import pytest

from lib.signed_files import Pdf
from lib.verifying import ca, good, person, stamped, tsa, verify  # pylint: disable=unused-import

EVIL = Pdf.stream(b"BT /F1 18 Tf 72 720 Td (Gia mao) Tj ET")
TITLE, OTHER = b"<< /Title (a) >>", {6: b"<< /Title (b) >>"}


def shown(data, folder):
    """What poppler draws: a digest of it."""
    (folder / "shown.pdf").write_bytes(getattr(data, "data", data))
    done = subprocess.run(["pdftoppm", "-r", "20", folder / "shown.pdf"], check=False,
                          capture_output=True)
    return hashlib.sha256(done.stdout).hexdigest()


@pytest.fixture
def refused(verify, tmp_path):
    """The faults of a file that shows something else than what was signed."""
    def found(signed, forged):
        assert shown(signed, tmp_path) != shown(forged, tmp_path)
        return verify.faults(forged)
    return found


def body(data, number):
    text = data.data[data.data.rindex(b"\n%d 0 obj\n" % number) + 1:]
    return text[text.index(b"\n") + 1:text.index(b"\nendobj")]


def by_table(data, objects, rows, trailer=b"", size=None):
    """A revision whose table is written by hand; rows: from the offsets of the objects."""
    made = copy.deepcopy(data)
    offsets = {}
    for (number, generation), text in objects.items():
        offsets[number, generation] = len(made.data)
        made.data += b"%d %d obj\n%s\nendobj\n" % (number, generation, text)
    start = len(made.data)
    made.data += b"xref\n%strailer\n<< /Size %d /Root 1 0 R /Prev %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        rows(offsets), size or data.size, data.last, trailer, start)
    made.last = start
    return made


def by_stream(data, objects, packed, head=None, index=None):
    """A revision with an object stream and a cross-reference stream. packed: (number, text); head: offsets
    that the list gives, if not the true ones; index: of a number, if not the true one."""
    made = copy.deepcopy(data)
    rows = {}
    for number, text in objects.items():
        rows[number] = (1, len(made.data), 0)
        made.data += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    held, listed, content = max(data.size, 60), b"", b""
    for at, (number, text) in enumerate(packed):
        listed += b"%d %d " % (number, (head or {}).get(at, len(content)))
        content += text + b"\n"
        rows.setdefault(number, (2, held, (index or {}).get(number, at)))
    rows[held] = (1, len(made.data), 0)
    made.data += b"%d 0 obj\n%s\nendobj\n" % (held, Pdf.stream(
        listed + content, b"/Type /ObjStm /N %d /First %d" % (len(packed), len(listed))))
    rows[held + 1] = (1, len(made.data), 0)
    start, known = len(made.data), sorted(rows.items())
    entries = b"/Type /XRef /W [1 4 2] /Index [%s] /Size %d /Root 1 0 R /Prev %d" % (
        b" ".join(b"%d 1" % number for number, _ in known), held + 2, data.last)
    made.data += b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (held + 1, Pdf.stream(b"".join(
        bytes([kind]) + a.to_bytes(4, "big") + b.to_bytes(2, "big") for _, (kind, a, b) in known), entries), start)
    made.last = start
    return made


def test_object_streams_and_cross_reference_streams_are_read(verify, good):
    data = Pdf(objects=[TITLE], catalog=b"/Metadata 6 0 R").sign(good)
    code, one = verify.one(by_stream(data, {}, [(6, b"<< /Title (b) >>"), (3, body(data, 3))]))
    assert code == 0 and one["addedLater"] == ["metadata"]


def test_an_object_stream_holds_each_number_once(refused, good):
    """libqpdf takes the last of a number, poppler the one that the cross-reference counts."""
    data = Pdf().sign(good)
    page = body(data, 3)
    evil = page.replace(b"/Contents 4 0 R", b"/Contents 50 0 R")
    assert "bytes_appended" in refused(data, by_stream(data, {50: EVIL}, [(3, evil), (3, page)]))


def test_the_cross_reference_counts_the_objects_of_a_stream_as_they_stand(refused, good):
    data = Pdf().sign(good)
    forged = by_stream(data, {}, [(59, b"(x)"), (3, body(data, 3))], index={3: 0})
    assert "bytes_appended" in refused(data, forged)


def test_the_objects_of_a_stream_stand_in_their_order(verify, good):
    """What one reader takes for the end of an object another reads over."""
    data = Pdf().sign(good)
    cut = len(body(data, 3)) // 2
    forged = by_stream(data, {}, [(3, body(data, 3)), (59, b"(x)")], head={1: cut})
    assert "bytes_appended" in verify.faults(forged)


@pytest.mark.parametrize("text", [b"<< >>", EVIL])
def test_a_number_keeps_its_generation(refused, good, text):
    """To libqpdf 4 1 stands beside 4 0, to poppler in its place."""
    data = Pdf().sign(good)
    forged = by_table(data, {(4, 1): text}, lambda at: b"4 1\n%010d 00001 n \n" % at[4, 1])
    assert refused(data, forged) == {"bytes_appended"}


def test_a_vertical_tab_is_no_space(refused, good):
    """To libqpdf it is one, to poppler a part of the name."""
    data = Pdf().sign(good)
    page = body(data, 3).replace(b"/Contents 4", b"/Contents\x0b4")
    assert refused(data, copy.deepcopy(data).update({3: page})) == {"bytes_appended"}
    assert "bytes_appended" in refused(data, by_stream(data, {}, [(3, page)]))


def test_a_string_may_hold_a_vertical_tab(verify, good):
    data = Pdf(objects=[TITLE], catalog=b"/Metadata 6 0 R").sign(good)
    assert not verify.faults(data.update({6: b"<< /Title (\xfe\xff\x01\x0b\\)\x0b) >> % \x0b"}))


def with_hidden():
    """A second page content stands in what was signed, and in no cross-reference."""
    data = Pdf(objects=[b"<< /Title (a) /Title (b) /Title (c) >>"], catalog=b"/Metadata 6 0 R")
    data.data += b"4 0 obj\n" + EVIL + b"\nendobj\n"
    return data


def test_a_fault_that_is_mended_does_not_make_room_for_another(refused, good):
    """As many warnings as before, but others: poppler repairs, and shows what was hidden."""
    data = with_hidden().sign(good)
    forged = copy.deepcopy(data).update(OTHER | {30: b"(x)"}, trailer=b"/Info 30 0 R")
    at = forged.data.rindex(b"\n30 0 obj") + 1
    forged.data = forged.data.replace(b"30 1\n%010d" % at, b"30 1\n%010d" % (at + 3))
    assert refused(data, forged) == {"bytes_appended"}


@pytest.mark.parametrize("rows, size", [
    (b"30 2\n0000000000 65535 f \n%010d 00000 n \n", 32), (b"6 1\n%010d 00000 n\n", 0),
    (b"6 1\n+%09d 00000 n \n", 0), (b"6 01\n%010d 00000 n  ", 0)])
def test_a_table_is_written_by_the_letter(verify, good, rows, size):
    data = Pdf(objects=[TITLE], catalog=b"/Metadata 6 0 R").sign(good)
    number = 31 if size else 6
    forged = by_table(data, {(number, 0): b"<< /Title (b) >>"}, lambda at: rows % at[number, 0], size=size)
    try:
        assert "bytes_appended" in verify.faults(forged)
    except KeyError:  # damaged: there is no report
        assert verify.run(forged).code == 3


def test_a_revision_has_no_second_cross_reference_beside_its_table(verify, good):
    """Hybrid files: some readers look there for more objects, and some do not."""
    data = Pdf(objects=[TITLE], catalog=b"/Metadata 6 0 R").sign(good)
    second = by_stream(data, {}, [(59, b"(x)")])
    beside = second.last
    hybrid = copy.deepcopy(second)
    hybrid.last = data.last  # the stream is reached by the table's trailer only
    hybrid.size = 62
    assert verify.faults(hybrid.update(OTHER, trailer=b"/XRef#53tm %d" % beside)) == {"bytes_appended"}


def test_a_trailer_may_hold_any_string(verify, good):
    data = Pdf(objects=[TITLE], catalog=b"/Metadata 6 0 R").sign(good)
    data.update(OTHER, trailer=b"/ID [(\0\x0b[<\\)) <00ff>] /Info << /Producer (1 0 R) >>")
    assert not verify.faults(data)


def test_a_trailer_that_belongs_to_no_table_is_a_fault(verify, good):
    data = Pdf(objects=[TITLE], catalog=b"/Metadata 6 0 R").sign(good)
    data.data += b"trailer\n<< /Size 9 /Root 9 0 R >>\n"
    assert verify.faults(data.update(OTHER)) == {"bytes_appended"}


@pytest.mark.parametrize("head", [b"4 000000000000 obj", b"4294967300 0 obj", b"4 4294967296 obj"])
def test_hidden_objects_may_count_beyond_what_an_int_holds(verify, good, head):
    data = Pdf(objects=[TITLE], catalog=b"/Metadata 6 0 R").sign(good)
    data.data += head + b"\n" + EVIL + b"\nendobj\n"
    assert verify.faults(data.update(OTHER)) == {"bytes_appended"}


@pytest.mark.parametrize("padding", [b"\n" * 1100, b"x", b"\n%%EOF"])
def test_a_revision_ends_where_every_reader_looks_for_its_end(verify, good, padding):
    data = Pdf(objects=[TITLE], catalog=b"/Metadata 6 0 R").sign(good).update(OTHER)
    try:
        assert "bytes_appended" in verify.faults(data.data + padding)
    except KeyError:  # damaged: there is no report
        assert verify.run(data.data + padding).code == 3


def linearized(length):
    """Another document stands at the head of the file, for readers that trust its first object."""
    first = {91: b"<< /Type /Catalog /Pages 92 0 R >>", 92: b"<< /Type /Pages /Kids [93 0 R] /Count 1 >>",
             93: b"<< /Type /Page /Parent 92 0 R /MediaBox [0 0 595 842] /Contents 94 0 R"
                 b" /Resources << /Font << /F1 95 0 R >> >> >>", 94: EVIL,
             95: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"}
    head = b"%%PDF-1.7\n99 0 obj\n<< /Linearized 1 /L %d /O 93 /E 300 /N 1 /T 100 /H [10 10] >>\nendobj\n" % length

    def table(offsets):
        return b"xref\n91 5\n%strailer\n<< /Size 100 /Root 91 0 R >>\nstartxref\n0\n%%%%EOF\n" % b"".join(
            b"%010d 00000 n \n" % offset for offset in offsets)
    text, offsets = b"", []
    for number, content in first.items():
        offsets.append(len(head) + len(table([0] * 5)) + len(text))
        text += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    made = Pdf(objects=[TITLE], catalog=b"/Metadata 6 0 R")
    made.data, made.last, made.size = head + table(offsets) + text, None, 100
    return made.update({number: body(Pdf(objects=[TITLE], catalog=b"/Metadata 6 0 R"), number)
                        for number in range(1, 7)})


def test_a_file_does_not_become_another_by_growing_to_the_length_that_it_names(refused, good):
    """A linearized file is read from its head if it has the length that it says: one revision more, and
    poppler and Chromium show the other document."""
    length = 60000
    data = linearized(length).sign(good)
    forged = copy.deepcopy(data)
    forged.data += b"%\n"
    rest = length - len(copy.deepcopy(forged).update(OTHER).data)
    forged.data = forged.data[:-1] + b"x" * rest + b"\n"
    forged.update(OTHER)
    assert len(forged.data) == length
    assert refused(data, forged) == {"bytes_appended"}


def with_list(*contents, page=b"/Resources << /Font 6 0 R >>"):
    data = Pdf(objects=[b"<< /F1 5 0 R >>", *map(Pdf.stream, contents)])
    streams = b"/Contents [4 0 R %s]" % b" ".join(b"%d 0 R" % (7 + at) for at in range(len(contents)))
    data.page_text = lambda: (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %s %s %s >>" % (
            streams, page, b"/Annots [%s]" % data.references(data.annots) if data.annots else b""))
    return data.update({3: data.page_text()})


COURIER = b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>"


def test_a_list_of_fonts_that_is_more_than_that_does_not_grow(refused, good):
    """The list serves as the page's resources: a new entry of theirs is shown, whatever its type says."""
    data = with_list(b"/X1 Do", page=b"/Resources 6 0 R").sign(good)
    box = Pdf.stream(b"0 0 300 300 re f", b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]")
    forged = copy.deepcopy(data).update({
        6: b"<< /F1 5 0 R /XObject 40 0 R >>", 40: b"<< /Type /Font /X1 41 0 R >>", 41: box})
    assert refused(data, forged) == {"content_changed_later"}


@pytest.mark.parametrize("contents, name", [
    ([b"BT /a\x01b 30 Tf 72 300 Td (Gia mao) Tj ET"], b"/a#01b"),
    ([b"BT /pop#6", b"6ont 30 Tf 72 300 Td (Gia mao) Tj ET"], b"/popfont")],
    ids=["control character", "cut escape"])
def test_a_new_font_is_not_one_whose_name_readers_end_elsewhere(refused, good, contents, name):
    data = with_list(*contents).sign(good)
    forged = copy.deepcopy(data).update({6: b"<< /F1 5 0 R %s 40 0 R >>" % name, 40: COURIER})
    assert refused(data, forged) == {"content_changed_later"}

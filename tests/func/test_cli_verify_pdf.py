"""`rssp verify` against what is done to signed PDFs: forged ranges, wrapped signatures, revisions after
signing, shadow attacks, certifying signatures. The files are made by lib/signed_files.py."""

import zlib

import pytest

from lib import signed_files as make
from lib.signed_files import Authority, Pdf, sign_cms
from lib.verifying import NOT_VALID
from lib.verifying import ca, good, person, stamped, tsa, verify  # pylint: disable=unused-import


CHANGED = Pdf.stream(b"BT /F1 18 Tf 72 720 Td (Gia mao) Tj ET")


# what was signed: the PDF

def test_no_signature_is_exit_9(verify):
    done = verify.run(Pdf(), expect=NOT_VALID)
    assert "There is no signature" in done.out and "nobody has signed" in done.err


def replaced(data, before, after):
    """In place: offsets stay."""
    assert data.count(before) == 1 and len(before) >= len(after)
    return data.replace(before, after.ljust(len(before)))


@pytest.mark.parametrize("spoil", [
    lambda text, n: b"", lambda text, n: b"/ByteRange null", lambda text, n: b"/ByteRange []",
    lambda text, n: b"/ByteRange [0 %d %d]" % n[:2], lambda text, n: b"/ByteRange (0 1 2 3)",
    lambda text, n: b"/ByteRange [9 %d %d %d]" % n,
    lambda text, n: b"/ByteRange [0 %d %d %d]" % (n[0], n[0] - 9, n[2]),
    lambda text, n: b"/ByteRange [0 %d %d 9%d]" % n,
    lambda text, n: b"/ByteRange [0 0 %d %d]" % n[1:],
    lambda text, n: b"/ByteRange [0 %d %d 0]" % n[:2],
    lambda text, n: b"/ByteRange [0 -1 %d %d]" % n[1:],
    lambda text, n: b"/ByteRange [0 1.5 %d %d]" % n[1:],
    lambda text, n: b"/ByteRange [0 9999999999999 1 1]",
])
def test_a_missing_or_odd_byte_range_is_a_fault(verify, good, spoil):
    """Universal signature forgery: a verifier that finds nothing to check must not be content."""
    data = Pdf().sign(good)
    whole = [text for text in data.data.split(b"\n") if b"/ByteRange" in text][0]
    start = whole.index(b"/ByteRange")
    text = whole[start:whole.index(b"]", start) + 1]
    found = verify.faults(replaced(data.data, text, spoil(text, data.last_range())))
    assert found == {"byte_range_wrong"}


@pytest.mark.parametrize("key", [b"/Contentz", b"/Contents null /X", b"/Contents () /X", b"/Contents 5 0 R /X"])
def test_missing_contents_are_a_fault(verify, good, key):
    room = 12
    data = Pdf().sign(good, entries=b" " * room)
    forged = replaced(data.data, b" " * room + b" /Contents <", (b" " + key).rjust(room + 10) + b" <")
    assert verify.faults(forged) == {"contents_not_exact"}


def test_the_gap_holds_the_contents_and_nothing_else(verify, good):
    data = Pdf().sign(good)
    first, last, length = data.last_range()
    narrow = b"/ByteRange [0 %010d %010d %010d]" % (first, last, length)
    for a, b, c in ((first - 4, last, length), (first, last + 6, length - 6),
                    (first + 1, last - 1, length + 1)):
        wide = b"/ByteRange [0 %010d %010d %010d]" % (a, b, c)
        assert verify.faults(replaced(data.data, narrow, wide)) == {"contents_not_exact"}


@pytest.mark.parametrize("write", [
    lambda der: (der.hex() + ">/Evil(").encode().ljust(2 * make.ROOM - 1, b" ") + b")",
    lambda der: (der.hex()[:40] + " " + der.hex()[40:]).encode().ljust(2 * make.ROOM, b"0"),
])
def test_contents_are_plain_hexadecimal_digits(verify, good, write):
    assert verify.faults(Pdf().sign(good, exact=write)) == {"contents_not_exact"}


def test_signature_wrapping_is_found(verify, good):
    """The signed second part is moved behind, as the copied ByteRange says; into the wide gap come a
    table where the old one stood, new content, and the signature's dictionary with the wide range."""
    data = Pdf().sign(good)
    first, last, length = data.last_range()
    value, field = data.size - 1, data.size - 2
    moved = data.last + 40000

    def gap(offsets):
        dictionary = (b"%d 0 obj\n<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached"
                      b" /ByteRange [0 %010d %010d %010d] /Contents %s >>\nendobj\n" % (
                          value, first, moved, length, data.data[first:last]))
        content = b"4 0 obj\n%s\nendobj\n" % CHANGED
        known = {number: data.data.index(b"\n%d 0 obj" % number) + 1 for number in (2, 5)} | {
            number: data.data.rindex(b"\n%d 0 obj" % number) + 1 for number in (1, 3, field)}
        table = b"xref\n0 1\n0000000000 65535 f \n" + b"".join(
            b"%d 1\n%010d 00000 n \n" % row for row in sorted((known | offsets).items()))
        table += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % data.size
        made = data.data[first:last].ljust(data.last - first) + table
        found = {4: first + len(made), value: first + len(made) + len(content)}
        return found, (made + content + dictionary).ljust(moved - first)
    offsets, _ = gap({4: 0, value: 0})
    _, middle = gap(offsets)
    forged = data.data[:first] + middle + data.data[last:]
    assert verify.faults(forged) == {"contents_not_exact"}


def test_a_signature_slipped_in_by_a_later_revision_covers_nothing(verify, good):
    """A forged dictionary with the ByteRange and the Contents of another document's signature."""
    original = Pdf().sign(good)
    forged = Pdf("Gia mao")
    first, last, length = original.last_range()
    contents = original.data[first:last]
    forged.fields, forged.annots = [6], [6]
    forged.update({
        1: forged.catalog_text(), 3: forged.page_text(),
        6: b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (S) /F 132 /Rect [0 0 0 0] /P 3 0 R /V 7 0 R >>",
        7: b"<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 %d %d %d] /Contents %s >>" % (
            first, last, length, contents)})
    assert verify.faults(forged) & {"contents_not_exact", "byte_range_wrong", "not_in_signed_revision"}


def test_the_signature_must_stand_in_the_revision_that_it_covers(verify, person, stamped):
    """The right gap at the right place, but the dictionary came with a later revision."""
    data = Pdf().sign(lambda data: sign_cms(data, person, timestamp=stamped))
    value = data.size - 1
    text = data.data[data.data.rindex(b"%d 0 obj\n" % value):]
    text = text[text.index(b"<<"):text.index(b"\nendobj")]
    field = value - 1
    data.update({value + 1: text, field: (
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Signature%d) /F 132 /Rect [0 0 0 0] /P 3 0 R"
        b" /V %d 0 R >>" % (field, value + 1))})
    assert "not_in_signed_revision" in verify.faults(data)


# what came later

def test_a_second_signature_leaves_the_first_as_it_is(verify, good, ca):
    data = Pdf().sign(good).sign(lambda data: good(data, by=ca.issue("Trần Văn Mẫu", number=3)))
    code, report = verify.report(data)
    assert code == 0
    assert [one["signer"]["name"] for one in report["signatures"]] == ["Nguyễn Thị Ví Dụ", "Trần Văn Mẫu"]
    assert [one["addedLater"] for one in report["signatures"]] == [["signature"], []]
    assert [one["coversWholeFile"] for one in report["signatures"]] == [False, True]


def test_one_bad_signature_of_two_is_exit_9(verify, good):
    stranger = Authority("CA Khác").issue(number=4)
    code, report = verify.report(Pdf().sign(good).sign(lambda data: sign_cms(data, stranger)))
    assert code == NOT_VALID and [one["valid"] for one in report["signatures"]] == [True, False]


EMPTY = (b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Signature6) /F 132 /Rect [0 0 0 0] /P 3 0 R"
         b" %s >>")


def with_empty_field(rect=b"[0 0 0 0]"):
    data = Pdf(objects=[EMPTY.replace(b"[0 0 0 0]", rect) % b""])
    data.fields, data.annots = [6], [6]
    return data.update({1: data.catalog_text(), 3: data.page_text()})


def test_an_empty_field_that_is_signed_later_is_a_signature(verify, good):
    code, report = verify.report(with_empty_field().sign(good).sign(good, into=6))
    assert code == 0
    assert [one["addedLater"] for one in report["signatures"]] == [["signature"], []]


def test_an_empty_field_that_is_dressed_up_is_a_change(verify, good):
    data = with_empty_field().sign(good)
    look = {6: EMPTY % b"/AP << /N 40 0 R >>", 40: Pdf.stream(b"0 0 9 9 re f", b"/Subtype /Form /BBox [0 0 9 9]")}
    assert verify.faults(data.update(look)) == {"annotations_changed_later"}
    moved = with_empty_field().sign(good)
    wide = EMPTY.replace(b"[0 0 0 0]", b"[0 0 500 800]") % b""
    assert verify.faults(moved.update({6: wide})) == {"annotations_changed_later"}


LOOK = Pdf.stream(b"0 0 595 842 re f", b"/Subtype /Form /BBox [0 0 595 842]")


@pytest.mark.parametrize("borrow", [b"/FT /Sig /V 7 0 R", b"/FT /Sig /Parent 6 0 R", b"/Parent 6 0 R"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_field_that_borrows_a_signature_to_show_something_is_a_change(verify, good, borrow, listed):
    """A valid signature's dictionary under a field of the attacker's, that hides the page."""
    data = Pdf().sign(good)
    number = data.size
    data.annots.append(number)
    if listed:
        data.fields.append(number)
    data.update({1: data.catalog_text(), 3: data.page_text(), number + 1: LOOK, number: (
        b"<< /Type /Annot /Subtype /Widget /T (x) /F 4 /Rect [0 0 595 842] /P 3 0 R %s"
        b" /AP << /N %d 0 R >> >>" % (borrow, number + 1))})
    assert "annotations_changed_later" in verify.faults(data)


NOBODYS = b"<< /T (x) /FT /Sig /V << /Type /Sig /ByteRange [0 1 2 3] /Contents <00> >> >>"


@pytest.mark.parametrize("more", [
    b"/Parent 42 0 R", b"/Parent " + NOBODYS, b"/Parent 42 0 R /Kids [43 0 R]",
    b"/Parent 44 0 R", b"/Parent 44 0 R /V null"],
    ids=["parent", "direct parent", "with kids", "indirect value", "null value"])
@pytest.mark.parametrize("listed", [True, False])
def test_what_poses_as_a_signature_that_nobody_judges_is_a_change(verify, good, more, listed):
    """The value stands where no signature is looked for: it hides the page, and needs no key."""
    data = Pdf().sign(good)
    data.annots.append(41)
    if listed:
        data.fields.append(41)
    widget = b"<< /Type /Annot /Subtype /Widget /FT /Sig /F 4 /Rect [0 0 595 842] /P 3 0 R /AP << /N 40 0 R >> %s >>"
    data.update({
        1: data.catalog_text(), 3: data.page_text(), 40: LOOK, 41: widget % more, 42: NOBODYS,
        43: b"<< /T (y) >>", 44: b"<< /T (x) /FT /Sig /V 45 0 R >>",
        45: b"<< /Type /Sig /ByteRange [0 1 2 3] /Contents <00> >>"})
    assert "annotations_changed_later" in verify.faults(data)


@pytest.mark.parametrize("into", [None, 6])
def test_a_document_timestamp_shows_nothing(verify, good, tsa, into):
    """Anyone can get one: what it showed would be nobody's."""
    data = with_empty_field(b"[0 0 595 842]") if into else Pdf()
    data.sign(good).sign(lambda data: make.make_token(tsa, data), format=b"ETSI.RFC3161", date=None,
                         rect=b"[0 0 595 842]", field=b"/AP << /N 40 0 R >>", objects={40: LOOK}, into=into)
    assert "annotations_changed_later" in verify.faults(data)


def test_an_empty_field_that_borrows_a_signature_is_a_change(verify, good):
    data = with_empty_field().sign(good)
    value = data.size - 1
    found = verify.faults(data.update({6: EMPTY % (b"/V %d 0 R /AP << /N 40 0 R >>" % value), 40: LOOK}))
    assert "annotations_changed_later" in found


def test_a_signature_below_a_borrowed_one_is_judged_too(verify, good):
    data = certified(good, 2, Pdf())
    number, value = data.size, data.size - 1
    data.fields.append(number)
    data.annots.append(number + 1)
    data.update({
        1: data.catalog_text(), 3: data.page_text(),
        number: b"<< /FT /Sig /T (x) /V %d 0 R /Kids [%d 0 R] >>" % (value, number + 1),
        number + 1: b"<< /Type /Annot /Subtype /Widget /Parent %d 0 R /F 4 /Rect [0 0 595 842] /P 3 0 R"
                    b" /V %d 0 R /AP << /N %d 0 R >> >>" % (number, number + 2, number + 3),
        number + 2: b"<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents <00> >>",
        number + 3: LOOK})
    assert {"byte_range_wrong", "form_changed_later"} <= verify.faults(data)


def test_a_signatures_look_does_not_change_even_where_forms_may(verify, good):
    data = certified(good, 2)
    field = data.size - 2
    text = data.data[data.data.rindex(b"\n%d 0 obj" % field):]
    text = text[text.index(b"<<"):text.index(b"endobj")].rstrip()
    data.update({field: text[:-2] + b"/AP << /N 40 0 R >> >>", 40: LOOK})
    assert "annotations_changed_later" in verify.faults(data)


def test_a_signature_that_is_taken_out_or_replaced_is_a_change(verify, good):
    data = Pdf().sign(good).sign(good)
    assert "content_changed_later" in verify.faults(data.update({
        6: EMPTY % b"/V %d 0 R" % 9}))


@pytest.mark.parametrize("tail", [
    b"\n\n", b"  "])
def test_white_space_behind_is_nothing(verify, good, tail):
    assert not verify.faults(Pdf().sign(good).data + tail)


@pytest.mark.parametrize("name, objects", [
    ("page content", {4: CHANGED}),
    ("font", {5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>"}),
    ("another page", {2: b"<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 2 >>"}),
    ("page size", {3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>"}),
    ("action", {1: b"<< /Type /Catalog /Pages 2 0 R /OpenAction 9 0 R /AcroForm << /Fields [6 0 R]"
                   b" /SigFlags 3 >> >>", 9: b"<< /S /URI /URI (x) >>"}),
    ("signature removed", {1: b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] /SigFlags 3"
                              b" >> /Names << >> >>"}),
])
def test_a_later_change_of_content_is_a_changed_document(verify, good, name, objects):
    data = Pdf().sign(good).update(objects)
    code, one = verify.one(data)
    assert code == NOT_VALID and "content_changed_later" in one["faults"], name
    assert one["document"] == "bad" and one["signature"] == "good"


def test_a_later_annotation_is_named_as_such(verify, good):
    data = Pdf().sign(good)
    data.annots.append(9)
    data.update({3: data.page_text(), 9: b"<< /Type /Annot /Subtype /FreeText /Rect [0 0 500 800] /Contents (x) >>"})
    assert verify.faults(data) == {"annotations_changed_later"}


FIELD = (b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (diem) /V (%s) /F 4 /Rect [0 0 50 20]"
         b" /P 3 0 R /AP << /N 7 0 R >> >>")


def form(value=b"5", **options):
    data = Pdf(objects=[FIELD % value, Pdf.stream(b"(%s) Tj" % value, b"/Subtype /Form /BBox [0 0 9 9]")],
               **options)
    data.fields, data.annots = [6], [6]
    return data.update({1: data.catalog_text(), 3: data.page_text()})


FILLED = {6: FIELD % b"10", 7: Pdf.stream(b"(10) Tj", b"/Subtype /Form /BBox [0 0 9 9]")}


def test_a_form_filled_later_is_named_as_such(verify, good):
    assert verify.faults(form().sign(good).update(FILLED)) == {"form_changed_later"}


@pytest.mark.parametrize("start, faults", [(Pdf, set()), (form, {"form_changed_later"})])
def test_the_forms_fonts_matter_to_fields_but_not_to_signatures(verify, good, start, faults):
    """Several programs add them when they sign a form that has none."""
    data = start().sign(good).sign(good)
    catalog = data.catalog_text().replace(b"/SigFlags 3", b"/SigFlags 3 /DA (/Helv 0 Tf) /DR << /Font << >> >>")
    assert verify.faults(data.update({1: catalog})) == faults


@pytest.mark.parametrize("where", [b"incremental", b"%comment\n9 0 obj\n<< >>\nendobj\n"])
def test_bytes_behind_that_are_no_revision_are_a_fault(verify, good, where):
    """Incremental saving attacks without a cross-reference table, for readers that repair."""
    assert verify.faults(Pdf().sign(good).data + where) == {"bytes_appended"}


def test_a_tail_that_points_back_is_a_fault(verify, good):
    data = Pdf().sign(good)
    evil = b"4 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (CHANGED, data.last)
    assert verify.faults(data.data + evil) == {"bytes_appended"}


def test_the_shadow_attack_hide_is_found(verify, good):
    """The signed page hides its text under a picture; the update takes the picture away."""
    cover = Pdf.stream(b"1 1 1 rg 0 0 595 842 re f", b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]")
    data = Pdf(objects=[cover], page=b"/Group << /X 6 0 R >>").sign(good)
    assert verify.faults(data.update({6: Pdf.stream(b"", b"/Type /XObject /Subtype /Form /BBox [0 0 1 1]")})
                         ) == {"content_changed_later"}


def test_the_shadow_attack_replace_is_found(verify, good):
    """A font that was not part of the text's look is swapped: other letters for the same codes."""
    data = Pdf(objects=[Pdf.stream(b"glyphs", b"/Type /X")], page=b"/PieceInfo 6 0 R").sign(good)
    assert verify.faults(data.update({6: Pdf.stream(b"others", b"/Type /X")})) == {"content_changed_later"}


def test_the_shadow_attack_hide_and_replace_is_found(verify, good):
    """A second content lies unused in what was signed; the update has only a table that names it."""
    data = Pdf(objects=[b"<< /Hidden true >>"])
    data.data = data.data.replace(b"<< /Hidden true >>", b"<< /Hidden true >>")
    hidden = len(data.data)
    data.data += b"4 0 obj\n%s\nendobj\n" % CHANGED
    data.sign(good)
    start = len(data.data)
    data.data += (b"xref\n4 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root 1 0 R /Prev %d >>\nstartxref\n%d\n"
                  b"%%%%EOF\n" % (hidden, data.size, data.last, start))
    assert verify.faults(data) == {"content_changed_later"}


def misplaced(data, number, by=3):
    """The cross-reference of an object points beside it."""
    at = data.data.rindex(b"\n%d 0 obj" % number) + 1
    start, end = b"%d 1\n%010d" % (number, at), b"%d 1\n%010d" % (number, at + by)
    assert data.data.count(start) == 1
    return data.data.replace(start, end)


HIDDEN = b"4 0 obj\n" + CHANGED + b"\nendobj\n"  # stands in no cross-reference


@pytest.mark.parametrize("trailer", [b"/Info 30 0 R", b"/ID 30 0 R"])
def test_a_revision_that_readers_have_to_repair_is_a_fault(verify, good, trailer):
    """Poppler puts together anew what it finds anywhere in the file, when one object is misplaced."""
    data = Pdf().sign(good)
    data.data += HIDDEN
    data.update({30: b"<< /Title (x) >>"}, trailer=trailer)
    assert "bytes_appended" in verify.faults(misplaced(data, 30))


FRESH = {6: b"<< /Title (b) >>"}


@pytest.mark.parametrize("hidden", [
    HIDDEN, HIDDEN.replace(b"4 0 obj", b"4\n0\tobj"), HIDDEN.replace(b"obj\n<<", b"obj<<", 1),
    b"1 0 obj\n<< /Type /Catalog /Pages 9 0 R >>\nendobj\n", b"99 0 obj\n(x)\nendobj\n",
    b"%" + HIDDEN.replace(b"\n", b"\r"), b"7 0 obj\nnull\nendobj\n"],
    ids=["content", "odd space", "no space", "catalog", "unknown", "comment", "field"])
@pytest.mark.parametrize("behind", [True, False])
def test_objects_that_stand_in_no_cross_reference_are_a_fault(verify, good, hidden, behind):
    """Readers that repair a file for whatever reason would show the last of a number."""
    data = Pdf(objects=[b"<< /Title (a) >>"], catalog=b"/Metadata 6 0 R").sign(good)
    if behind:
        data.update(FRESH)
        data.data = data.data[:data.last] + hidden + data.data[data.last:]
        data.data = data.data.replace(b"startxref\n%d\n" % data.last,
                                      b"startxref\n%d\n" % (data.last + len(hidden)))
    else:
        data.data += hidden
        data.update(FRESH)
    assert verify.faults(data) == {"bytes_appended"}


def test_objects_inside_of_later_objects_are_a_fault(verify, good):
    data = Pdf(objects=[Pdf.stream(b"a")], catalog=b"/Metadata 6 0 R").sign(good)
    assert verify.faults(data.update({6: Pdf.stream(HIDDEN)})) == {"bytes_appended"}


def test_revisions_that_write_an_object_again_are_none_that_hide(verify, good):
    data = Pdf(objects=[b"<< /Title (a) >>"], catalog=b"/Metadata 6 0 R").sign(good)
    data.update({1: data.catalog_text(), **FRESH}).update({1: data.catalog_text(), **FRESH})
    code, one = verify.one(data)
    assert code == 0 and one["addedLater"] == ["metadata"]


def test_metadata_that_readers_have_to_repair_is_a_fault(verify, good):
    data = Pdf(objects=[b"<< /Title (a) >>"], catalog=b"/Metadata 6 0 R").sign(good)
    assert "bytes_appended" in verify.faults(misplaced(data.update({6: b"<< /Title (b) >>"}), 6))


@pytest.mark.parametrize("length, fault", [(512, False), (1000, True)])
def test_the_end_stands_where_every_reader_looks_for_it(verify, good, length, fault):
    found = verify.faults(Pdf().sign(good).data + b"\n" * length)
    assert found == ({"bytes_appended"} if fault else set())


def test_content_that_poses_as_metadata_is_content(verify, good):
    """The page's content is the catalog's metadata too: what is shown is judged as shown."""
    data = Pdf(catalog=b"/Metadata 4 0 R").sign(good)
    assert verify.faults(data.update({4: CHANGED})) == {"content_changed_later"}


@pytest.mark.parametrize("name", [b"/Obj", b"/Annots", b"/AcroForm", b"/Metadata", b"/X"])
def test_a_resource_may_bear_any_name(verify, good, name):
    """Names that elsewhere lead to what is not content."""
    drawn = Pdf.stream(b"(dat) Tj", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    data = Pdf(objects=[b"<< /XObject << %s 7 0 R >> >>" % name, drawn], page=b"/Group 6 0 R").sign(good)
    other = Pdf.stream(b"(hong) Tj", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    assert verify.faults(data.update({7: other})) == {"content_changed_later"}


def test_an_annotation_of_a_tagged_page_may_be_signed(verify, good):
    """The logical structure leads to the field; that it is signed is no change of content."""
    tree = b"/StructTreeRoot << /Type /StructTreeRoot /K << /S /Form /K << /Type /OBJR /Obj 6 0 R >> >> >>"
    data = Pdf(objects=[EMPTY % b""], catalog=tree)
    data.fields, data.annots = [6], [6]
    data.update({1: data.catalog_text(), 3: data.page_text()})
    assert not verify.faults(data.sign(good).sign(good, into=6))


def with_shared_fonts(content, **more):
    """As LibreOffice writes it: pages and form share a list of fonts, object 6."""
    data = Pdf(objects=[b"<< /F1 5 0 R >>", Pdf.stream(content, **more)])
    data.page_text = lambda: (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents [4 0 R 7 0 R] /Resources"
        b" << /Font 6 0 R >> %s >>" % (b"/Annots [%s]" % data.references(data.annots) if data.annots else b""))
    return data.update({3: data.page_text()})


MORE_FONTS = {6: b"<< /F1 5 0 R /popplerfont 30 0 R >>",
              30: b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>"}


@pytest.mark.parametrize("content", [b"BT /F1 9 Tf ET", b"(popplerfont) /popplerfonts /poppler "])
def test_a_new_font_whose_name_nothing_uses_changes_nothing(verify, good, content):
    code, report = verify.report(with_shared_fonts(content).sign(good).sign(good, objects=MORE_FONTS))
    assert code == 0, report


@pytest.mark.parametrize("box, same", [
    (b"[0 0 595.0002 842.0]", True), (b"[0 0 595.01 842]", False), (b"[0 0 595 /842]", False),
    (b"[0 0 595 842 0]", False), (b"[0 0 595]", False), (b"null", False)])
def test_the_size_of_a_page_may_be_written_with_other_digits(verify, good, box, same):
    data = Pdf().sign(good)
    data.update({3: data.page_text().replace(b"[0 0 595 842]", box)})
    assert verify.faults(data) == (set() if same else {"content_changed_later"})


@pytest.mark.parametrize("content", [
    b"BT /popplerfont 9 Tf ET", b"BT/poppler#66ont 9 Tf ET", b"BT /popplerfont", b"BT /poppler", b"/",
    zlib.compress(b"BT /popplerfont 9 Tf ET"), b"unreadable"])
def test_a_new_font_whose_name_was_used_is_a_change(verify, good, content):
    """Text in a font that was not there is shown when it comes."""
    filters = {b"u": b"/Filter /JBIG2Decode", b"x": b"/Filter /FlateDecode"}.get(content[:1], b"")
    data = with_shared_fonts(content, entries=filters)
    assert "content_changed_later" in verify.faults(data.sign(good).sign(good, objects=MORE_FONTS))


@pytest.mark.parametrize("fonts", [
    {6: b"<< /F1 30 0 R >>"}, {6: b"<< /popplerfont 30 0 R >>"},
    {6: b"<< /F1 5 0 R /popplerfont 30 0 R >>", 30: b"<< /Type /Page >>"},
    {6: b"<< /F1 5 0 R /popplerfont << /Type /Font >> >>"}])
def test_a_list_of_fonts_changes_in_no_other_way(verify, good, fonts):
    data = with_shared_fonts(b"BT ET").sign(good).sign(good, objects=MORE_FONTS | fonts)
    assert "content_changed_later" in verify.faults(data)


def test_a_new_font_that_a_fields_defaults_name_is_a_change(verify, good):
    data = with_shared_fonts(b"BT ET")
    data.update({1: data.catalog_text().replace(b">>", b"/AcroForm << /Fields [] /DA (/popplerfont 9 Tf) >> >>")})
    data.catalog_text = lambda: b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [%s] /DA (/popplerfont 9 Tf) >> >>" % (
        data.references(data.fields))
    assert "content_changed_later" in verify.faults(data.sign(good).sign(good, objects=MORE_FONTS))


def test_a_dangling_reference_may_not_be_given_a_meaning(verify, good):
    data = Pdf(page=b"/Tabs 99 0 R").sign(good)
    assert verify.faults(data.update({99: b"/S"})) == {"content_changed_later"}


def test_a_change_that_a_later_signature_covers_is_still_a_change_for_the_first(verify, good):
    data = Pdf().sign(good).sign(good, objects={4: CHANGED})
    code, report = verify.report(data)
    first, second = report["signatures"]
    assert code == NOT_VALID and first["faults"] == ["content_changed_later"] and second["valid"]


def test_later_metadata_is_no_change_of_the_document(verify, good):
    data = Pdf(objects=[b"<< /Title (a) >>"], catalog=b"/Metadata 6 0 R").sign(good)
    code, one = verify.one(data.update({6: b"<< /Title (b) >>"}))
    assert code == 0 and one["addedLater"] == ["metadata"]


# certifying signatures

def certified(good, level, data=None, extra=b""):
    return (data or form()).sign(
        good, catalog=b"/Perms << /DocMDP VALUE >>",
        entries=b"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams"
                b" << /Type /TransformParams /V /1.2 /P %d >> >> %s]" % (level, extra))


@pytest.mark.parametrize("level, faults", [
    (1, {"form_changed_later", "certification_broken"}), (2, set()), (3, set())])
def test_a_certifying_signature_says_whether_forms_may_be_filled(verify, good, level, faults):
    data = certified(good, level).update(FILLED)
    assert verify.faults(data) == faults
    assert verify.one(data)[1]["certification"] == level


def test_locked_fields_are_not_filled(verify, good):
    lock = b"<< /Type /SigRef /TransformMethod /FieldMDP /TransformParams << /Action /All >> >>"
    assert "form_changed_later" in verify.faults(certified(good, 2, extra=lock).update(FILLED))


@pytest.mark.parametrize("level, fault", [(1, True), (2, True), (3, False)])
def test_a_certifying_signature_says_whether_annotations_may_be_added(verify, good, level, fault):
    data = certified(good, level)
    data.annots.append(40)
    data.update({3: data.page_text(), 40: b"<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] /Contents (x) >>"})
    assert bool(verify.faults(data)) == fault


@pytest.mark.parametrize("level", [1, 2, 3])
def test_no_certification_permits_new_content(verify, good, level):
    found = verify.faults(certified(good, level).update({4: CHANGED}))
    assert found == {"content_changed_later", "certification_broken"}


@pytest.mark.parametrize("level, faults", [(1, {"certification_broken"}), (2, set())])
def test_a_certifying_signature_says_whether_others_may_sign(verify, good, level, faults):
    assert verify.faults(certified(good, level).sign(good)) == faults


@pytest.mark.parametrize("entries, field", [
    (b"/Reference [<< /Type /SigRef /TransformMethod /FieldMDP /TransformParams << /Action /All /P 1 >> >>]", b""),
    (b"", b"/Lock << /Type /SigFieldLock /Action /All /P 1 >>"),
    (b"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /P 1 >> >>]", b"")],
    ids=["field-mdp", "lock", "approval-doc-mdp"])
def test_a_signature_that_locks_the_document_forbids_any_further_one(verify, good, entries, field):
    """ISO 32000-2 table 236: "Lock document after signing"; others write it as DocMDP."""
    data = Pdf().sign(good, entries=entries, field=field)
    assert verify.faults(data) == set()
    assert verify.faults(data.sign(good)) == {"certification_broken"}


def test_a_permission_that_came_later_permits_nothing(verify, good):
    """The attacker adds the certification himself."""
    data = form().sign(good)
    data.catalog += b"/Perms << /DocMDP %d 0 R >>" % (data.size - 1)
    data.update(FILLED | {1: data.catalog_text()})
    assert {"form_changed_later", "content_changed_later"} <= verify.faults(data)


def test_a_permission_whose_list_stood_there_empty_permits_nothing(verify, good):
    """The list of permissions is an object of its own, and gets its entry later."""
    data = Pdf(objects=[FIELD % b"5", b"<< >>", b"<< >>"], catalog=b"/Perms 8 0 R")
    data.fields, data.annots = [6], [6]
    data.update({1: data.catalog_text(), 3: data.page_text()}).sign(
        good, entries=b"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /P 3 >> >>]")
    data.update({6: FIELD % b"10", 8: b"<< /DocMDP %d 0 R >>" % (data.size - 1)})
    assert "form_changed_later" in verify.faults(data)


def test_a_signature_among_a_pages_annotations_only_is_a_signature(verify, good):
    """pdfsig adds such ones to a form that stands in the catalog itself."""
    data = Pdf().sign(good)
    kept = data.catalog_text()
    data.sign(good, objects={1: kept})
    code, report = verify.report(data)
    assert code == 0 and len(report["signatures"]) == 2
    forged = Pdf().sign(good)
    kept = forged.catalog_text()
    forged.sign(lambda data: good(data + b"!"), objects={1: kept})
    assert verify.faults(forged) == {"document_changed"}

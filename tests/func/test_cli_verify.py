"""`rssp verify`: what a signed file is worth, each fault by its own name: signer, certificate, revocation,
time, CMS, files of other programs. Most files are signed here without the project's own code
(lib/signed_files.py); what is done to PDFs is in test_cli_verify_pdf.py."""

import http.server
import subprocess
import threading

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from lib import signed_files as make
from lib.instance import SOURCE
from lib.rssp import Rssp
from lib.signed_files import DAY, NOW, Authority, OpensslTimestamps, Pdf, make_token, sign_cms
from lib.verifying import INPUT, NOT_VALID, USAGE, Nowhere, Verify
from lib.verifying import ca, good, person, stamped, tsa, verify  # pylint: disable=unused-import

pytestmark = pytest.mark.filterwarnings("ignore:SHA1 signatures are deprecated")


# what holds

def test_a_good_signature_is_exit_0_and_each_part_has_its_line(verify, good):
    done = verify.run(Pdf().sign(good), expect=0)
    for words in ("Signature valid: Nguyễn Thị Ví Dụ", "vidu@mau.edu.vn", "UBND TỈNH MẪU",
                  "The document has not been changed", "value is right: ECDSA 256",
                  "signing certificate is valid: judged at the time of the timestamp",
                  "not revoked", "timestamp on the signature is valid", "issued by TSA Ví Dụ",
                  "covers the whole file", "Checked at "):
        assert words in done.out, done
    assert "Fault" not in done.out and done.err == ""


def test_the_words_are_those_of_the_ca_in_vietnamese(tmp_path, ca, good):
    verify = Verify(tmp_path, ca, lang="vi")
    done = verify.run(Pdf().sign(good), expect=0)
    for words in ("Chữ ký hợp lệ: Nguyễn Thị Ví Dụ", "Tài liệu chưa bị thay đổi",
                  "Chứng thư số ký hợp lệ", "Dấu thời gian trên chữ ký hợp lệ",
                  "cấp bởi TSA Ví Dụ", "Thời điểm kiểm tra: "):
        assert words in done.out, done


def test_json_says_everything(verify, good):
    _, one = verify.one(Pdf().sign(good))
    assert one["valid"] and one["faults"] == one["allowed"] == one["notes"] == []
    assert [one[name] for name in ("document", "signature", "certificate", "revocation")] == ["good"] * 4
    assert one["timestamp"] == {"state": "good", "time": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
                                "issuer": "TSA Ví Dụ"}
    assert one["signer"]["kind"] == "person" and one["signer"]["root"] == "CA Ví Dụ"
    assert one["judgedBy"] == "timestamp" and one["coversWholeFile"] and one["addedLater"] == []


@pytest.mark.parametrize("turned", [False, True], ids=["from-the-person-up", "from-the-country-down"])
def test_an_agency_is_said_from_its_lowest_level_up(verify, ca, good, turned):
    subject = [("CN", "Nguyễn Thị Ví Dụ"), ("L", "Mẫu"), ("OU", "TRƯỜNG THPT MẪU"),
               ("OU", "SỞ GIÁO DỤC VÀ ĐÀO TẠO"), ("O", "UBND TỈNH MẪU"), ("C", "VN")]
    signer = ca.issue(subject=subject[::-1] if turned else subject)
    _, one = verify.one(Pdf().sign(lambda data: good(data, by=signer)))
    assert one["signer"]["organisation"] == "TRƯỜNG THPT MẪU, SỞ GIÁO DỤC VÀ ĐÀO TẠO, UBND TỈNH MẪU"


@pytest.mark.parametrize("kind, digest, pss", [
    ("rsa-2048", "sha256", False), ("rsa-2048", "sha512", True), ("rsa-3072", "sha256", True),
    ("p-256", "sha256", False), ("p-384", "sha384", False)])
def test_every_scheme_is_verified(verify, ca, good, kind, digest, pss):
    signer = ca.issue(kind=kind)
    assert not verify.faults(Pdf().sign(lambda data: good(data, by=signer, digest=digest, pss=pss)))


def test_a_chain_with_an_intermediate_is_followed(verify, ca, tsa):
    middle = Authority("CA Trung Gian", parent=ca)
    signer = middle.issue()
    data = Pdf().sign(lambda data: sign_cms(data, signer, [signer, middle],
                                            timestamp=lambda value: make_token(tsa, value)))
    crl = verify.file("middle.crl", middle.crl())
    assert not verify.faults(data, "--crl", crl)
    assert verify.faults(data) == {"revocation_not_checked"}


def test_an_intermediate_has_to_say_that_it_is_an_authority(verify, ca, tsa):
    middle = Authority("CA Trung Gian", parent=ca, constrained=False)
    signer = middle.issue()
    data = Pdf().sign(lambda data: sign_cms(data, signer, [signer, middle],
                                            timestamp=lambda value: make_token(tsa, value)))
    assert "certificate_untrusted" in verify.faults(data, "--crl", verify.file("middle.crl", middle.crl()))


def test_openssl_timestamps_are_good(verify, good, tsa, tmp_path):
    authority = OpensslTimestamps(tsa, tmp_path)
    code, one = verify.one(Pdf().sign(lambda data: good(data, timestamp=authority)))
    assert code == 0 and one["timestamp"]["state"] == "good"


# the time

def test_a_missing_timestamp_is_a_fault_unless_allowed(verify, person):
    data = Pdf().sign(lambda data: sign_cms(data, person))
    assert verify.faults(data) == {"no_timestamp"}
    code, one = verify.one(data, "--allow-no-timestamp")
    assert code == 0 and one["allowed"] == ["no_timestamp"] and one["judgedBy"] == "check"


def test_unchecked_revocation_is_a_fault_unless_allowed(verify, good):
    data = Pdf().sign(good)
    assert verify.faults(data, crl=None) == {"revocation_not_checked"}
    assert not verify.faults(data, "--allow-no-revocation", crl=None)


def test_neither_revocation_nor_timestamp_is_named_as_one(verify, person):
    data = Pdf().sign(lambda data: sign_cms(data, person))
    done = verify.run(data, crl=None, expect=NOT_VALID)
    assert "Fault: revocation was not checked and there is no timestamp" in done.out
    assert "Nothing else is wrong" in done.err and "--allow-no-timestamp --allow-no-rev" in done.err
    assert "revocation_not_checked_and_no_timestamp" in verify.faults(data, crl=None)
    changed = data.data.replace(b"(Hoc ba mau)", b"(Hoc ba gia)")
    assert "Nothing else" not in verify.run(changed, crl=None, expect=NOT_VALID).err
    assert not verify.faults(data, "--allow-no-timestamp", "--allow-no-revocation", crl=None)


def test_a_signing_time_after_the_timestamp_is_a_fault(verify, good, person):
    late = NOW + DAY
    assert verify.faults(Pdf().sign(good, date=late)) == {"signing_time_after_timestamp"}
    assert not verify.faults(Pdf().sign(good, date=NOW - DAY))
    attribute = Pdf().sign(lambda data: good(data, times=[late]), date=None)
    assert verify.faults(attribute) == {"signing_time_after_timestamp"}
    unstamped = Pdf().sign(lambda data: sign_cms(data, person), date=late)
    assert "signing_time_after_timestamp" in verify.faults(unstamped)


def test_an_expired_certificate_holds_if_a_timestamp_is_older(verify, ca, tsa, tmp_path):
    signer = ca.issue(start=-20 * DAY, end=-5 * DAY)
    old = verify.file("old.crl", ca.crl(start=-11 * DAY, end=-9 * DAY))
    then = Pdf().sign(lambda data: sign_cms(data, signer, timestamp=lambda value: make_token(
        tsa, value, NOW - 10 * DAY)), date=NOW - 10 * DAY)
    code, one = verify.one(then, crl=old)
    assert code == 0 and one["judgedBy"] == "timestamp", one
    now = Pdf().sign(lambda data: sign_cms(data, signer, timestamp=lambda value: make_token(
        tsa, value)))
    assert "certificate_expired" in verify.faults(now)
    unstamped = Pdf().sign(lambda data: sign_cms(data, signer))
    assert "certificate_expired" in verify.faults(unstamped)


def test_a_certificate_that_is_not_valid_yet_is_a_fault(verify, ca, good):
    signer = ca.issue(start=DAY)
    assert "certificate_not_yet_valid" in verify.faults(
        Pdf().sign(lambda data: good(data, by=signer)))


@pytest.mark.parametrize("spoil, fault", [
    (lambda tsa, other: lambda value: make_token(tsa, b"something else"), "timestamp_wrong"),
    (lambda tsa, other: lambda value: make_token(tsa, value)[:-8], "timestamp_wrong"),
    (lambda tsa, other: lambda value: make_token(tsa, value)[:-8] + bytes(8), "timestamp_wrong"),
    (lambda tsa, other: lambda value: make_token(other.timestamper(), value), "timestamp_untrusted"),
    (lambda tsa, other: lambda value: make_token(tsa.issuer.issue(), value), "timestamp_untrusted"),
    (lambda tsa, other: lambda value: make_token(
        tsa.issuer.timestamper(start=-20 * DAY, end=-5 * DAY), value), "timestamp_untrusted"),
    (lambda tsa, other: lambda value: make_token(tsa, value, digest="sha1"), "weak_digest"),
])
def test_a_bad_timestamp_is_a_fault(verify, person, tsa, spoil, fault):
    token = spoil(tsa, Authority("CA Khác"))

    def without_parsing(value):
        try:
            cms.ContentInfo.load(token(value)).native
            return token(value)
        except ValueError:
            return cms.ContentInfo({"content_type": "data", "content": b"broken"}).dump()
    data = Pdf().sign(lambda data: sign_cms(data, person, timestamp=without_parsing))
    assert fault in verify.faults(data)


def test_an_authority_that_expired_since_is_noted_and_a_revoked_one_refused(verify, ca, person):
    then, authority = NOW - 10 * DAY, ca.timestamper(start=-20 * DAY, end=-5 * DAY)
    data = Pdf().sign(lambda data: sign_cms(data, person, timestamp=lambda value: make_token(
        authority, value, then)), date=then)
    code, one = verify.one(data)
    assert code == 0 and set(one["notes"]) == {
        "timestamp_certificate_expired_since", "timestamp_revocation_not_checked"}
    revoked = ca.timestamper()
    data = Pdf().sign(lambda data: sign_cms(data, person, timestamp=lambda value: make_token(revoked, value)))
    crl = verify.file("tsa.crl", ca.crl(revoked))
    assert verify.faults(data, crl=crl) == {"timestamp_untrusted"}


def test_a_document_timestamp_proves_the_time_of_the_signatures_before(verify, person, tsa):
    data = Pdf().sign(lambda data: sign_cms(data, person)).stamp(lambda data: make_token(tsa, data))
    code, report = verify.report(data)
    first, second = report["signatures"]
    assert code == 0 and first["timestamp"]["issuer"] == "TSA Ví Dụ"
    assert first["addedLater"] == ["timestamp"] and not first["coversWholeFile"]
    assert second["kind"] == "documentTimestamp" and second["coversWholeFile"]


def test_a_document_timestamp_of_other_bytes_is_a_fault(verify, person, tsa):
    data = Pdf().sign(lambda data: sign_cms(data, person)).stamp(lambda data: make_token(tsa, b"x"))
    assert {"timestamp_wrong", "no_timestamp"} <= verify.faults(data)


def test_a_document_timestamp_alone_is_nobodys_signature(verify, tsa):
    done = verify.run(Pdf().stamp(lambda data: make_token(tsa, data)), expect=NOT_VALID)
    assert "nobody has signed" in done.err


# who

def test_a_certificate_of_another_root_is_untrusted(verify):
    stranger = Authority("CA Khác").issue()
    data = Pdf().sign(lambda data: sign_cms(data, stranger))
    assert "certificate_untrusted" in verify.faults(data)


def test_a_root_of_the_same_name_is_not_the_root(verify, tsa):
    impostor = Authority("CA Ví Dụ", kind="p-384")
    signer = impostor.issue()
    data = Pdf().sign(lambda data: sign_cms(data, signer, [signer, impostor]))
    assert "certificate_untrusted" in verify.faults(data)


def test_of_two_roots_of_one_name_the_right_one_is_found(verify, ca, good):
    other = Authority("CA Ví Dụ", kind="p-384")
    signer = other.issue()
    data = Pdf().sign(lambda data: good(data, by=signer))
    more = ["--ca", verify.file("other.pem", other.pem), "--crl", verify.file("other.crl", other.crl())]
    assert not verify.faults(data, *more) and not verify.faults(Pdf().sign(good), *more)


@pytest.mark.parametrize("when, stamp, fault", [
    (-DAY, 0 * DAY, "certificate_revoked"), (-DAY, None, "certificate_revoked"),
    (-DAY, -3 * DAY, None)])
def test_a_revoked_certificate_holds_only_if_a_timestamp_is_older(
        verify, ca, person, tsa, when, stamp, fault):
    token = None if stamp is None else lambda value: make_token(tsa, value, NOW + stamp)
    date = NOW if stamp is None else NOW + stamp
    data = Pdf().sign(lambda data: sign_cms(data, person, timestamp=token), date=date)
    crl = verify.file("revoked.crl", ca.crl(person, when=when))
    found = verify.faults(data, crl=crl)
    assert (fault in found) if fault else not found
    if not fault:
        assert verify.one(data, crl=crl)[1]["notes"] == ["certificate_revoked_after_timestamp"]


def test_a_suspended_certificate_is_revoked(verify, ca, person, good):
    crl = verify.file("hold.crl", ca.crl(person, reason=x509.ReasonFlags.certificate_hold))
    assert "certificate_revoked" in verify.faults(Pdf().sign(good), crl=crl)


@pytest.mark.parametrize("options", [
    {"end": -DAY, "start": -2 * DAY}, {"start": DAY, "end": 2 * DAY}, {"digest": "sha1"},
    {"signer": "other"}])
def test_a_crl_that_tells_nothing_leaves_revocation_unchecked(verify, ca, good, options):
    if "signer" in options:
        options = {"signer": Authority("CA Khác")}
    crl = verify.file("odd.crl", ca.crl(**options))
    assert verify.faults(Pdf().sign(good), crl=crl) == {"revocation_not_checked"}


def test_a_crl_that_is_out_of_date_is_named(verify, ca, good):
    crl = verify.file("old.crl", ca.crl(start=-2 * DAY, end=-DAY))
    made = f"{NOW - 2 * DAY:%Y-%m-%dT%H:%M:%SZ}"
    assert verify.one(Pdf().sign(good), crl=crl)[1]["crlUnfit"] == made
    assert "not checked: the list is out of date, made on" in verify.run(Pdf().sign(good), crl=crl).out
    assert verify.one(Pdf().sign(good))[1]["crlUnfit"] is None


def test_who_is_trusted_by_himself_stands_on_no_list(verify, good, person):
    verify.ca = verify.file("own.pem", person.pem)
    done = verify.run(Pdf().sign(good), crl=None)
    assert "The certificate is not revoked\n" in done.out


def test_a_crl_inside_the_signature_counts(verify, ca, person, good):
    assert not verify.faults(Pdf().sign(lambda data: good(data, crls=[ca.crl()])), crl=None)
    found = verify.faults(Pdf().sign(lambda data: good(data, crls=[ca.crl(person)])))
    assert "certificate_revoked" in found


def test_a_crl_in_the_documents_dss_counts(verify, ca, good):
    data = Pdf().sign(good)
    number = data.size
    data.catalog += b"/DSS << /CRLs [%d 0 R] >>" % number
    data.update({1: data.catalog_text(), number: Pdf.stream(ca.crl())})
    code, one = verify.one(data, crl=None)
    assert code == 0 and one["addedLater"] == ["validationData"]


def test_a_list_kept_in_the_signature_does_not_keep_from_asking(verify, ca, crl_server, tsa):
    """It may be from before something was found out."""
    url = f"http://127.0.0.1:{crl_server.server_port}/ca.crl"
    signer, then = ca.issue(crl_url=url), NOW - 10 * DAY
    old = ca.crl(start=-11 * DAY, end=-9 * DAY)
    data = Pdf().sign(lambda data: sign_cms(data, signer, crls=[old], timestamp=lambda value: make_token(
        tsa, value, then)), date=then)
    file = verify.file("kept.pdf", data.data)
    crl_server.lists["/ca.crl"] = ca.crl(signer, when=-12 * DAY)
    done = verify.rssp.run("verify", file, "--ca", verify.ca, expect=NOT_VALID)
    assert crl_server.asked and "Fault: the certificate is revoked" in done.out


@pytest.fixture
def crl_server():
    """Serves what is put into `lists` by path; keeps what was asked for."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.path)
            content = server.lists.get(self.path)
            self.send_response(200 if content else 404)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.lists, server.asked = {}, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def fetching(verify, server, ca, content, expect, **options):
    url = f"http://127.0.0.1:{server.server_port}/ca.crl"
    signer = ca.issue(crl_url=url)
    stamper = ca.timestamper()
    data = Pdf().sign(lambda data: sign_cms(
        data, signer, timestamp=lambda value: make_token(stamper, value)))
    server.lists["/ca.crl"] = content(signer)
    return verify.rssp.run("verify", verify.file("fetch.pdf", data.data), "--ca", verify.ca,
                           *options.get("words", ()), expect=expect)


def test_the_crl_is_fetched_from_where_the_certificate_says(verify, ca, crl_server):
    fetching(verify, crl_server, ca, lambda _: ca.crl(), 0)
    assert crl_server.asked == ["/ca.crl"]
    done = fetching(verify, crl_server, ca, lambda signer: ca.crl(signer), NOT_VALID)
    assert "The certificate is revoked" in done.out


def test_a_crl_that_does_not_come_leaves_revocation_unchecked(verify, ca, crl_server):
    done = fetching(verify, crl_server, ca, lambda _: None, NOT_VALID)
    assert "Fault: revocation was not checked" in done.out and "HTTP 404" in done.err
    done = fetching(verify, crl_server, ca, lambda _: b"no list", NOT_VALID)
    assert "Fault: revocation was not checked" in done.out


def test_offline_asks_nobody_and_says_so(verify, ca, crl_server):
    done = fetching(verify, crl_server, ca, lambda _: ca.crl(), NOT_VALID, words=["--offline"])
    assert "Revocation: not checked" in done.out and not crl_server.asked


def test_an_untrusted_certificate_sends_nobody_anywhere(verify, crl_server):
    done = fetching(verify, crl_server, Authority("CA Khác"), lambda _: None, NOT_VALID)
    assert "does not lead to a trusted root" in done.out and not crl_server.asked


@pytest.mark.parametrize("subject, kind", [
    ([("CN", "SỞ GIÁO DỤC VÀ ĐÀO TẠO"), ("O", "UBND TỈNH MẪU"), ("C", "VN")], "organisation"),
    ([("CN", "UBND TỈNH MẪU"), ("O", "UBND TỈNH MẪU"), ("C", "VN")], "organisation"),
    ([("CN", "Trần Văn Mẫu"), ("O", "UBND TỈNH MẪU"), ("C", "VN")], "person")])
def test_whose_certificate_was_due_is_asked(verify, ca, good, subject, kind):
    signer = ca.issue(subject=subject)
    data = Pdf().sign(lambda data: good(data, by=signer))
    fault = {"person": "personal_certificate_where_organisation_due",
             "organisation": "organisation_certificate_where_person_due"}[kind]
    other = {"person": "organisation", "organisation": "person"}[kind]
    assert verify.one(data)[1]["signer"]["kind"] == kind
    assert not verify.faults(data, "--expect", kind)
    assert verify.faults(data, "--expect", other) == {fault}


@pytest.mark.parametrize("options", [
    {"usage": "key_encipherment"}, {"purposes": [ExtendedKeyUsageOID.SERVER_AUTH]},
    {"purposes": [ExtendedKeyUsageOID.TIME_STAMPING]}])
def test_a_certificate_for_something_else_signs_no_documents(verify, ca, good, options):
    signer = ca.issue(**options)
    assert "certificate_not_for_signing" in verify.faults(
        Pdf().sign(lambda data: good(data, by=signer)))


# what was signed: the CMS

def test_a_changed_byte_is_a_changed_document(verify, good):
    data = Pdf().sign(good).data.replace(b"(Hoc ba mau)", b"(Hoc ba gia)")
    code, one = verify.one(data)
    assert code == NOT_VALID and one["faults"] == ["document_changed"]
    assert one["document"] == "bad" and one["signature"] == "good"
    assert "Fault: the document was changed after signing" in verify.run(data).out


def test_a_signature_by_another_key_is_wrong(verify, ca, person):
    other = ca.issue(kind="p-256", number=7)

    def crossed(data):
        info = make.signer_info(data, other, names=person)
        info["sid"] = make.signer_info(data, person)["sid"]
        return make.signed_data([info], [person])
    assert "signature_wrong" in verify.faults(Pdf().sign(crossed))


def test_the_certificate_beside_must_be_the_one_that_was_named(verify, ca, person, good):
    twin = ca.issue("Trần Văn Mẫu", number=1)  # the same key, another certificate
    data = Pdf().sign(lambda data: good(data, names=twin))
    assert verify.faults(data) == {"signing_certificate_mismatch"}
    assert not verify.faults(Pdf().sign(good))


def test_cades_has_to_name_its_certificate_and_others_are_noted(verify, good):
    plain = Pdf().sign(lambda data: good(data, named=False))
    assert verify.faults(plain) == {"signing_certificate_not_named"}
    older = Pdf().sign(lambda data: good(data, named=False), format=b"adbe.pkcs7.detached")
    code, one = verify.one(older)
    assert code == 0 and one["notes"] == ["signing_certificate_attribute_absent"]


@pytest.mark.parametrize("change, fault", [
    (lambda data, person, other: sign_cms(data, person, attributes=False),
     "signed_attributes_wrong"),
    (lambda data, person, other: sign_cms(data, person, content_type="tst_info"),
     "signed_attributes_wrong"),
    (lambda data, person, other: make.signed_data(
        [make.signer_info(data, person), make.signer_info(data, other)], [person, other]),
     "not_one_signer"),
    (lambda data, person, other: make.signed_data([], [person]), "not_one_signer"),
    (lambda data, person, other: sign_cms(data, person, [other]), "signer_certificate_missing"),
    (lambda data, person, other: sign_cms(data, person, []), "signer_certificate_missing"),
    (lambda data, person, other: make.signed_data(
        [make.signer_info(data, person)], [person], inside=b"data"), "format_not_supported"),
    (lambda data, person, other: sign_cms(data, person, digest="sha1"), "weak_digest"),
    (lambda data, person, other: sign_cms(data, person) + sign_cms(data, other),
     "cms_trailing_data"),
    (lambda data, person, other: sign_cms(data, person) + b"\0\0\1", "cms_trailing_data"),
    (lambda data, person, other: b"", "cms_malformed"),
    (lambda data, person, other: b"\x30\x80\0\0", "cms_malformed"),
    (lambda data, person, other: sign_cms(data, person)[:-9], "signature_wrong"),
    (lambda data, person, other: sign_cms(data, person)[9:], "cms_malformed"),
    (lambda data, person, other: cms.ContentInfo(
        {"content_type": "data", "content": data[:9]}).dump(), "cms_malformed"),
])
def test_a_cms_that_is_not_as_it_should_be_is_named(verify, ca, person, change, fault):
    other = ca.issue("Trần Văn Mẫu", number=5)
    found = verify.faults(Pdf().sign(lambda data: change(data, person, other)))
    assert fault in found


@pytest.mark.parametrize("kind", ["rsa-1024", "p-224"])
def test_weak_keys_are_named(verify, ca, good, kind):
    signer = ca.issue(kind=kind)
    assert "weak_key" in verify.faults(Pdf().sign(lambda data: good(data, by=signer)))


def test_a_certificate_signed_with_sha1_is_weak(verify, ca, good):
    signer = ca.issue(digest="sha1")
    assert "weak_key" in verify.faults(Pdf().sign(lambda data: good(data, by=signer)))


def test_other_kinds_of_keys_are_not_accepted(verify, ca, good):
    signer = ca.issue(kind="ed-25519")
    assert "format_not_supported" in verify.faults(Pdf().sign(lambda data: good(data, by=signer)))


@pytest.mark.parametrize("format", [b"adbe.pkcs7.sha1", b"adbe.x509.rsa_sha1", b"none"])
def test_other_forms_of_signature_are_not_accepted(verify, good, format):
    assert "format_not_supported" in verify.faults(Pdf().sign(good, format=format))


# CMS files

@pytest.fixture
def sheet(tmp_path):
    file = tmp_path / "bang-diem.xlsx"
    file.write_bytes(b"PK\x03\x04 bang diem \r\n" * 50)
    return file


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stderr=subprocess.DEVNULL)


@pytest.fixture
def by_openssl(tmp_path, person, sheet):
    """openssl cms -sign of the sheet, or of another content."""
    (tmp_path / "p.pem").write_bytes(person.pem)
    (tmp_path / "p.key").write_bytes(person.key_pem)

    def sign(name, *words, form="DER", content=sheet):
        out = tmp_path / name
        openssl("cms", "-sign", "-binary", "-in", content, "-signer", tmp_path / "p.pem", "-inkey",
                tmp_path / "p.key", "-outform", form, "-out", out, "-md", "sha256", *words)
        return out
    return sign


def test_a_detached_signature_of_openssl_is_found_beside_its_file(verify, by_openssl, sheet):
    done = verify.run(by_openssl("bang-diem.xlsx.p7s", "-cades"), "--allow-no-timestamp", expect=0)
    assert "The document has not been changed" in done.out
    sheet.write_bytes(sheet.read_bytes() + b"!")
    assert "document_changed" in verify.faults(by_openssl("other.p7s"), "--content", SOURCE / "README.md")
    done = verify.run(verify.folder / "bang-diem.xlsx.p7s", "--allow-no-timestamp", expect=NOT_VALID)
    assert "Fault: the document was changed after signing" in done.out


@pytest.mark.parametrize("form", ["DER", "PEM"])
def test_the_content_may_be_named(verify, by_openssl, sheet, form):
    file = by_openssl("elsewhere.sig", "-cades", form=form)
    assert not verify.faults(file, "--content", sheet, "--allow-no-timestamp")
    done = verify.run(file, expect=INPUT)
    assert "--content" in done.err


def test_a_detached_signature_of_a_file_larger_than_is_read_is_verified(verify, by_openssl, tmp_path):
    large = tmp_path / "large.bin"
    with open(large, "wb") as out:
        out.truncate(513 << 20)
    signature = by_openssl("large.p7s", content=large)
    assert not verify.faults(signature, "--content", large, "--allow-no-timestamp")
    with open(large, "r+b") as out:
        out.seek(-1, 2)
        out.write(b"x")
    assert "document_changed" in verify.faults(signature, "--content", large, "--allow-no-timestamp")


def test_a_signature_of_an_empty_file_is_verified(verify, by_openssl, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.touch()
    assert not verify.faults(by_openssl("empty.p7s", content=empty), "--content", empty,
                             "--allow-no-timestamp")


@pytest.mark.parametrize("what, words", [("missing", "does not open"), (".", "no regular file")])
def test_a_content_that_cannot_be_read_is_exit_3(verify, by_openssl, tmp_path, what, words):
    done = verify.run(by_openssl("sheet.p7s"), "--content", tmp_path / what, expect=INPUT)
    assert words in done.err


def test_a_signature_with_its_content_inside_is_verified(verify, by_openssl, sheet):
    file = by_openssl("inside.p7m", "-nodetach")
    assert not verify.faults(file, "--allow-no-timestamp")
    stream = by_openssl("streamed.p7m", "-nodetach", "-stream")
    assert not verify.faults(stream, "--allow-no-timestamp")
    assert "document_changed" in verify.faults(file, "--content", SOURCE / "README.md")


def test_without_signed_attributes_openssl_is_not_accepted(verify, by_openssl, sheet):
    file = by_openssl("noattr.p7s", "-noattr")
    assert "signed_attributes_wrong" in verify.faults(file, "--content", sheet)


def test_every_signer_of_a_cms_is_judged(verify, ca, person, stamped):
    stranger = Authority("CA Khác").issue("Người Lạ", number=6)
    content = b"noi dung"
    file = make.signed_data([make.signer_info(content, person, timestamp=stamped),
                             make.signer_info(content, stranger)], [person, stranger], inside=content)
    code, report = verify.report(file, name="two.p7m")
    assert code == NOT_VALID and [one["valid"] for one in report["signatures"]].count(True) == 1


def test_bytes_behind_a_cms_are_a_fault(verify, person, stamped):
    file = make.signed_data([make.signer_info(b"x", person, timestamp=stamped)], [person], inside=b"x")
    assert not verify.faults(file, name="a.p7m")
    assert verify.faults(file + b"\0", name="a.p7m") == {"cms_trailing_data"}


# signed by others

@pytest.fixture
def pdfsig(ca, tmp_path):
    """pdfsig's own signing, with an NSS database."""
    person = ca.issue(kind="rsa-2048")  # it reserves what its first try takes: ECDSA varies
    nss = tmp_path / "nss"
    nss.mkdir()
    (tmp_path / "p.pem").write_bytes(person.pem + ca.pem)
    (tmp_path / "p.key").write_bytes(person.key_pem)
    openssl("pkcs12", "-export", "-in", tmp_path / "p.pem", "-inkey", tmp_path / "p.key", "-out",
            tmp_path / "p.p12", "-name", "nguoi-ky", "-passout", "pass:x")
    for words in (["certutil", "-N", "--empty-password"],
                  ["pk12util", "-i", tmp_path / "p.p12", "-W", "x", "-K", ""]):
        subprocess.run([words[0], "-d", f"sql:{nss}", *map(str, words[1:])], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def sign(content):
        (tmp_path / "before.pdf").write_bytes(content)
        subprocess.run(["pdfsig", "-nssdir", f"sql:{nss}", "-add-signature", "-nick", "nguoi-ky",
                        tmp_path / "before.pdf", tmp_path / "by-pdfsig.pdf"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return (tmp_path / "by-pdfsig.pdf").read_bytes()
    return sign


def test_pdfsigs_own_signature_is_judged(verify, pdfsig):
    signed = pdfsig(Pdf().data)
    code, one = verify.one(signed, "--allow-no-timestamp")
    assert code == 0 and one["signer"]["name"] == "Nguyễn Thị Ví Dụ", one
    assert verify.faults(signed.replace(b"(Hoc ba mau)", b"(Hoc ba gia)"), "--allow-no-timestamp") == {
        "document_changed"}


def test_pdfsigs_signature_leaves_those_before_valid(verify, pdfsig, good):
    code, report = verify.report(pdfsig(pdfsig(Pdf().sign(good).data)), "--allow-no-timestamp")
    assert code == 0
    assert [one["addedLater"] for one in report["signatures"]] == [["signature"], ["signature"], []]


def test_libreoffices_own_signature_is_judged(verify):
    """Signed once by LibreOffice 7.4 (its PDF export), for thirty years; the program is too large to be
    called here."""
    folder = SOURCE / "tests" / "data" / "libreoffice"
    known = ["--ca", folder / "root.pem", "--allow-no-timestamp"]
    code, one = verify.one(folder / "signed.pdf", *known, crl=folder / "all.crl.pem")
    assert code == 0 and one["format"] == "adbe.pkcs7.detached", one
    assert one["signer"]["name"] == "Nguyễn Thị Ví Dụ" and one["coversWholeFile"]
    content = (folder / "signed.pdf").read_bytes()
    changed = content.replace(b"/MediaBox[0 0 595", b"/MediaBox[0 0 695")
    assert changed != content
    assert verify.faults(changed, *known, crl=folder / "all.crl.pem") == {"document_changed"}


def test_pdfsigs_signature_leaves_libreoffices_as_it_is(verify, pdfsig):
    folder = SOURCE / "tests" / "data" / "libreoffice"
    code, report = verify.report(
        pdfsig((folder / "signed.pdf").read_bytes()), "--ca", folder / "root.pem",
        "--allow-no-timestamp", "--allow-no-revocation", crl=folder / "all.crl.pem")
    assert code == 0 and report["signatures"][0]["addedLater"] == ["signature"], report


def test_files_in_other_shapes_are_judged(verify, good, tmp_path):
    """A signature that follows cross-reference streams and object streams, by qpdf."""
    plain, packed = verify.file("plain.pdf", Pdf().data), tmp_path / "packed.pdf"
    for option in ("--linearize", "--object-streams=generate"):
        subprocess.run(["qpdf", option, plain, packed], check=True)
        code, report = verify.report(packed)
        assert code == NOT_VALID and report["signatures"] == []


@pytest.fixture(scope="module")
def sign_here(server, operator, tmp_path_factory):
    """rssp sign, with the daemon behind it; the output."""
    agency = operator.add_agency()
    folder = tmp_path_factory.mktemp("here")
    rssp = Rssp(server, operator.add_client(agency))

    def sign(file, out, *words):
        subscriber = operator.subscriber(agency)
        rssp.run("sign", file, "--credential", subscriber.credential, "-o", folder / out, *words,
                 pin=subscriber.pin, otp=subscriber.next_otp())
        return folder / out
    return sign


@pytest.fixture
def verify_here(instance):
    """rssp verify with the root of the session's instance."""
    rssp = Rssp(Nowhere)
    rssp.environment["RSSP_TRUST"] = str(instance.path("ca.pem"))
    return lambda *words, **rest: rssp.run("verify", *words, "--offline", **rest)


SAMPLE = SOURCE / "tests" / "data" / "hoc-ba-mau.pdf"
ALLOW = ["--allow-no-timestamp", "--allow-no-revocation"]


def test_our_own_signature_holds_but_for_timestamp_and_revocation(sign_here, verify_here):
    signed = sign_here(SAMPLE, "one.pdf")
    done = verify_here(signed, expect=NOT_VALID)
    assert "Fault: revocation was not checked and there is no timestamp" in done.out
    assert "Allowed: there is no timestamp" in verify_here(signed, *ALLOW, expect=0).out


def test_our_visible_signatures_leave_each_other_valid(sign_here, verify_here):
    once = sign_here(SAMPLE, "visible.pdf", "--visible")
    twice = sign_here(once, "visible-2.pdf", "--visible")
    signatures = verify_here(twice, "--json", *ALLOW, expect=0).json["signatures"]
    assert [one["addedLater"] for one in signatures] == [["signature"], []]


def test_our_detached_signature_holds_for_its_file_only(sign_here, verify_here, tmp_path):
    file = tmp_path / "bang-diem.csv"
    file.write_bytes(b"STT;Diem\n1;10\n")
    signature = sign_here(file, "bang-diem.csv.p7s", "--format", "cades")
    verify_here(signature, "--content", file, *ALLOW, expect=0)
    file.write_bytes(b"STT;Diem\n1;01\n")
    done = verify_here(signature, "--content", file, *ALLOW, expect=NOT_VALID)
    assert "the document was changed" in done.out


# bad input

@pytest.mark.parametrize("content, words", [
    (b"", "neither a PDF"), (b"hello", "neither a PDF"), (b"%PDF-1.7\n", "damaged"),
    (b"%PDF-1.7\nstartxref\n5\n%%EOF\n", "damaged"), (b"MZ\n" + Pdf().data, "before %PDF-"),
    (b"MZ" * 512 + Pdf().data, "neither a PDF")])
def test_what_is_no_signed_file_is_exit_3(verify, content, words):
    assert words in verify.run(content, expect=INPUT).err


def test_a_truncated_file_is_never_valid(verify, good):
    data = Pdf().sign(good).data
    for cut in range(1, len(data), 997):
        assert verify.run(data[:-cut]).code in (INPUT, NOT_VALID), cut


def test_an_encrypted_file_says_so(verify, tmp_path, good):
    plain, locked = verify.file("plain.pdf", Pdf().data), tmp_path / "locked.pdf"
    subprocess.run(["qpdf", "--encrypt", "", "owner", "256", "--", plain, locked], check=True)
    assert "encrypted" in verify.run(locked, expect=INPUT).err


def test_a_file_that_is_not_there_is_exit_3(verify, tmp_path):
    assert "does not open" in verify.run(tmp_path / "none.pdf", expect=INPUT).err
    assert "not a file" in verify.run(tmp_path, expect=INPUT).err


def test_roots_and_lists_that_are_none_are_exit_3(verify, good):
    data = Pdf().sign(good)
    odd = verify.file("odd", b"no certificate")
    assert "holds no CRL" in verify.run(data, crl=odd, expect=INPUT).err
    assert "holds no certificate" in verify.run(data, "--ca", odd, expect=INPUT).err


def test_without_a_root_nothing_is_trusted_by_chance(verify, good):
    file = verify.file("signed.pdf", Pdf().sign(good).data)
    assert "--ca" in verify.rssp.run("verify", file, expect=USAGE).err
    assert "--expect" in verify.run(file, "--expect", "nobody", expect=USAGE).err


def test_a_name_that_steers_terminals_does_not(verify, ca, good):
    signer = ca.issue("Evil\x1b[2J\nName")
    done = verify.run(Pdf().sign(lambda data: good(data, by=signer)))
    assert "\x1b" not in done.out and "Evil [2J Name" in done.out

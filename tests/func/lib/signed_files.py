"""Signed files of every kind, made here without the project's own code: a small PKI with CRLs, a
timestamp authority, CMS written part by part (so that each part can be wrong), and PDFs with
revisions. What `rssp verify` says of them is judged against what is known to be in them."""

import hashlib
import re
import subprocess
from datetime import datetime, timedelta, timezone

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.now(timezone.utc).replace(microsecond=0)
DAY = timedelta(days=1)
DIGESTS = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(),
           "sha512": hashes.SHA512()}
KEYS = {}


def key_of(kind, number=0):
    """p-256, rsa-1024 …; made once a run."""
    if (kind, number) not in KEYS:
        family, size = kind.split("-")
        KEYS[kind, number] = (
            rsa.generate_private_key(65537, int(size)) if family == "rsa"
            else ed25519.Ed25519PrivateKey.generate() if family == "ed"
            else ec.generate_private_key({"256": ec.SECP256R1(), "384": ec.SECP384R1(),
                                          "224": ec.SECP224R1()}[size]))
    return KEYS[kind, number]


class Person:
    """A key and its certificate; whoever issued it."""

    def __init__(self, key, certificate, issuer=None):
        self.key, self.certificate, self.issuer = key, certificate, issuer
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.asn1 = asn1_x509.Certificate.load(self.der)

    @property
    def key_pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM,
                                      serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption())

    def sign(self, data, digest="sha256", pss=False):
        algorithm = DIGESTS[digest]
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(algorithm))
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(data)
        if pss:
            return self.key.sign(
                data, padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), algorithm)
        return self.key.sign(data, padding.PKCS1v15(), algorithm)

    def mechanism(self, digest="sha256", pss=False):
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return algos.SignedDigestAlgorithm({"algorithm": f"{digest}_ecdsa"})
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return algos.SignedDigestAlgorithm({"algorithm": "ed25519"})
        if not pss:
            return algos.SignedDigestAlgorithm(
                {"algorithm": f"{digest}_rsa", "parameters": core.Null()})
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": {
            "hash_algorithm": {"algorithm": digest},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": digest}},
            "salt_length": DIGESTS[digest].digest_size}})


def name_of(subject):
    kinds = {"CN": NameOID.COMMON_NAME, "O": NameOID.ORGANIZATION_NAME, "C": NameOID.COUNTRY_NAME,
             "OU": NameOID.ORGANIZATIONAL_UNIT_NAME, "L": NameOID.LOCALITY_NAME}
    return x509.Name([x509.NameAttribute(kinds[kind], text) for kind, text in subject])


class Authority(Person):
    """A CA. Certificates are for signing documents unless said otherwise."""

    def __init__(self, name="CA Ví Dụ", kind="p-256", parent=None, **options):
        self.serial = 1000
        key = key_of(kind, name)
        made = self._certificate(key, [("CN", name)], parent, key, 1, ca=True, **options)
        super().__init__(key, made, parent)

    @staticmethod
    def _certificate(key, subject, issuer, issuer_key, serial, ca=False, start=-30 * DAY,
                     end=365 * DAY, usage="content_commitment", purposes=(), crl_url=None,
                     email=None, digest="sha256", constrained=True):
        names = name_of(subject)
        builder = (x509.CertificateBuilder().subject_name(names)
                   .issuer_name(issuer.certificate.subject if issuer else names)
                   .public_key(key.public_key()).serial_number(serial)
                   .not_valid_before(NOW + start).not_valid_after(NOW + end))
        if constrained:
            builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
        bits = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment",
                              "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
                              "encipher_only", "decipher_only"), False)
        bits |= {"key_cert_sign": True, "crl_sign": True} if ca else {usage: True}
        builder = builder.add_extension(x509.KeyUsage(**bits), True)
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), True)
        if crl_url:
            builder = builder.add_extension(x509.CRLDistributionPoints([x509.DistributionPoint(
                [x509.UniformResourceIdentifier(crl_url)], None, None, None)]), False)
        if email:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.RFC822Name(email)]), False)
        return builder.sign(issuer.key if issuer else issuer_key, DIGESTS[digest])

    def issue(self, name="Nguyễn Thị Ví Dụ", kind="p-256", subject=None, number=1, **options):
        self.serial += 1
        key = key_of(kind, number)
        subject = subject or [("CN", name), ("L", "Mẫu"), ("OU", "TRƯỜNG THPT MẪU"),
                              ("O", "UBND TỈNH MẪU"), ("C", "VN")]
        options.setdefault("email", "vidu@mau.edu.vn")
        return Person(key, self._certificate(key, subject, self, None, self.serial, **options), self)

    def timestamper(self, name="TSA Ví Dụ", **options):
        options = {"usage": "digital_signature",
                   "purposes": [ExtendedKeyUsageOID.TIME_STAMPING], "email": None, "number": 2,
                   "subject": [("CN", name), ("O", "UBND TỈNH MẪU"), ("C", "VN")]} | options
        return self.issue(name, **options)

    def crl(self, *revoked, start=-DAY / 24, end=7 * DAY, when=-DAY, digest="sha256", signer=None,
            reason=x509.ReasonFlags.key_compromise):
        """DER; revoked: people."""
        builder = (x509.CertificateRevocationListBuilder()
                   .issuer_name(self.certificate.subject)
                   .last_update(NOW + start).next_update(NOW + end))
        for person in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(person.certificate.serial_number)
                .revocation_date(NOW + when)
                .add_extension(x509.CRLReason(reason), False).build())
        made = builder.sign((signer or self).key, DIGESTS[digest])
        return made.public_bytes(serialization.Encoding.DER)


# CMS

def digest_of(data, digest):
    return hashlib.new(digest, data).digest()


def ess(certificate, digest="sha256"):
    named = tsp.ESSCertIDv2({"hash_algorithm": {"algorithm": digest},
                             "cert_hash": digest_of(certificate.der, digest)})
    return cms.CMSAttribute({"type": "signing_certificate_v2",
                             "values": [tsp.SigningCertificateV2({"certs": [named]})]})


def signer_info(content, person, digest="sha256", pss=False, named=True, attributes=True,
                content_type="data", times=(), timestamp=None, names=None, signed_digest=None):
    """named: with ESS, of the person or of `names`; times: signing-time attributes; timestamp: a
    function from the signature to a token; signed_digest: what messageDigest says."""
    listed = [cms.CMSAttribute({"type": "content_type", "values": [content_type]}),
              cms.CMSAttribute({"type": "message_digest",
                                "values": [signed_digest or digest_of(content, digest)]})]
    listed += [cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": time})]})
               for time in times]
    if named:
        listed.append(ess(names or person))
    signed = cms.CMSAttributes(listed)
    value = person.sign(signed.dump() if attributes else content, digest, pss)
    info = {
        "version": "v1",
        "sid": cms.SignerIdentifier("issuer_and_serial_number", cms.IssuerAndSerialNumber({
            "issuer": person.asn1.issuer, "serial_number": person.asn1.serial_number})),
        "digest_algorithm": {"algorithm": digest},
        "signature_algorithm": person.mechanism(digest, pss), "signature": value}
    if attributes:
        info["signed_attrs"] = signed
    if timestamp:
        info["unsigned_attrs"] = [cms.CMSAttribute({
            "type": "signature_time_stamp_token",
            "values": [cms.ContentInfo.load(timestamp(value))]})]
    return cms.SignerInfo(info)


def signed_data(infos, certificates, digest="sha256", inside=None, content_type="data", crls=()):
    """DER. inside: the content, encapsulated."""
    carried = {"content_type": content_type}
    if inside is not None:
        carried["content"] = inside
    made = {"version": "v1" if content_type == "data" else "v3",
            "digest_algorithms": [{"algorithm": digest}],
            "encap_content_info": carried,
            "certificates": [person.asn1 for person in certificates], "signer_infos": infos}
    if crls:
        made["crls"] = [cms.RevocationInfoChoice.load(crl) for crl in crls]
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(made)}).dump()


def sign_cms(content, person, certificates=None, crls=(), digest="sha256", **options):
    return signed_data([signer_info(content, person, digest, **options)],
                       [person] if certificates is None else certificates, digest, crls=crls)


def make_token(person, stamped, time=None, digest="sha256", certificates=None, **options):
    """A timestamp token as RFC 3161 has it, for any time and any mistake."""
    info = tsp.TSTInfo({
        "version": "v1", "policy": "1.2.3.4.1",
        "message_imprint": {"hash_algorithm": {"algorithm": digest},
                            "hashed_message": digest_of(stamped, digest)},
        "serial_number": 1, "gen_time": time or NOW}).dump()
    signer = signer_info(info, person, content_type="tst_info", **options)
    return signed_data([signer], certificates or [person],
                       inside=core.ParsableOctetString(info), content_type="tst_info")


class OpensslTimestamps:
    """The authority that `openssl ts` is."""

    def __init__(self, person, folder):
        self.folder = folder
        (folder / "tsa.pem").write_bytes(person.pem)
        (folder / "tsa.key").write_bytes(person.key_pem)
        (folder / "tsa.serial").write_text("01\n")
        (folder / "tsa.conf").write_text(
            "[tsa]\ndefault_tsa = own\n[own]\nserial = tsa.serial\nsigner_cert = tsa.pem\n"
            "signer_key = tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n"
            "digests = sha256, sha384, sha512\naccuracy = secs:1\ness_cert_id_alg = sha256\n")

    def __call__(self, stamped):
        def openssl(*words):
            subprocess.run(["openssl", "ts", *words], cwd=self.folder, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (self.folder / "stamped").write_bytes(stamped)
        openssl("-query", "-data", "stamped", "-sha256", "-cert", "-out", "query")
        openssl("-reply", "-config", "tsa.conf", "-queryfile", "query", "-out", "reply")
        answer = tsp.TimeStampResp.load((self.folder / "reply").read_bytes())
        return answer["time_stamp_token"].dump()


# PDF

ROOM = 6000  # bytes kept for a CMS


class Pdf:
    """A PDF of one page that grows by revisions, with classic cross-reference tables."""

    def __init__(self, text="Hoc ba mau", objects=(), catalog=b"", page=b""):
        """objects: numbered from 6 on; catalog, page: more entries."""
        content = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET".encode()
        self.data, self.last, self.size = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", None, 1
        self.catalog, self.page, self.fields, self.annots, self.more = catalog, page, [], [], {}
        first = {1: self.catalog_text(), 2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                 3: self.page_text(), 4: self.stream(content),
                 5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"}
        self.update(first | dict(enumerate(objects, 6)))

    @staticmethod
    def stream(content, entries=b""):
        return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content)

    def references(self, numbers):
        return b" ".join(b"%d 0 R" % number for number in numbers)

    def catalog_text(self):
        form = b"" if not self.fields else b"/AcroForm << /Fields [%s] /SigFlags 3 >>" % (
            self.references(self.fields))
        return b"<< /Type /Catalog /Pages 2 0 R %s %s >>" % (form, self.catalog)

    def page_text(self):
        annots = b"" if not self.annots else b"/Annots [%s]" % self.references(self.annots)
        return (b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
                b" /Resources << /Font << /F1 5 0 R >> >> %s %s >>" % (annots, self.page))

    def update(self, objects, trailer=b""):
        """Appends a revision with these objects; the offset of each is found."""
        out = bytearray(self.data)
        offsets = {}
        for number, body in objects.items():
            offsets[number] = len(out)
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        self.size = max(self.size, *[number + 1 for number in objects])
        start = len(out)
        out += b"xref\n"
        if self.last is None:
            out += b"0 1\n0000000000 65535 f \n"
        for number in sorted(offsets):
            out += b"%d 1\n%010d 00000 n \n" % (number, offsets[number])
        before = b"" if self.last is None else b"/Prev %d" % self.last
        out += b"trailer\n<< /Size %d /Root 1 0 R %s %s >>\nstartxref\n%d\n%%%%EOF\n" % (
            self.size, before, trailer, start)
        self.data, self.last = bytes(out), start
        return self

    def sign(self, make, format=b"ETSI.CAdES.detached", date=NOW, entries=b"", field=b"",
             catalog=b"", objects=None, room=ROOM, exact=None, into=None, rect=b"[0 0 0 0]"):
        """make: the CMS of the bytes that are signed. objects: more of this revision; into: an empty
        field that is there already."""
        number = into or self.size
        value = self.size if into else self.size + 1
        if not into:
            self.fields.append(number)
            self.annots.append(number)
        self.catalog += catalog.replace(b"VALUE", b"%d 0 R" % value)
        hole = b"<" + b"0" * (2 * room) + b">"
        ranges = b"/ByteRange [0 %010d %010d %010d]"
        said = b"" if date is None else b"/M (D:%s+00'00')" % date.strftime("%Y%m%d%H%M%S").encode()
        before = len(self.data)
        shown = {} if into else {1: self.catalog_text(), 3: self.page_text()}
        self.update({
            **shown,
            number: b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Signature%d) /F 132"
                    b" /Rect %s /P 3 0 R /V %d 0 R %s >>" % (number, rect, value, field),
            value: b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /%s %s %s %s"
                   b" /Contents %s >>" % (format, said, ranges % (0, 0, 0), entries, hole),
            **(objects or {})})
        first = self.data.index(hole, before)
        last = first + len(hole)
        data = self.data.replace(ranges % (0, 0, 0), ranges % (first, last, len(self.data) - last))
        made = make(data[:first] + data[last:])
        text = (exact or (lambda der: der.hex().encode().ljust(2 * room, b"0")))(made)
        self.data = data[:first + 1] + text + data[last - 1:]
        return self

    def stamp(self, make):
        """A document timestamp; make: the token."""
        return self.sign(make, format=b"ETSI.RFC3161", date=None)

    def last_range(self):
        found = re.findall(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", self.data)[-1]
        return tuple(int(text) for text in found)

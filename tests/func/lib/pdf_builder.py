"""A PDF of one page with one empty signature, and the CMS that fills it: written by hand, so that what
the service signs is judged without the project's own PDF code."""

import base64
import hashlib

from asn1crypto import algos, cms, core, tsp, x509

CONTENTS = 8192  # bytes kept free for the CMS


class PdfToSign:
    """PAdES B-B in one file; the byte range leaves out the hexadecimal string of /Contents."""

    def __init__(self, text="Hoc ba mau"):
        self.before, self.after = self._write(text)

    @staticmethod
    def _write(text):
        content = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET".encode()
        hole = b"<" + b"0" * (2 * CONTENTS) + b">"
        room = b"/ByteRange [%010d %010d %010d %010d]"
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] /SigFlags 3 >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> /Annots [6 0 R] >>",
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Signature1) /F 132 /Rect [0 0 0 0]"
            b" /P 3 0 R /V 7 0 R >>",
            b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached"
            b" /M (D:20260101000000Z) " + room % (0, 0, 0, 0) + b" /Contents " + hole + b" >>",
        ]
        out, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
        for number, body in enumerate(objects, 1):
            offsets.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
            len(objects) + 1, start)
        first = out.index(hole)
        last = first + len(hole)
        ranges = room % (0, first, last, len(out) - last)
        empty = room % (0, 0, 0, 0)
        out = bytes(out).replace(empty, ranges)
        return out[:first], out[last:]

    @property
    def signed_bytes(self):
        return self.before + self.after

    def finish(self, signature):
        """The whole file; signature: the CMS in DER."""
        assert len(signature) <= CONTENTS
        return self.before + b"<" + signature.hex().encode().ljust(2 * CONTENTS, b"0") + b">" + self.after


def pss_parameters(digest):
    return algos.RSASSAPSSParams({
        "hash_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
        "mask_gen_algorithm": algos.MaskGenAlgorithm({
            "algorithm": "mgf1", "parameters": algos.DigestAlgorithm({"algorithm": digest})}),
        "salt_length": hashlib.new(digest).digest_size,
    })


def mechanism(kind, digest):
    """SignedDigestAlgorithm: kind is rsa, pss or ecdsa."""
    if kind == "pss":
        return algos.SignedDigestAlgorithm(
            {"algorithm": "rsassa_pss", "parameters": pss_parameters(digest)})
    if kind == "rsa":
        return algos.SignedDigestAlgorithm(
            {"algorithm": f"{digest}_rsa", "parameters": core.Null()})
    return algos.SignedDigestAlgorithm({"algorithm": f"{digest}_ecdsa"})


def signed_attributes(document, certificate, digest):
    """Content type, message digest and signing-certificate-v2, as a DER SET."""
    certificate_id = tsp.ESSCertIDv2({
        "hash_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
        "cert_hash": hashlib.new(digest, certificate.dump()).digest()})
    return cms.CMSAttributes([
        cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
        cms.CMSAttribute({"type": "message_digest",
                          "values": [hashlib.new(digest, document).digest()]}),
        cms.CMSAttribute({"type": "signing_certificate_v2",
                          "values": [tsp.SigningCertificateV2({"certs": [certificate_id]})]}),
    ])


def signed_data(certificates, attributes, digest, algorithm, signature):
    """The CMS, DER. certificates: the signer's first."""
    signer = certificates[0]
    info = cms.SignerInfo({
        "version": "v1",
        "sid": cms.SignerIdentifier("issuer_and_serial_number", cms.IssuerAndSerialNumber({
            "issuer": signer.issuer, "serial_number": signer.serial_number})),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
        "signed_attrs": attributes,
        "signature_algorithm": algorithm,
        "signature": signature,
    })
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData({
        "version": "v1",
        "digest_algorithms": [algos.DigestAlgorithm({"algorithm": digest})],
        "encap_content_info": {"content_type": "data"},
        "certificates": certificates,
        "signer_infos": [info],
    })}).dump()


def load_certificate(text):
    """From base64 DER, as credentials/info answers it."""
    return x509.Certificate.load(base64.b64decode(text, validate=True))

"""A reader of signed documents as people have it: poppler's pdfsig, with a store of its own that
trusts one root and nothing else."""

import subprocess


class Reader:
    def __init__(self, folder, root):
        self.store = folder
        for words in (["-N", "--empty-password"],
                      ["-A", "-n", "root", "-t", "C,C,C", "-a", "-i", str(root)]):
            subprocess.run(["certutil", "-d", f"sql:{folder}", *words], check=True)

    def shown(self, file):
        """What it says of a document; of one that it cannot read, nothing."""
        return subprocess.run(["pdfsig", "-nssdir", str(self.store), str(file)], check=False,
                              stdout=subprocess.PIPE, text=True).stdout

    def judge(self, file):
        """How many signatures it finds, calls valid, and trusts."""
        shown = self.shown(file)
        return (shown.count("Signature #"), shown.count("Signature is Valid."),
                shown.count("Certificate is Trusted."))

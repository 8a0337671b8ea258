"""rssp-demo, the application that signs in its users' browsers, and who visits it without one."""

import re
import subprocess
import time
from html import unescape

import requests

from . import oauth
from .instance import BUILD, SOURCE, free_ports

RECORDS = ["hoc-ba", "bang-diem", "phieu-nhan-xet"]


class DemoApp:
    """The program on a free port, a client of its own at the service."""

    def __init__(self, server, operator, agency, **registered):
        self.server, self.port = server, free_ports(1)[0]
        self.url = f"http://localhost:{self.port}"
        self.client = oauth.add_app(operator, agency, [f"{self.url}/callback"],
                                    name="Trường THPT Mẫu", **registered)
        self.secret_file = server.instance.path("secrets", f"demo-{self.port}.secret")
        self.secret_file.touch(0o600)
        self.secret_file.write_text(self.client.secret)
        self.log_file = server.instance.path("log", f"demo-{self.port}.log")
        self.process = None

    def words(self):
        return [str(BUILD / "bin" / "rssp-demo"), "--service", self.server.url,
                "--ca", self.server.cacert, "--trust", str(self.server.instance.path("ca.pem")),
                "--client-id", self.client.id, "--client-secret-file", str(self.secret_file),
                "--records", str(SOURCE / "clients/demo-app/records"), "--port", str(self.port)]

    def start(self):
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(self.words(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while "rssp-demo: http" not in self.log():
            assert self.process.poll() is None and time.monotonic() < end, self.log()
            time.sleep(0.02)
        return self

    def log(self):
        return self.log_file.read_text(errors="replace")

    def stop(self):
        self.process.terminate()
        status = self.process.wait(20)
        assert status == 0 and "Sanitizer" not in self.log(), self.log()


class Visitor:
    """A browser at the demonstration application, and the same person at the service."""

    def __init__(self, demo, lang="vi"):
        self.demo, self.lang = demo, lang
        self.session = requests.Session()
        self.session.trust_env = False
        self.service = oauth.Browser(demo.server, lang)
        self.page = self.get("/", lang=lang).text

    def get(self, path, expect=200, **parameters):
        answer = self.session.get(self.demo.url + path, params=parameters, timeout=30,
                                  allow_redirects=False)
        assert answer.status_code == expect, f"{path}: {answer.status_code}: {answer.text}"
        return answer

    def post(self, path, expect=303, origin=None, **form):
        answer = self.session.post(self.demo.url + path, data={"csrf": self.csrf(), **form},
                                   headers={"Origin": origin or self.demo.url}, timeout=30,
                                   allow_redirects=False)
        assert answer.status_code == expect, f"{path}: {answer.status_code}: {answer.text}"
        return answer

    def csrf(self):
        return re.search(r'name="csrf" value="([^"]+)"', self.page).group(1)

    def press_sign(self, *records, **form):
        """Ticks these records (numbers), presses "Ký"; the address that the browser is sent to."""
        return self.post("/sign", record=[str(number) for number in records], **form).headers["Location"]

    def come_back(self, uri):
        """From the service to the application; the address that it sends on to."""
        assert uri.startswith(self.demo.url + "/callback?"), uri
        return self.get(uri[len(self.demo.url):], 303).headers["Location"]

    def asked(self, where):
        """At the service: the page of that address."""
        assert where.startswith(self.demo.server.url + "/oauth2/authorize?"), (where, self.notice())
        self.service.authorize(where.split("?", 1)[1])
        return self.service.shown()

    def consent(self, where, someone, approve=True):
        """Through the service's page, signed in as someone; the address back to the application."""
        if not self.asked(where)["signedIn"]:
            self.service.sign_in(someone)
        return (self.service.approve(someone) if approve else self.service.decline()).uri

    def identify(self, where, someone):
        """The journey of scope service; the address of the next one."""
        return self.come_back(self.consent(where, someone))

    def sign(self, someone, *records, **form):
        """All the way; the page at its end."""
        where = self.press_sign(*records, **form)
        if "request_uri=" not in where:
            where = self.identify(where, someone)
        assert self.come_back(self.consent(where, someone)) == "/"
        return self.look()

    def look(self):
        self.page = self.get("/").text
        return self.page

    def notice(self):
        """What the page says above its list; None: nothing."""
        found = re.search(r'<p class="notice (good|bad)"[^>]*>(.*?)</p>', self.look())
        return (found.group(1), unescape(found.group(2))) if found else None

    def signed_files(self):
        """Names of the records that are offered signed."""
        return re.findall(r'href="/signed/([a-z-]+)\.pdf"', self.look())

    def download(self, record):
        return self.get(f"/signed/{record}.pdf").content

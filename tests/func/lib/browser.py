"""A real browser: Debian's Chromium, driven by tests/web/driver.mjs (playwright-core), which trusts
the test's own root and nothing else.

    with Chromium(server.cacert, folder) as chromium:
        page = chromium.page(width=360)
        page.goto(server.url + "/account")
        page.fill("login", "…")                # the field of that id
        page.press_button("Đăng nhập")         # by the words that people see
        page.sees("Chứng thư số của tôi")      # waits for it
"""

import json
import os
import shutil
import subprocess

from .instance import BUILD, SOURCE

WEB = SOURCE / "tests" / "web"


def installed():
    """node_modules for the driver, made once for a build from the lock file."""
    place = BUILD / "web-tests"
    place.mkdir(exist_ok=True)
    lock = (WEB / "package-lock.json").read_bytes()
    done = place / "installed"
    if not done.is_file() or done.read_bytes() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(WEB / name, place)
        ended = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=place,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        assert ended.returncode == 0, f"npm ci failed:\n{ended.stdout}"
        done.write_bytes(lock)
    shutil.copy(WEB / "driver.mjs", place)
    return place


def trusting_home(folder, root):
    """A home whose NSS database trusts that root."""
    home = folder / "home"
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for arguments in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "test root", "-i", root]):
        subprocess.run(["certutil", "-d", f"sql:{database}", *arguments], check=True, timeout=60)
    return home


class Chromium:
    def __init__(self, root, folder):
        environment = {**os.environ, "HOME": str(trusting_home(folder, root)), "LANG": "C.UTF-8"}
        self.log = open(folder / "chromium.log", "wb")
        self.process = subprocess.Popen(
            ["node", "driver.mjs"], cwd=installed(), env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log, text=True)

    def ask(self, **asked):
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the driver ended: see {self.log.name}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer

    def page(self, width=1280, height=900, **settings):
        """A window with cookies of its own."""
        return Page(self, self.ask(do="open", width=width, height=height, settings=settings)["page"])

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Page:
    def __init__(self, chromium, number):
        self.chromium, self.number = chromium, number

    def ask(self, do, **asked):
        return self.chromium.ask(do=do, page=self.number, **asked).get("result")

    def call(self, name, *arguments):
        return self.ask("call", name=name, arguments=list(arguments))

    def tab(self):
        return Page(self.chromium, self.chromium.ask(do="tab", page=self.number)["page"])

    def close(self):
        self.ask("close")

    # -- what a person does --

    def goto(self, url):
        self.call("goto", url)

    def back(self):
        self.call("goBack")

    def reload(self):
        self.call("reload")

    def fill(self, field, text):
        self.call("fill", f"#{field}", text)

    def press_button(self, words):
        self.call("click", f'button:has-text("{words}"):visible')

    def follow(self, words):
        self.call("click", f'a:has-text("{words}"):visible')

    def click_twice(self, words):
        self.call("dblclick", f'button:has-text("{words}"):visible')

    def key(self, name, times=1):
        for _ in range(times):
            self.ask("keyboard", name="press", arguments=[name])

    def type(self, text):
        self.ask("keyboard", name="type", arguments=[text])

    # -- what a person sees --

    def sees(self, text, within="body"):
        """Waits until these words are there to be seen."""
        self.ask("has", text=text, within=within)

    def text(self, selector="body"):
        return self.call("innerText", selector)

    def value(self, field):
        return self.call("inputValue", f"#{field}")

    def url(self):
        return self.call("url")

    def script(self, script):
        return self.ask("evaluate", script=script)

    def focused(self):
        """The id of what has the focus, or its words."""
        return self.script("document.activeElement.id || document.activeElement.innerText")

    def width_needed(self):
        return self.script("document.documentElement.scrollWidth")

    def picture(self, name):
        """For eyes: the whole page, as <build>/web-tests/pictures/<name>.png, if that folder is there."""
        folder = BUILD / "web-tests" / "pictures"
        if folder.is_dir():
            self.call("screenshot", {"path": str(folder / f"{name}.png"), "fullPage": True})

    # -- what a tester sees --

    def axe(self):
        """What axe-core objects to."""
        return self.ask("axe")

    def problems(self):
        """Errors of the console since the last call: scripts' and the content policy's."""
        return self.ask("problems")

    def answer(self, path, status, body=None, after_ms=0):
        """From now on that path is answered so, and not by the daemon. status 0: not at all."""
        self.ask("answer", path=path, status=status, body=body or {}, after=after_ms)

    def has_session(self, url, cookie):
        """Somebody is signed in already, with this cookie."""
        self.ask("cookie", cookie={"name": "__Host-rssp-session", "value": cookie, "url": url, "secure": True,
                                   "httpOnly": True, "sameSite": "Lax"})

    def unanswer(self):
        self.ask("unanswer")

    def posts(self, path):
        """How many POSTs went to that path since this was first called."""
        return self.ask("posts", path=path)

    def qr(self, selector="svg.qr"):
        """What a phone reads from the picture."""
        return self.ask("qr", selector=selector)

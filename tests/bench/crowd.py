"""Hundreds of subscribers, made quickly and kept beside the instance for another run."""

import itertools
import json
import math
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

from lib import totp
from lib.api import Api
from lib.people import GOOD_PIN, SIGN_ALGO, Client, Operator, new_person

WORKERS = 6


class Crowd:
    """People by key and factors: dicts with credential, certificate, secret, step."""

    def __init__(self, instance):
        self.instance, self.file = instance, instance.path("crowd.json")
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.client_words, self.people = kept.get("client"), kept.get("people", {})

    def save(self):
        self.file.write_text(json.dumps({"client": self.client_words, "people": self.people}))

    def group(self, key, factors):
        return self.people.setdefault(f"{key} {factors}", [])

    def token(self, server):
        """A new access token, in a file."""
        if self.client_words is None:
            operator = Operator(server)
            client = operator.add_client(operator.add_agency())
            self.client_words = [client.id, client.secret, client.agency.__dict__]
        file = self.instance.path("token")
        file.write_text(Client(server, *self.client_words[:2]).api.token)
        return file

    def agency(self):
        return type("Agency", (), self.client_words[2])

    # -- making them --

    def fill(self, server, wanted):
        """wanted: [(key, factors, count)]; makes who is missing."""
        self.token(server)
        missing = [(key, factors) for key, factors, count in wanted
                   for _ in range(count - len(self.group(key, factors)))]
        if not missing:
            return
        own, agency = threading.local(), self.agency()

        def operator():
            if not hasattr(own, "operator"):
                own.operator = Operator(server)
            return own.operator

        def enrol(_):
            person = new_person(agency)
            answer = operator().enrol(person).json()
            assert answer["effect"] == "permit", answer
            return person
        with ThreadPoolExecutor(WORKERS) as pool:
            persons = list(pool.map(enrol, missing))
            codes = self.codes()
            made = pool.map(self.activate, itertools.repeat(server), persons,
                            [codes[person["email"]] for person in persons], missing)
            for (key, factors), one in zip(missing, made):
                self.group(key, factors).append(one)
        self.save()

    def codes(self):
        """E-mail address to activation code: all mails are read once."""
        found = {}
        for mail in self.instance.mails("codes"):
            to = re.search(r"^To:.*?([\w.]+@[\w.]+)", mail, re.MULTILINE)
            code = re.search(r"\b[0-9A-Z]{4,5}(?:-[0-9A-Z]{4,5}){3,5}\b", mail)
            found[to.group(1)] = code.group()
        return found

    @staticmethod
    def activate(server, person, code, kind):
        key, factors = kind
        made = Api(server).post("/activation/v1/activate", {
            "code": code, "identityNumber": person["identity_number"], "PIN": GOOD_PIN,
            "key": key, "factors": factors}, expect=200).json()
        secret = parse_qs(urlsplit(made["otpauth"]).query).get("secret", [None])[0]
        return {"credential": made["credentialID"], "certificate": made["certificate"],
                "secret": secret, "step": 0}

    # -- what they send --

    def plan(self, file, key, factors, count):
        """Writes who authorises, in turn: `count` people, an OTP each where one is asked for."""
        people = sorted(self.group(key, factors), key=lambda one: one["step"])[:count]
        if factors != "PIN":
            self.next_steps(people)
        with open(file, "w", encoding="ascii") as out:
            for one in people:
                otp = "-" if factors == "PIN" else totp.code(one["secret"], one["step"])
                out.write(f"{one['credential']} {GOOD_PIN} {otp} {SIGN_ALGO[key[:3]]}\n")
        self.save()
        return len(people)

    @staticmethod
    def next_steps(people):
        """One OTP a step and person. Codes of the steps before and after now are accepted: what is
        made here is good for half a minute at least."""
        step = max(totp.step_now(), *(one["step"] + 1 for one in people))
        time.sleep(max(0.0, math.ceil((step - 1) * totp.STEP - time.time())))
        for one in people:
            one["step"] = step

    def certificates(self, key, factors):
        return {one["credential"]: one["certificate"] for one in self.group(key, factors)}

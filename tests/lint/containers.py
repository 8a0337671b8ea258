"""What docker/ must hold: a small strict parser of Dockerfiles, and the rules for it and for the
composition. Each rule yields `file:line: what is wrong`."""

import json
import re
import shlex

import yaml

KNOWN = {"FROM", "COPY", "RUN", "ENV", "ARG", "LABEL", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK",
         "USER", "WORKDIR", "ENTRYPOINT", "CMD", "SHELL", "ONBUILD", "ADD", "MAINTAINER"}
SECRET = re.compile(r"PASS(WORD|WD|PHRASE)?|SECRET|TOKEN|CREDENTIAL|(^|_)(KEY|PIN)($|_)", re.IGNORECASE)
PIPED = re.compile(r"\b(curl|wget)\b[^|;&]*\|\s*(sudo\s+)?\w*sh\b")


class Fault(Exception):
    pass


def instructions(text):
    """(line, WORD, rest) of each instruction, continued lines joined."""
    begun, parts = 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*#", line) or (not parts and not line.strip()):
            continue
        begun = begun if parts else number
        parts.append(re.sub(r"\\\s*$", "", line).strip())
        if re.search(r"\\\s*$", line):
            continue
        word, _, rest = " ".join(parts).partition(" ")
        if word.upper() not in KNOWN or word != word.upper():
            raise Fault(begun, f"no instruction {word}")
        if "<<" in rest:
            raise Fault(begun, "a here-document: put it into docker/steps")
        yield begun, word, rest.strip()
        parts = []
    if parts:
        raise Fault(begun, "the last line goes on")


def words_of(rest):
    """Flags, then the words of the shell or JSON form."""
    flags = {}
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        name, _, value = flag[2:].partition("=")
        flags[name], rest = value, rest.strip()
    if rest.startswith("["):
        try:
            return flags, json.loads(rest)
        except ValueError:
            raise Fault(0, "no JSON list: " + rest) from None
    return flags, shlex.split(rest)


def image_faults(image, stages):
    name, _, tag = image.rpartition("/")[2].partition(":")
    if image not in stages and "@sha256:" not in image and (not tag or tag == "latest"):
        yield f"{name} without a version"


class Image:
    """What the instructions have said so far."""

    def __init__(self, source):
        self.source, self.stages, self.copied, self.last = source, [], [], {}

    def take_FROM(self, rest):
        _, words = words_of(rest)
        if not words or (len(words) != 1 and (len(words) != 3 or words[1].upper() != "AS")):
            raise Fault(0, "FROM IMAGE [AS NAME]")
        yield from image_faults(words[0], self.stages)
        self.stages.append(words[2] if len(words) == 3 else str(len(self.stages)))
        self.last = {}

    def take_COPY(self, rest):
        flags, words = words_of(rest)
        if len(words) < 2:
            raise Fault(0, "COPY SOURCE… TARGET")
        if "from" in flags:
            if flags["from"] not in self.stages[:-1]:
                yield f"no stage {flags['from']} before this one"
            return
        for name in words[:-1]:
            if name.startswith("/") or ".." in name or not list(self.source.glob(name) if name != "." else [1]):
                yield f"{name} is not in the source tree"

    def take_ADD(self, _):
        yield "ADD fetches and unpacks: use COPY"

    def take_MAINTAINER(self, _):
        yield "MAINTAINER is no more: use LABEL"

    def take_RUN(self, rest):
        if PIPED.search(rest):
            yield "a download is run unseen"
        if re.search(r"\bsudo\b|apt(-get)? +(dist-|full-)?upgrade", rest):
            yield "sudo and upgrades have no place in an image"
        for script in re.findall(r"/(?:src|usr/share/rsspd)/(\S+)", rest):
            path = self.source / script
            if not path.is_file() or not path.stat().st_mode & 0o111:
                yield f"{script} is no program of the source tree"

    def take_ENV(self, rest):
        for word in shlex.split(rest):
            if SECRET.search(word.partition("=")[0]):
                yield f"a secret in the image: {word.partition('=')[0]}"

    take_ARG = take_ENV

    def take_USER(self, rest):
        if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", rest):
            yield f"USER {rest}: a number that is not root's, with its group"
        self.last["USER"] = rest

    def take_EXPOSE(self, rest):
        for port in rest.split():
            if not port.partition("/")[0].isdigit() or int(port.partition("/")[0]) < 1024:
                yield f"port {port} is not for an ordinary user"

    def take_HEALTHCHECK(self, rest):
        self.last["HEALTHCHECK"] = rest
        _, words = words_of(rest)
        if words[:1] != ["CMD"]:
            yield "HEALTHCHECK without a command"

    def take_ENTRYPOINT(self, rest):
        self.last["ENTRYPOINT"] = rest
        if not rest.startswith("["):
            yield "ENTRYPOINT as a list: a shell would swallow SIGTERM"
        words_of(rest)

    def end(self):
        for needed in ("USER", "HEALTHCHECK", "ENTRYPOINT"):
            if needed not in self.last:
                yield f"the last stage has no {needed}"
        if len(self.stages) < 2:
            yield "one stage: the compiler would be in the image"


def dockerfile_faults(source, name):
    image, number = Image(source), 1
    try:
        for number, word, rest in instructions((source / name).read_text()):
            if not image.stages and word not in ("FROM", "ARG"):
                yield f"{name}:{number}: before FROM"
            for fault in getattr(image, "take_" + word, lambda rest: ())(rest):
                yield f"{name}:{number}: {fault}"
        for fault in image.end():
            yield f"{name}:{number}: {fault}"
    except Fault as fault:
        yield f"{name}:{fault.args[0] or number}: {fault.args[1]}"
    except ValueError as error:
        yield f"{name}:{number}: {error}"


# What a service may have: anything else is a slip, or opens it.
KEYS = {"image", "build", "restart", "user", "read_only", "cap_drop", "cap_add", "security_opt", "tmpfs",
        "pids_limit", "environment", "secrets", "volumes", "networks", "network_mode", "healthcheck",
        "entrypoint", "depends_on", "ports", "stop_grace_period", "profiles"}
CAPABILITIES = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "KILL"}


def service_faults(name, service, whole, source):
    yield from (f"{name}: no key {key}" for key in set(service) - KEYS)
    if service.get("read_only") is not True:
        yield f"{name}: its root file system can be written"
    if service.get("cap_drop") != ["ALL"] or not set(service.get("cap_add", ())) <= CAPABILITIES:
        yield f"{name}: capabilities: drop all, add none but {sorted(CAPABILITIES)}"
    if "no-new-privileges:true" not in service.get("security_opt", ()):
        yield f"{name}: may gain privileges"
    if service.get("network_mode", "none") != "none":
        yield f"{name}: the host's network"
    if "build" not in service and ":" not in service.get("image", "") and not built(service, whole):
        yield f"{name}: an image without a version"
    if str(service.get("image", "")).endswith(":latest"):
        yield f"{name}: an image without a version"
    for port in service.get("ports", ()):
        if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", str(port)):
            yield f"{name}: port {port} is not on the loopback"
    for variable, value in dict(service.get("environment", {})).items():
        if SECRET.search(variable) and not variable.endswith("_FILE") and value:
            yield f"{name}: a secret in the environment: {variable}"
    for kind in ("secrets", "networks"):
        yield from (f"{name}: no {kind} {one}" for one in service.get(kind, ()) if one not in whole.get(kind, {}))
    yield from (f"{name}: no service {one}" for one in service.get("depends_on", ()) if one not in whole["services"])
    for volume in service.get("volumes", ()):
        place = str(volume).split(":")[0]
        if place not in whole.get("volumes", {}) and not (place.startswith(".") and volume.endswith(":ro")):
            yield f"{name}: the folder {place} can be written"
    for script in re.findall(r"/(?:source|usr/share/rsspd)/(\S+)", " ".join(service.get("entrypoint", ()))):
        if not (source / script).is_file():
            yield f"{name}: no such program {script}"


def built(service, whole):
    return any(other.get("image") == service.get("image") and "build" in other
               for other in whole["services"].values())


def compose_faults(source, name):
    text = (source / name).read_text()
    try:
        whole = yaml.safe_load(text)
        for service, content in whole["services"].items():
            yield from (f"{name}:1: {fault}" for fault in service_faults(service, content, whole, source))
        for secret, content in whole.get("secrets", {}).items():
            if set(content) != {"file"}:
                yield f"{name}:1: secret {secret} does not come from a file"
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        yield f"{name}:1: {error!r}"

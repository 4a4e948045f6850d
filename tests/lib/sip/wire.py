# wire.py - SIP messages (RFC 3261) and digest authentication (RFC 2617), as the telephones of the tests speak them
import hashlib
import os
import re

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
           "c": "content-type"}
REASONS = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 302: "Moved Temporarily",
           401: "Unauthorized", 404: "Not Found", 407: "Proxy Authentication Required", 408: "Request Timeout",
           410: "Gone", 480: "Temporarily Unavailable", 481: "Call Does Not Exist", 486: "Busy Here",
           487: "Request Terminated", 488: "Not Acceptable Here", 500: "Server Internal Error",
           501: "Not Implemented", 503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline",
           604: "Does Not Exist Anywhere", 606: "Not Acceptable"}


class Message:
    """A request or a response; headers in the order they came."""

    def __init__(self, start, headers, body=b""):
        self.start, self.headers, self.body = start, headers, body
        first, second, _ = start.split(" ", 2)
        self.is_response = first == "SIP/2.0"
        self.status = int(second) if self.is_response else 0
        self.method = self.get("cseq").split()[-1] if self.is_response else first
        self.uri = "" if self.is_response else second

    @staticmethod
    def parse(data):
        head, _, body = data.partition(b"\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
        headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            headers.append((COMPACT.get(name, name), value.strip()))
        return Message(lines[0], headers, body)

    def all(self, name):
        return [value for key, value in self.headers if key == name]

    def get(self, name):
        return next(iter(self.all(name)), "")

    def branch(self):
        return parameter(self.get("via"), "branch")

    def sequence(self):
        return int(self.get("cseq").split()[0])

    def encode(self):
        lines = [self.start] + [f"{name}: {value}" for name, value in self.headers if name != "content-length"]
        lines.append(f"content-length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


def parameter(value, name):
    found = re.search(rf";\s*{name}=([^;,\s]+)", value)
    return found.group(1) if found else ""


def address(value):
    """The URI of a From, To or Contact."""
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def user_of(uri):
    found = re.match(r"sip:([^@;]*)@", uri)
    return found.group(1) if found else ""


def host_port(uri):
    found = re.match(r"sip:(?:[^@]*@)?([^:;>]+)(?::(\d+))?", uri)
    return found.group(1), int(found.group(2) or 5060)


def token():
    return os.urandom(8).hex()


def reply(request, status, tag="", headers=(), body=b""):
    to = request.get("to")
    if tag and status > 100 and not parameter(to, "tag"):
        to += f";tag={tag}"
    copied = [("via", value) for value in request.all("via")]
    copied += [("from", request.get("from")), ("to", to), ("call-id", request.get("call-id")),
               ("cseq", request.get("cseq"))]
    return Message(f"SIP/2.0 {status} {REASONS.get(status, 'Whatever')}", copied + list(headers), body)


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


class Digest:
    """Demands a user and a password, and checks the proof. It says no to whoever proves it wrongly, too."""

    def __init__(self, user, password, realm="vmroll.test"):
        self.user, self.password, self.realm = user, password, realm
        self.nonces = set()

    def challenge(self, request, proxy):
        nonce = token()
        self.nonces.add(nonce)
        name = "proxy-authenticate" if proxy else "www-authenticate"
        value = f'Digest realm="{self.realm}", nonce="{nonce}", algorithm=MD5, qop="auth"'
        return reply(request, 407 if proxy else 401, token(), [(name, value)])

    def accepts(self, request):
        proof = request.get("authorization") or request.get("proxy-authorization")
        found = {key: quoted or plain for key, quoted, plain in
                 re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', proof)}
        if found.get("nonce") not in self.nonces or found.get("username") != self.user:
            return False
        if found.get("realm") != self.realm or found.get("uri") != request.uri:
            return False
        secret = md5(f"{self.user}:{self.realm}:{self.password}")
        what = md5(f"{request.method}:{found['uri']}")
        middle = f"{found['nonce']}:{found.get('nc')}:{found.get('cnonce')}:{found.get('qop')}"
        return found.get("response") == md5(f"{secret}:{middle}:{what}")

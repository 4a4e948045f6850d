# call.py - one call as a telephone of the tests takes it: what its plan says, step by step
import asyncio
import os
import random
import re
import time

from sound import PAYLOADS, Sound
from wire import Message, address, host_port, reply, token, user_of

HERE = "127.0.0.1"
T1 = 0.5  # RFC 3261, 17.1.1.1


class Plan:
    def __init__(self, words):
        self.words = [word.partition("=")[::2] for word in words]

    def get(self, name, default=""):
        return next((value for key, value in self.words if key == name), default)

    def has(self, name):
        return any(key == name for key, _ in self.words)

    def timed(self, name):
        return [value.split("@") for key, value in self.words if key == name]


class UdpChannel:
    is_reliable = False

    def __init__(self, transport, peer):
        self.transport, self.peer = transport, peer

    def send(self, message):
        self.transport.sendto(message.encode(), self.peer)

    def to_contact(self, contact):
        return UdpChannel(self.transport, host_port(contact))


class TcpChannel:
    is_reliable = True

    def __init__(self, writer):
        self.writer = writer
        self.peer = writer.get_extra_info("peername")

    def send(self, message):
        if not self.writer.is_closing():
            self.writer.write(message.encode())

    def to_contact(self, _):
        return self


class Garbled:
    """A message with some bytes that are wrong, the same for the same user."""

    def __init__(self, message, chance):
        self.data = bytearray(message.encode())
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(self.data))
            change = chance.randrange(3)
            if change == 0:
                self.data[place] = chance.randrange(256)
            elif change == 1:
                self.data[place:place] = bytes([self.data[place]]) * chance.randrange(1, 400)
            else:
                del self.data[place:place + chance.randrange(1, 12)]

    def encode(self):
        return bytes(self.data)


class Call:
    """One call from INVITE to the end."""

    def __init__(self, phone, number, invite, channel, plan):
        self.phone, self.number, self.invite, self.channel, self.plan = phone, number, invite, channel, plan
        self.tag = token()
        self.user = user_of(invite.uri)
        self.sound = Sound(HERE)
        self.sequence = 1
        self.acknowledged = asyncio.Event()
        self.answered_at = None
        self.is_over = False
        self.task = None
        self.later = []
        self.invite_reply = None
        self.version = 0
        self.chance = random.Random(self.user)

    def event(self, name, **what):
        self.phone.event(name, call=self.number, user=self.user, **what)

    def contact(self):
        transport = ";transport=tcp" if self.channel.is_reliable else ""
        return ("contact", f"<sip:{self.user}@{HERE}:{self.phone.port}{transport}>")

    def respond(self, status, body=b"", headers=()):
        more = [*headers] if 300 <= status < 400 else [self.contact(), *headers]
        if body:
            more.append(("content-type", "application/sdp"))
        self.invite_reply = reply(self.invite, status, self.tag, more, body)
        if status >= 300:
            self.disguise()
        self.send_reply()

    def disguise(self):
        answer = self.invite_reply
        if self.plan.has("code"):
            version, _, reason = answer.start.split(" ", 2)
            answer.start = f"{version} {self.plan.get('code')} {reason}"
        if self.plan.has("alien"):
            answer.headers = [(name, token() if name == "call-id" else value) for name, value in answer.headers]

    def send_reply(self):
        garble = self.plan.has("garble")
        self.channel.send(Garbled(self.invite_reply, self.chance) if garble else self.invite_reply)

    async def respond_finally(self, status, body=b"", headers=()):
        self.acknowledged.clear()
        self.respond(status, body, headers)
        for i in range(6):
            try:
                await asyncio.wait_for(self.acknowledged.wait(), T1 * 2 ** i)
                return True
            except asyncio.TimeoutError:
                if not self.channel.is_reliable or status < 300:
                    self.send_reply()
        return False

    def take_sdp(self, message):
        text = message.body.decode("utf-8", "replace")
        media = re.search(r"m=audio (\d+) \S+ ([\d ]+)", text)
        place = re.search(r"c=IN IP4 (\S+)", text)
        if not media or not place:
            return
        offered = [int(number) for number in media.group(2).split()]
        wanted = PAYLOADS.get(self.plan.get("codec"), None)
        self.sound.payload = wanted if wanted in offered else next(n for n in offered if n in (0, 8))
        event = re.search(r"a=rtpmap:(\d+) telephone-event/8000", text)
        self.sound.event_payload = int(event.group(1)) if event else 101
        self.sound.peer = (place.group(1), int(media.group(1)))

    def sdp(self, direction="sendrecv"):
        wrong = self.plan.get("sdp")
        if wrong == "none":
            return b""
        if wrong == "garbage":
            return b"v=0\r\nm=audio 99999999999999999999 RTP/AVP 0\r\nc=IN IP4 999.1.1.1\r\nx"
        host = {"multicast": "224.1.1.1", "nat": "127.0.0.2"}.get(wrong, HERE)
        kind = "video" if wrong == "video" else "audio"
        codec = 9 if wrong == "nocodec" else self.sound.payload
        name = {0: "PCMU", 8: "PCMA", 9: "G722"}[codec]
        self.version += 1
        lines = ["v=0", f"o=phone 1 {self.version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0",
                 f"m={kind} {self.sound.port} RTP/AVP {codec} {self.sound.event_payload}",
                 f"a=rtpmap:{codec} {name}/8000", f"a=rtpmap:{self.sound.event_payload} telephone-event/8000",
                 f"a={direction}"]
        return ("\r\n".join(lines) + "\r\n").encode()

    async def run(self):
        self.event("invited", uri=self.invite.uri, caller=address(self.invite.get("from")),
                   transport="tcp" if self.channel.is_reliable else "udp")
        if self.plan.has("mute"):
            return
        self.take_sdp(self.invite)
        self.respond(100)
        await self.ring()
        status = int(self.plan.get("status", "200"))
        if status >= 300:
            self.event("refused", status=status)
            to = [("contact", f"<{self.plan.get('to')}>")] if status < 400 else []
            await self.respond_finally(status, headers=to)
            self.end()
            return
        self.answered_at = time.monotonic()
        self.start_sound()
        self.event("answered")
        if await self.respond_finally(200, self.sdp()):
            self.do_later()

    async def ring(self):
        seconds = self.plan.get("ring", "0.1")
        if self.plan.has("early"):
            self.start_sound()
            self.respond(183, self.sdp())
        else:
            self.respond(180)
        self.event("ringing")
        await asyncio.sleep(1e9 if seconds == "ever" else float(seconds))

    def start_sound(self):
        if self not in self.phone.sounding:
            self.sound.is_silent = self.plan.has("silent")
            asyncio.get_running_loop().add_reader(self.sound.socket, self.sound.receive)
            self.phone.sounding.append(self)

    def do_later(self):
        for key, when in self.plan.timed("key"):
            self.later.append(asyncio.create_task(self.press(key, when)))
        for key, when in self.plan.timed("spoof"):
            self.later.append(asyncio.create_task(self.spoof(key, float(when))))
        for when, length in self.plan.timed("hold"):
            self.later.append(asyncio.create_task(self.hold(float(when), float(length))))
        if self.plan.has("bye"):
            self.later.append(asyncio.create_task(self.hang_up(float(self.plan.get("bye")))))

    async def press(self, key, when):
        if when.startswith("a"):
            while self.sound.heard_s() < float(when[1:]):
                await asyncio.sleep(0.02)
        else:
            await asyncio.sleep(float(when))
        self.event("key", key=key)
        way = self.plan.get("by")
        if not way:
            self.sound.press(key, self.plan.get("lose"))
            return
        kind = "application/dtmf" if way == "dtmf" else "application/dtmf-relay"
        body = key if way == "dtmf" else f"Signal={key}\r\nDuration=160\r\n"
        answer = await self.request("INFO", body.encode(), kind, 2 if self.plan.has("twice") else 1)
        self.event("info", status=answer.status if answer else 0)

    async def spoof(self, key, when):
        await asyncio.sleep(when)
        stranger = Sound("127.0.0.3")
        stranger.peer, stranger.is_silent = self.sound.peer, True
        stranger.press(key)
        while stranger.queue:
            stranger.tick()
        stranger.socket.close()
        self.event("spoofed", key=key)

    async def hold(self, when, length):
        await asyncio.sleep(when)
        for direction, pause in (("sendonly", length), ("sendrecv", 0)):
            answer = await self.request("INVITE", self.sdp(direction), "application/sdp")
            found = re.search(rb"a=(sendrecv|recvonly|sendonly|inactive)", answer.body) if answer else None
            self.event("held" if pause else "resumed", status=answer.status if answer else 0,
                       direction=found.group(1).decode() if found else "", packets=len(self.sound.arrivals))
            await asyncio.sleep(pause)
            if pause:
                self.event("holding", packets=len(self.sound.arrivals))

    async def hang_up(self, when):
        await asyncio.sleep(when)
        self.event("bye", by="phone")
        self.is_over = True
        answer = await self.request("BYE")
        self.event("bye-answered", status=answer.status if answer else 0)
        self.end()

    async def request(self, method, body=b"", kind="", times=1):
        self.sequence += 1
        contact = address(self.invite.get("contact"))
        channel = self.channel.to_contact(contact)
        transport = "TCP" if channel.is_reliable else "UDP"
        local = self.invite_reply.get("to")
        headers = [("via", f"SIP/2.0/{transport} {HERE}:{self.phone.port};branch=z9hG4bK{token()}"),
                   ("max-forwards", "70"), ("from", local), ("to", self.invite.get("from")),
                   ("call-id", self.invite.get("call-id")), ("cseq", f"{self.sequence} {method}"), self.contact()]
        if kind:
            headers.append(("content-type", kind))
        message = Message(f"{method} {contact} SIP/2.0", headers, body)
        for _ in range(times - 1):
            channel.send(message)
        answer = await self.phone.transact(message, channel)
        if method == "INVITE" and answer:
            headers[5] = ("cseq", f"{self.sequence} ACK")
            channel.send(Message(f"ACK {contact} SIP/2.0", headers))
        return answer

    def cancel(self):
        if self.answered_at or self.is_over or self.plan.has("mute"):
            return
        self.event("cancelled")
        self.task.cancel()
        self.task = asyncio.create_task(self.respond_finally(487))
        self.end()

    def end(self):
        self.is_over = True
        for task in self.later:
            if task is not asyncio.current_task():
                task.cancel()
        if self not in self.phone.sounding:
            return
        self.phone.sounding.remove(self)
        self.sound.receive()
        asyncio.get_running_loop().remove_reader(self.sound.socket)
        self.sound.socket.close()
        self.event("rtp", **self.sound.statistics())
        if self.phone.arguments.late:
            with open(os.path.join(self.phone.arguments.folder, "late"), "a", encoding="ascii") as file:
                file.writelines(f"{late:.3f}\n" for late in self.sound.lateness())
        else:
            name = f"{self.number:06}.wav"
            self.sound.record(os.path.join(self.phone.arguments.folder, name))
            self.event("recorded", file=name)

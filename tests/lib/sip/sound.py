# sound.py - RTP (RFC 3550) with G.711 and keys (RFC 4733), as the telephones of the tests hear and send it
import math
import os
import socket
import struct
import wave

SO_TIMESTAMPNS = 35
PACKET = 160  # samples, 20 ms
RATE = 8000
KEYS = "0123456789*#ABCD"
LONGEST = 600 * RATE
PAYLOADS = {"pcmu": 0, "pcma": 8}


def ulaw_to_linear(byte):
    """ITU-T G.711, mu-law, to 16 bits."""
    byte = ~byte & 0xFF
    value = (((byte & 0x0F) << 3) + 0x84) << ((byte >> 4) & 7)
    return 0x84 - value if byte & 0x80 else value - 0x84


def alaw_to_linear(byte):
    """ITU-T G.711, A-law, to 16 bits."""
    byte ^= 0x55
    exponent, mantissa = (byte >> 4) & 7, byte & 0x0F
    value = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return value if byte & 0x80 else -value


TABLES = {0: [ulaw_to_linear(byte) for byte in range(256)], 8: [alaw_to_linear(byte) for byte in range(256)]}


def nearest(payload, value):
    table = TABLES[payload]
    return min(range(256), key=lambda byte: abs(table[byte] - value))


def tone(payload, frequency=440):
    """40 periods in 0.1 s or so: a second of it as bytes, made once."""
    cycle = [nearest(payload, int(6000 * math.sin(2 * math.pi * frequency * i / RATE))) for i in range(RATE // 40)]
    return bytes(cycle) * 40


TONES = {}


class Sound:
    """The sound of one call: what came, and what is sent at each tick of 20 ms."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        self.socket.bind((address, 0))
        self.port = self.socket.getsockname()[1]
        self.source = int.from_bytes(os.urandom(4), "big")
        self.sequence = int.from_bytes(os.urandom(2), "big") >> 1
        self.timestamp = int.from_bytes(os.urandom(4), "big") >> 1
        self.payload, self.event_payload = 0, 101
        self.peer = None
        self.is_silent = False
        self.queue = []  # packets of keys, before sound
        self.heard = {}  # timestamp: (payload type, bytes)
        self.arrivals = []  # (timestamp, kernel's time in ns, sequence)
        self.marked = True

    def receive(self):
        while True:
            try:
                data, extra, _, peer = self.socket.recvmsg(2048, 64)
            except (BlockingIOError, OSError):
                return
            if len(data) < 12 or data[0] >> 6 != 2:
                continue
            kind, sequence, timestamp, _ = struct.unpack("!xBHII", data[:12])
            when = [struct.unpack("ll", value) for _, sort, value in extra if sort == SO_TIMESTAMPNS]
            self.arrivals.append((timestamp, when[0][0] * 1000000000 + when[0][1], sequence))
            self.heard[timestamp] = (kind & 0x7F, data[12:])

    def heard_s(self):
        return len(self.arrivals) * PACKET / RATE

    def header(self, payload, marked, timestamp):
        self.sequence = (self.sequence + 1) & 0xFFFF
        return struct.pack("!BBHII", 0x80, payload | (0x80 if marked else 0), self.sequence, timestamp & 0xFFFFFFFF,
                           self.source)

    def press(self, key, lose=""):
        """Queues the packets of a press of 0.1 s; LOSE: "start", "end" or both."""
        event, start = KEYS.index(key), self.timestamp + len(self.queue) * PACKET
        for i in range(8):
            is_end = i >= 5
            if ("end" if is_end else "start") in lose:
                self.queue.append(None)
                continue
            body = struct.pack("!BBH", event, (0x80 if is_end else 0) | 10, min(i + 1, 6) * PACKET)
            self.queue.append((self.event_payload, i == 0, start, body))

    def tick(self):
        if not self.peer or (self.is_silent and not self.queue):
            return
        if self.queue:
            packet = self.queue.pop(0)
            if packet:
                payload, marked, timestamp, body = packet
                self.send(self.header(payload, marked, timestamp) + body)
        else:
            if self.payload not in TONES:
                TONES[self.payload] = tone(self.payload)
            offset = self.timestamp % (RATE - PACKET)
            self.send(self.header(self.payload, self.marked, self.timestamp) +
                      TONES[self.payload][offset:offset + PACKET])
            self.marked = False
        self.timestamp += PACKET

    def send(self, packet):
        try:
            self.socket.sendto(packet, self.peer)
        except OSError:
            pass

    def lateness(self):
        """In ms, sorted: of each packet, by the kernel's clock, against the schedule that the earliest one keeps."""
        first = self.arrivals[0][0] if self.arrivals else 0
        offsets = [when - ((timestamp - first) & 0xFFFFFFFF) * 125000 for timestamp, when, _ in self.arrivals]
        return sorted((offset - min(offsets)) / 1e6 for offset in offsets)

    def statistics(self):
        late = self.lateness()
        if not late:
            return {"packets": 0}
        sequences = {sequence for _, _, sequence in self.arrivals}
        expected = ((self.arrivals[-1][2] - self.arrivals[0][2]) & 0xFFFF) + 1
        return {"packets": len(late), "lost": expected - len(sequences), "p50_ms": round(late[len(late) // 2], 3),
                "p99_ms": round(late[len(late) * 99 // 100], 3), "max_ms": round(late[-1], 3)}

    def record(self, path):
        """What was heard, as a WAV: what did not come is silence."""
        samples = bytearray()
        first = self.arrivals[0][0] if self.arrivals else 0
        for timestamp, (payload, body) in self.heard.items():
            place = ((timestamp - first) & 0xFFFFFFFF) * 2
            if payload not in TABLES or place > LONGEST * 2:
                continue
            decoded = struct.pack(f"<{len(body)}h", *(TABLES[payload][byte] for byte in body))
            if len(samples) < place + len(decoded):
                samples.extend(bytes(place + len(decoded) - len(samples)))
            samples[place:place + len(decoded)] = decoded
        with wave.open(path + ".tmp", "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(bytes(samples))
        os.rename(path + ".tmp", path)

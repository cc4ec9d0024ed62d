"""Writes RDB files of the versions 1 to 12, as servers of their time did, into the folder that is its only argument.

It follows the description of the form and shares nothing with jagad: ziplists, zipmaps, intsets, listpacks, streams and quicklists are
built here byte by byte. The checksum is that of Redis: CRC-64 with Jones' polynomial, reflected."""

import struct
import sys

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ 0x95AC9329AC4BC9B5 if byte & 1 else byte >> 1
    TABLE.append(byte)


def crc64(data):
    crc = 0
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc


def length(n):
    if n < 64:
        return bytes([n])
    if n < 16384:
        return bytes([0x40 | n >> 8, n & 255])
    if n < 1 << 32:
        return b"\x80" + struct.pack(">I", n)
    return b"\x81" + struct.pack(">Q", n)


def text(value):
    if isinstance(value, str):
        value = value.encode()
    return length(len(value)) + value


def integer(n):
    """A string that is a number, in the short form."""
    for code, size, low in ((0xC0, "<b", -(1 << 7)), (0xC1, "<h", -(1 << 15)), (0xC2, "<i", -(1 << 31))):
        if low <= n < -low:
            return bytes([code]) + struct.pack(size, n)
    return text(str(n))


def compressed(byte, times):
    """A string of one repeated byte in the form of LZF: the byte itself, then references of up to 264 bytes to it."""
    packed, left = bytes([0, byte]), times - 1
    while left:
        run = min(left, 264)
        if run < 9:
            packed += bytes([run - 1]) + bytes([byte]) * run
        else:
            packed += bytes([7 << 5, run - 9, 0])
        left -= run
    return b"\xc3" + length(len(packed)) + length(times) + packed


def ziplist(items):
    body, previous, last = b"", 0, 10
    for item in items:
        if isinstance(item, int):
            if 0 <= item <= 12:
                data = bytes([0xF1 + item])
            elif -128 <= item < 128:
                data = b"\xfe" + struct.pack("<b", item)
            elif -(1 << 15) <= item < 1 << 15:
                data = b"\xc0" + struct.pack("<h", item)
            elif -(1 << 31) <= item < 1 << 31:
                data = b"\xd0" + struct.pack("<i", item)
            else:
                data = b"\xe0" + struct.pack("<q", item)
        else:
            raw = item.encode()
            if len(raw) < 64:
                data = bytes([len(raw)]) + raw
            elif len(raw) < 16384:
                data = bytes([0x40 | len(raw) >> 8, len(raw) & 255]) + raw
            else:
                data = b"\x80" + struct.pack(">I", len(raw)) + raw
        before = bytes([previous]) if previous < 254 else b"\xfe" + struct.pack("<I", previous)
        last = 10 + len(body)
        previous = len(before) + len(data)
        body += before + data
    return struct.pack("<IIH", 11 + len(body), last, len(items)) + body + b"\xff"


def listpack(items):
    body = b""
    for item in items:
        if isinstance(item, int):
            if 0 <= item < 128:
                data = bytes([item])
            elif -4096 <= item < 4096:
                data = bytes([0xC0 | (item & 0x1FFF) >> 8, item & 255])
            elif -(1 << 15) <= item < 1 << 15:
                data = b"\xf1" + struct.pack("<h", item)
            elif -(1 << 23) <= item < 1 << 23:
                data = b"\xf2" + struct.pack("<i", item)[:3]
            elif -(1 << 31) <= item < 1 << 31:
                data = b"\xf3" + struct.pack("<i", item)
            else:
                data = b"\xf4" + struct.pack("<q", item)
        else:
            raw = item.encode()
            if len(raw) < 64:
                data = bytes([0x80 | len(raw)]) + raw
            elif len(raw) < 4096:
                data = bytes([0xE0 | len(raw) >> 8, len(raw) & 255]) + raw
            else:
                data = b"\xf0" + struct.pack("<I", len(raw)) + raw
        size, back = len(data), []
        while True:
            back.append(size & 127)
            size >>= 7
            if not size:
                break
        data += bytes([back[-1]]) + bytes(part | 128 for part in reversed(back[:-1]))
        body += data
    return struct.pack("<IH", 7 + len(body), len(items)) + body + b"\xff"


def zipmap(pairs):
    body = bytes([len(pairs)])
    for name, value in pairs:
        for item, free in ((name, b""), (value, b"\x00")):
            raw = item.encode()
            body += (bytes([len(raw)]) if len(raw) < 254 else b"\xfe" + struct.pack("<I", len(raw))) + free + raw
    return body + b"\xff"


def intset(numbers):
    for size, code in ((2, "h"), (4, "i"), (8, "q")):
        if all(-(1 << 8 * size - 1) <= n < 1 << 8 * size - 1 for n in numbers):
            return struct.pack("<II", size, len(numbers)) + struct.pack(f"<{len(numbers)}{code}", *sorted(numbers))


def stream(kind):
    """Two entries of the same fields, one with others, one deleted; a group with a consumer and something pending."""
    entries = [3, 1, 2, "name", "n", 0, 2, 0, 0, "a", 1, 5, 2, 1, 0, "b", 2, 5]
    entries += [0, 2, 0, 1, "other", "x" * 100, 6, 3, 3, 0, "gone", 0, 5]
    ident = struct.pack(">QQ", 1000, 0)
    out = length(1) + text(ident) + text(listpack(entries)) + length(3) + length(1003) + length(0)
    if kind >= 19:
        out += length(1000) + length(0) + length(1003) + length(0) + length(4)
    out += length(1) + text("group") + length(1001) + length(0)
    if kind >= 19:
        out += length(2)
    pending = struct.pack(">QQ", 1000, 0)
    out += length(1) + pending + struct.pack("<q", 1700000000000) + length(3)
    out += length(1) + text("consumer") + struct.pack("<q", 1700000000000)
    if kind >= 21:
        out += struct.pack("<q", 1700000000001)
    return out + length(1) + pending


def expiring(version, seconds):
    if version < 3:
        return b"\xfd" + struct.pack("<i", seconds)
    return b"\xfc" + struct.pack("<q", seconds * 1000 + 7)


FAR = 2000000000
WORDS = ["one", "two", 3, -70000, 1 << 40, "x" * 70, ""]


def as_texts(items):
    return length(len(items)) + b"".join(text(str(item)) for item in items)


def values(version):
    """Every type and encoding that servers of this version wrote, by a name for its key."""
    yield "string", 0, text("value")
    yield "number", 0, integer(123)
    yield "negative", 0, integer(-40000)
    yield "compressed", 0, compressed(97, 5000)
    yield "list", 1, as_texts(WORDS)
    yield "set", 2, as_texts(["a", "b", 7])
    scores = [(b"\x03", b"1.5"), (b"\x02", b"-3")]
    yield "zset", 3, length(5) + b"".join(text(f"m{n}") + size + score for n, (size, score) in enumerate(scores)) \
        + text("inf") + b"\xfe" + text("-inf") + b"\xff" + text("zero") + b"\x010"
    yield "hash", 4, length(2) + text("f") + text("v") + text("n") + integer(5)
    if version >= 2:
        yield "zipmap", 9, text(zipmap([("f", "v"), ("long", "y" * 300)]))
        yield "ziplist", 10, text(ziplist(WORDS))
        yield "intset 16", 11, text(intset([1, -2, 300]))
        yield "intset 32", 11, text(intset([1, 70000]))
        yield "intset 64", 11, text(intset([1, 1 << 40]))
        yield "zset ziplist", 12, text(ziplist(["a", 1, "b", "2.5"]))
    if version >= 4:
        yield "hash ziplist", 13, text(ziplist(["f", "v", "n", 12]))
    if version >= 7:
        yield "quicklist", 14, length(2) + text(ziplist(WORDS)) + text(ziplist(["last"]))
    if version >= 8:
        yield "zset binary", 5, length(2) + text("a") + struct.pack("<d", 0.1) + text("b") + struct.pack("<d", float("-inf"))
    if version >= 9:
        yield "stream 1", 15, stream(15)
    if version >= 10:
        yield "hash listpack", 16, text(listpack(["f", "v" * 5000, "n", -5000]))
        yield "zset listpack", 17, text(listpack(["a", 1, "b", 2]))
        yield "quicklist 2", 18, length(3) + length(2) + text(listpack(WORDS)) + length(1) + text("z" * 9000) \
            + length(2) + text(listpack([8000000, 1 << 30]))
        yield "stream 2", 19, stream(19)
    if version >= 11:
        yield "set listpack", 20, text(listpack(["a", 1, "b"]))
        yield "stream 3", 21, stream(21)
    if version >= 12:
        far = FAR * 1000
        fields = [(1, "f", "v"), (0, "stays", "w"), (501, "g", "x")]
        yield "fields with times", 24, struct.pack("<q", far) + length(3) \
            + b"".join(length(ttl) + text(name) + text(value) for ttl, name, value in fields)
        yield "listpack with times", 25, struct.pack("<q", far) \
            + text(listpack(["f", "v", far, "g", "x", far + 500, "stays", "w", 0]))


def file(version):
    out = b"REDIS%04d" % version
    if version >= 7:
        out += b"\xfa" + text("redis-ver") + text("0.0") + b"\xfa" + text("redis-bits") + integer(64)
    if version >= 10:
        out += b"\xf5" + text(f"#!lua name=of{version}\nredis.register_function('f{version}', function() return 1 end)")
    for database in (0, 3):
        out += b"\xfe" + length(database)
        if version >= 7:
            out += b"\xfb" + length(40) + length(2)
        for name, kind, value in values(version):
            if database == 3 and kind > 4:
                out += expiring(version, FAR)
            if database == 3 and version >= 9:
                out += b"\xf8" + length(60) if kind % 2 else b"\xf9\x05"
            out += bytes([kind]) + text(name) + value
    out += b"\xff"
    return out + struct.pack("<Q", crc64(out)) if version >= 5 else out


for number in range(1, 13):
    with open(f"{sys.argv[1]}/version-{number:02}.rdb", "wb") as target:
        target.write(file(number))

"""Files with something wrong in them: bytes, numbers, JSON, members of an archive."""

import io
import json
import re
import struct
import zipfile
import zlib

_EXTREMES = (0, 1, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**63 - 1)
_VALUES = (None, True, -1, 0, 3, 10**6, 10**9, 10**30, 1e308, "", "x" * 1000, [], {})
_DEEP = "deep inside"


def mutated(content, others, random):
    """A file with up to three changes.

    Args:
        content: bytes.
        others: list of bytes, files of its kind to take pieces from.
        random: `random.Random`.
    """
    for _ in range(random.randint(1, 3)):
        if content[:2] == b"PK" and random.random() < 0.7:
            content = _archive(content, random)
        elif content[:1] == b"{" and random.random() < 0.7:
            content = _json(content, random)
        else:
            content = random.choice(_CHANGES)(content, others, random)
    if content[:8] == b"\x89PNG\r\n\x1a\n" and random.random() < 0.5:
        content = _with_right_sums(content)
    return content


def _place(content, random, most=64):
    """Start and end of a short part."""
    start = random.randrange(len(content) + 1)
    return start, min(start + random.randint(1, most), len(content))


def _flip(content, _, random):
    content = bytearray(content or b"\0")
    for _ in range(random.randint(1, 8)):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return bytes(content)


def _overwrite(content, _, random):
    start, end = _place(content, random)
    filling = random.choice((random.randbytes(end - start), bytes(end - start)))
    return content[:start] + filling + content[end:]


def _truncate(content, _, random):
    return content[: random.randrange(len(content) + 1)]


def _remove(content, _, random):
    start, end = _place(content, random)
    return content[:start] + content[end:]


def _repeat(content, _, random):
    start, end = _place(content, random)
    return content[:end] + content[start:end] * random.randint(1, 100) + content[end:]


def _insert(content, _, random):
    start, _ = _place(content, random)
    return content[:start] + random.randbytes(random.randint(1, 64)) + content[start:]


def _splice(content, others, random):
    other = random.choice(others)
    start = random.randrange(len(other) + 1)
    return content[: random.randrange(len(content) + 1)] + other[start:]


def _extreme(content, _, random):
    width, code = random.choice(((1, "B"), (2, "H"), (4, "I"), (8, "Q")))
    value = random.choice(_EXTREMES) % 256**width
    start = random.randrange(max(len(content) - width, 0) + 1)
    number = struct.pack(random.choice("<>") + code, value)
    return content[:start] + number + content[start + width :]


def _digits(content, _, random):
    numbers = list(re.finditer(rb"\d+", content))
    if not numbers:
        return content
    chosen = random.choice(numbers)
    value = str(random.choice((-1, 0, 7, 999, 10**6, 10**10, 10**40))).encode()
    return content[: chosen.start()] + value + content[chosen.end() :]


_CHANGES = (
    *(_flip, _overwrite, _truncate, _remove, _repeat),
    *(_insert, _splice, _extreme, _digits),
)


def _json(content, random):
    """Another value somewhere in a tree."""
    try:
        tree = {"": json.loads(content)}
    except (ValueError, RecursionError):
        return _digits(content, None, random)
    nodes = list(_nodes(tree))
    node, key = random.choice(nodes)
    what = random.randrange(6)
    if what == 0 and node is not tree:
        del node[key]
    elif what == 1 and isinstance(node, dict) and node is not tree:
        node[key + random.choice("x/. ")] = node.pop(key)
    elif what == 2 and type(node[key]) is int:
        node[key] *= 10 ** random.randint(1, 8)
    elif what == 3:
        other, place = random.choice(nodes)
        node[key] = json.loads(json.dumps(other[place]))
    else:
        node[key] = random.choice((*_VALUES, _DEEP))
    depth = random.choice((100, 2_000, 100_000))
    text = json.dumps(tree[""])
    return text.replace(f'"{_DEEP}"', "[" * depth + "]" * depth).encode()


def _nodes(node):
    """All places of a tree: what holds them, and the key."""
    keys = range(len(node)) if isinstance(node, list) else list(node)
    for key in keys:
        yield node, key
        if isinstance(node[key], (list, dict)):
            yield from _nodes(node[key])


def _archive(content, random):
    """A whole archive with something wrong in it: a member, or the list of them."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # it was changed before
        return _flip(content, None, random)
    if not parts:
        return content
    name = random.choice(list(parts))
    what = random.randrange(10)
    if what == 0:
        del parts[name]
    elif what == 1:
        parts[name + random.choice(("x", "/y", "\\z"))] = parts.pop(name)
    else:
        parts[name] = mutated(parts[name], list(parts.values()), random)
    written = io.BytesIO()
    packing = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(written, "w", packing) as archive:
        for member, part in parts.items():
            archive.writestr(member, part)
    return written.getvalue()


def _with_right_sums(png):
    """The chunks of a PNG with the checksums that they should have."""
    written, start = png[:8], 8
    while start + 12 <= len(png):
        (length,) = struct.unpack(">I", png[start : start + 4])
        body = png[start + 4 : start + 8 + length]
        written += png[start : start + 4] + body + struct.pack(">I", zlib.crc32(body))
        start += 12 + length
    return written

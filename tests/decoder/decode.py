#!/usr/bin/env python3
"""Decodes one backup without jagad, from docs/FORMAT.md alone.

    decode.py [--key-file FILE | --passphrase-file FILE] BACKUP_FOLDER OUTPUT_FOLDER

BACKUP_FOLDER holds manifest.json and the segments under the last part of their keys. With a key, the manifest is
proven before anything of it is believed. Each part is written to
OUTPUT_FOLDER under its name, and only after every length and digest of the manifest agreed.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import struct
import sys
import zlib

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"JAGAD\0SEAL"
CIPHERS = {1: AESGCM, 2: ChaCha20Poly1305}
CHUNK = 65536
TAG = 16


class Damaged(Exception):
    """The backup is not what its manifest says, or does not follow the format."""


def demand(condition, message):
    if not condition:
        raise Damaged(message)


class Keys:
    """The key at hand: 32 bytes, or a passphrase."""

    def __init__(self, key_file, passphrase_file):
        self.master = None
        self.passphrase = None
        self.derived = {}
        if key_file:
            with open(key_file, "rb") as file:
                self.master = base64.b64decode(file.read().strip(), validate=True)
            demand(len(self.master) == 32, "the key file does not hold 32 bytes")
        if passphrase_file:
            with open(passphrase_file, "rb") as file:
                self.passphrase = file.read().removesuffix(b"\n")

    def of(self, wrap, key_id, cost, repository):
        """The 32 bytes of the key `key_id`; `cost` is memory in KiB, passes and lanes of Argon2id."""
        if wrap == 1:
            demand(self.master is not None, "the object needs a key file")
            own = hashlib.sha256(b"jagad key id" + self.master).digest()[:16]
            demand(own == key_id, f"the object needs the key {key_id.hex()}, this is {own.hex()}")
            demand(cost == (0, 0, 0), "a cost of Argon2id for a key file")
            return self.master
        demand(wrap == 2, f"unknown wrap {wrap}")
        demand(self.passphrase is not None, "the object needs a passphrase")
        salt = hashlib.sha256(b"jagad passphrase salt" + repository).digest()[:16]
        demand(salt == key_id, "the salt is not that of the repository")
        memory, passes, lanes = cost
        believable = 8192 <= memory <= 262144 and 1 <= passes <= 16 and 1 <= lanes <= 16
        demand(believable, "the cost of Argon2id is out of bounds")
        if (repository, cost) not in self.derived:
            from argon2.low_level import Type, hash_secret_raw

            derived = hash_secret_raw(self.passphrase, salt, passes, memory, lanes, 32, Type.ID, version=0x13)
            self.derived[repository, cost] = derived
        return self.derived[repository, cost]


def subkey(master, info):
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master)


def authentic(raw, keys):
    """The manifest in `raw`, proven by its last member where a key is given."""
    content, member, record = raw.rpartition(b',\n  "authentication": ')
    if keys.master is None and keys.passphrase is None:
        return json.loads(raw)
    demand(member, "there is no authentication")
    demand(record.endswith(b"\n}\n"), "bytes follow the authentication")
    record = json.loads(record[:-3])
    demand(record["kind"] == "hmac-sha256", f"unknown kind of authentication {record['kind']}")
    manifest = json.loads(content + b"\n}\n")
    cost = record.get("argon2id")
    wrap, cost = (1, (0, 0, 0)) if cost is None else (2, (cost["memory_kib"], cost["passes"], cost["lanes"]))
    master = keys.of(wrap, bytes.fromhex(record["key_id"]), cost, bytes.fromhex(manifest["repository"]))
    code = hmac.new(subkey(master, b"jagad manifest authentication"), content, hashlib.sha256).hexdigest()
    demand(hmac.compare_digest(code, record["mac"]), "the manifest is not authentic")
    return manifest


def open_object(sealed, keys, identity):
    """The plain bytes of one encrypted object that must be the one of `identity`."""
    demand(sealed[:10] == MAGIC, "not an encrypted object")
    demand(len(sealed) >= 16, "the header's length is wrong")
    version, length = struct.unpack(">HI", sealed[10:16])
    demand(version == 1, f"version {version} of encrypted objects is not known")
    demand(140 <= length <= min(4096, len(sealed)), "the header's length is wrong")
    header = sealed[:length]
    cipher_byte, wrap = header[16], header[17]
    demand(cipher_byte in CIPHERS, f"unknown cipher {cipher_byte}")
    cipher = CIPHERS[cipher_byte]
    key_id, cost = header[18:34], struct.unpack(">III", header[34:46])
    wrap_nonce, prefix, place, repository = header[46:58], header[58:65], header[65], header[66:82]
    demand(place == 1, f"unknown place {place}")
    at, texts = 82, []
    for _ in range(3):
        size = int.from_bytes(header[at : at + 2])
        texts.append(header[at + 2 : at + 2 + size].decode(errors="replace"))
        at += 2 + size
    segment = int.from_bytes(header[at : at + 4])
    demand(at + 4 == length - 48, "the header's fields do not fill it")

    master = keys.of(wrap, key_id, cost, repository)
    wrapping_key = subkey(master, b"jagad wrapping key" + bytes([cipher_byte]))
    data_key = cipher(wrapping_key).decrypt(wrap_nonce, header[-48:], header[:-48])
    found = (repository.hex(), *texts, segment)
    demand(found == identity, f"this is the object {found}, not {identity}")

    aead, associated = cipher(data_key), hashlib.sha256(header).digest()
    body, plain = sealed[length:], []
    count = max(1, -(-len(body) // (CHUNK + TAG)))
    for index in range(count):
        chunk = body[index * (CHUNK + TAG) : (index + 1) * (CHUNK + TAG)]
        last = index == count - 1
        nonce = prefix + struct.pack(">I", index) + bytes([last])
        plain.append(aead.decrypt(nonce, chunk, associated))
        demand(plain[-1] or count == 1, "an empty last chunk after others")
    return b"".join(plain)


def decompress(packed, codec):
    if codec == "none":
        return packed
    if codec == "gzip":
        decoder = zlib.decompressobj(wbits=31)
        plain = decoder.decompress(packed)
    else:
        demand(codec == "zstd", f"unknown codec {codec}")
        decoder = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        plain = decoder.decompress(packed)
    demand(decoder.eof, f"the {codec} stream ends too early")
    demand(not decoder.unused_data, f"bytes follow the {codec} stream")
    return plain


def decode_part(folder, manifest, part, keys):
    recipe, packed, stored_bytes = manifest["recipe"], [], 0
    demand(part["segments"], "a part without segments")
    for index, segment in enumerate(part["segments"]):
        with open(os.path.join(folder, segment["key"].rsplit("/", 1)[-1]), "rb") as file:
            stored = file.read()
        stored_bytes += len(stored)
        demand(len(stored) == segment["bytes"], f"the length of {segment['key']}")
        demand(hashlib.sha256(stored).hexdigest() == segment["sha256"], f"the digest of {segment['key']}")
        if recipe["cipher"] is not None:
            place = (manifest["repository"], manifest["database"], manifest["id"], part["name"], index)
            stored = open_object(stored, keys, place)
        packed.append(stored)
    packed = b"".join(packed)
    demand(stored_bytes == part["stored_bytes"], "the stored length")
    demand(len(packed) == part["packed_bytes"], "the packed length")
    demand(hashlib.sha256(packed).hexdigest() == part["packed_sha256"], "the packed digest")
    plain = decompress(packed, recipe["codec"])
    demand(len(plain) == part["plain_bytes"], "the plain length")
    return plain


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--key-file")
    parser.add_argument("--passphrase-file")
    parser.add_argument("backup")
    parser.add_argument("output")
    arguments = parser.parse_args()
    with open(os.path.join(arguments.backup, "manifest.json"), "rb") as file:
        raw = file.read()
    try:
        keys = Keys(arguments.key_file, arguments.passphrase_file)
        manifest = authentic(raw, keys)
        demand(manifest["format"] == 1, f"format {manifest['format']} is not known")
        demand(manifest["status"] == "success", f"the backup's status is {manifest['status']}")
        os.makedirs(arguments.output, exist_ok=True)
        for part in manifest["parts"]:
            plain = decode_part(arguments.backup, manifest, part, keys)
            demand("/" not in part["name"] and not part["name"].startswith("."), "a part's name is unsafe")
            with open(os.path.join(arguments.output, part["name"]), "wb") as file:
                file.write(plain)
            print(f"{part['name']}: {len(plain)} bytes")
    except InvalidTag:
        sys.exit("damaged: an object or its header does not authenticate, or the passphrase is wrong")
    except Damaged as error:
        sys.exit(f"damaged: {error}")


if __name__ == "__main__":
    main()

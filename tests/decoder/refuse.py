#!/usr/bin/env python3
"""Shows the independent decoder malformed objects: each must be refused, and for the right reason.

    refuse.py FOLDER

FOLDER holds index.json, a list of {file, what, passphrase, reasons}, the files, main.key and phrase.
"""

import json
import os
import sys

from cryptography.exceptions import InvalidTag

from decode import Damaged, Keys, open_object

IDENTITY = ("ab" * 16, "shop", "20261120T020000Z-full-k3v9x2", "shop.dump", 0)
# Words of the decoder's messages, and the reason they give.
WORDS = [
    ("not an encrypted object", "magic"),
    ("is not known", "version"),
    ("length is wrong", "length"),
    ("unknown cipher", "cipher"),
    ("unknown wrap", "wrap"),
    ("cost of Argon2id", "cost"),
    ("unknown place", "place"),
    ("salt is not", "salt"),
    ("do not fill it", "fields"),
    ("needs the key", "key"),
    ("needs a passphrase", "key"),
    ("needs a key file", "key"),
    ("this is the object", "other"),
    ("empty last chunk", "chunk"),
]
# One tag tells all of these.
TAGS = {"header", "chunk", "cut", "trailing", "name"}


def reason(sealed, keys):
    try:
        open_object(sealed, keys, IDENTITY)
    except InvalidTag:
        return TAGS
    except Damaged as error:
        return {reason for words, reason in WORDS if words in str(error)}
    return set()


def main():
    folder = sys.argv[1]
    path = lambda name: os.path.join(folder, name)
    raw, phrase = Keys(path("main.key"), None), Keys(None, path("phrase"))
    with open(path("index.json"), "rb") as file:
        vectors = json.load(file)
    wrong = []
    for vector in vectors:
        with open(path(vector["file"]), "rb") as file:
            sealed = file.read()
        found = reason(sealed, phrase if vector["passphrase"] else raw)
        if not found & set(vector["reasons"]):
            wrong.append(f"{vector['file']} {vector['what']}: {sorted(found)}, not {vector['reasons']}")
    print(f"{len(vectors)} objects")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()

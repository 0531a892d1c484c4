"""nfcpy, which others wrote, at a tag before the reader: prints what tag it is, writes a message and reads it back.

Run as a process of its own. Its arguments are the reader's port and the message, and the tag's password if it has one.
"""

from __future__ import annotations

import sys

import nfc
import nfc.clf.pn532
import nfc.clf.transport
import nfc.tag


def main(port: str, message: bytes, password: bytes) -> None:
    frontend = nfc.ContactlessFrontend()
    frontend.device = nfc.clf.pn532.init(nfc.clf.transport.TTY(port))
    frontend.device._path = port
    target = frontend.sense(nfc.clf.RemoteTarget("106A"))
    tag = nfc.tag.activate(frontend, target)
    print(tag.product, tag.identifier.hex())
    if password:
        print("password", tag.authenticate(password))
    before = None if tag.ndef is None else bytes(tag.ndef.octets)
    print("holds", before)
    if tag.ndef is not None and message:
        tag.ndef.octets = message
        print("wrote", bytes(tag.ndef.octets) == message)
    if hasattr(tag, "signature"):
        print("signature", len(tag.signature))
    frontend.close()


if __name__ == "__main__":
    main(sys.argv[1], bytes.fromhex(sys.argv[2]), bytes.fromhex("".join(sys.argv[3:])))

"""libfreefare, which others wrote, at a DESFire card: proves a key and uses every file, and prints what it was told.

Run as a process of its own: libnfc can end it. Its arguments are libnfc's name of the reader, and the 16-byte key in
hexadecimal.
"""

from __future__ import annotations

import ctypes
import sys

from pynfc import nfc

APPLICATION = 0xF48910
PLAIN, MACED, ENCIPHERED = 0, 1, 3


def main(connstring: str, key: bytes) -> None:
    context = ctypes.POINTER(nfc.struct_nfc_context)()
    nfc.nfc_init(ctypes.byref(context))
    named = nfc.nfc_connstring()
    named.value = connstring.encode()
    device = nfc.nfc_open(context, named)
    tag = nfc.freefare_get_tags(device)[0]
    print("connect", nfc.mifare_desfire_connect(tag))
    print("select", nfc.mifare_desfire_select_application(tag, nfc.mifare_desfire_aid_new(APPLICATION)))
    wrong = nfc.mifare_desfire_aes_key_new((ctypes.c_ubyte * 16)(*bytes(15), 1))
    print("wrong key", nfc.mifare_desfire_authenticate_aes(tag, 0, wrong))
    right = nfc.mifare_desfire_aes_key_new((ctypes.c_ubyte * 16)(*key))
    print("right key", nfc.mifare_desfire_authenticate_aes(tag, 0, right))
    for file, mode in ((1, PLAIN), (2, MACED), (3, ENCIPHERED)):
        said = f"file {file}".encode() * 20
        written = (ctypes.c_ubyte * len(said))(*said)
        print("write", nfc.mifare_desfire_write_data_ex(tag, file, 3, len(said), written, mode))
        room = (ctypes.c_ubyte * 512)()
        size = nfc.mifare_desfire_read_data_ex(tag, file, 3, len(said), room, mode)
        print("read", size, bytes(room[:size]) == said)
    amount = ctypes.c_int32()
    print("credit", nfc.mifare_desfire_credit_ex(tag, 4, 250, ENCIPHERED))
    print("commit", nfc.mifare_desfire_commit_transaction(tag))
    print("value", nfc.mifare_desfire_get_value_ex(tag, 4, ctypes.byref(amount), ENCIPHERED), amount.value)
    uid = ctypes.POINTER(ctypes.c_char)()
    print("uid", nfc.mifare_desfire_get_card_uid(tag, ctypes.byref(uid)), ctypes.string_at(uid).decode())
    nfc.nfc_close(device)


if __name__ == "__main__":
    main(sys.argv[1], bytes.fromhex(sys.argv[2]))

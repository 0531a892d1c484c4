"""TLS as a terminal wants it: our certificate, our own authority and no other, and a handshake that can be left."""

import contextlib
import socket
import ssl
from pathlib import Path
from typing import Any, Self


class Tls(ssl.SSLContext):
    """One connection's context from PEM files. Raises OSError or ValueError where one is missing or wrong.

    ``begun`` says whether TCP stood and the handshake began; ``line`` is the socket while the handshake runs.
    """

    begun: bool
    line: ssl.SSLSocket | None

    def __new__(cls, _ca: Path, _cert: Path, _key: Path) -> Self:
        """Make a client's context: it checks the other side's certificate and name."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, ca: Path, cert: Path, key: Path) -> None:
        self.begun = False
        self.line = None
        self.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load_verify_locations(ca)
        self.load_cert_chain(cert, key)

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """Begin TLS. Nagle's algorithm goes off: with it an acknowledgement of ours waits for a full packet."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.line = super().wrap_socket(sock, *args, **kwargs)
        self.begun = True
        return self.line

    def give_up_handshake(self) -> None:
        """Make a handshake that runs in another thread fail now."""
        line = self.line
        if line is not None:
            # Below the TLS layer, which belongs to the other thread.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)

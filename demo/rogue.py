"""The story's liar: a broker in the wrong hands, with documents that it forged."""

from contract import wire
from contract.documents import CHUNK_BYTES, DocumentKind
from contract.envelope import digest
from contract.errors import ContractError
from contract.ids import TerminalAddress
from contract.messages import Announcement, Chunk, read_want
from contract.topics import Down, Up, announce, down, read_up
from demo.mqtt_client import MqttClient, Received


class LyingBroker:
    """Announces forged documents to a terminal and serves their chunks, as a broker in the wrong hands could."""

    def __init__(self, client: MqttClient) -> None:
        self._client = client
        self._blobs: dict[bytes, bytes] = {}

    def offer(self, address: TerminalAddress, version: int, blob: bytes) -> None:
        """Announce ``blob`` to the terminal at ``address`` as version ``version`` of the rule pack."""
        self._blobs[digest(blob)] = blob
        news = Announcement(DocumentKind.PACK, version, digest(blob), len(blob))
        self._client.publish(announce(address, DocumentKind.PACK), wire.pack(news))

    def answer(self, received: Received) -> None:
        """Serve the chunk that a message wants, where it is one of the forged blobs."""
        try:
            address, kind = read_up(received.topic)
            want = read_want(received.payload) if kind is Up.WANT else None
        except ContractError:
            return
        blob = self._blobs.get(want.digest) if want is not None else None
        if want is None or blob is None:
            return
        count = -(-len(blob) // CHUNK_BYTES)
        part = blob[want.index * CHUNK_BYTES : (want.index + 1) * CHUNK_BYTES]
        self._client.send(down(address, Down.CHUNK), wire.pack(Chunk(want.digest, want.index, count, part)))

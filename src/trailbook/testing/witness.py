"""A witness on this machine, behind HTTP, for tests of whoever asks one.

Owns a real witness in a folder of the test; what it answers can be bent. Refuses to be a fake: what it cosigns holds.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from trailbook.outgoing import PrivatePlace, parse_place
from trailbook.proofs import Witness, parse_witness
from trailbook.testing.steady import FrozenClock
from trailbook.tree import KeyRange, SignerKey, VerifierKey, format_vkey, verifier_of
from trailbook.witness import Cosigner, Heads, WitnessAnswer, begin_heads


class WitnessServer(ThreadingHTTPServer):
    """Answers each submission as the witness does, or as `answer` is bent to."""

    daemon_threads = True

    def __init__(self, folder: Path, clock: FrozenClock, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if not (folder / "witness.db").exists():
            begin_heads(folder / "witness.db")
        seeds = (name.encode()[-1:] * 32, name.encode()[-2:] * 16)
        self.keys = tuple(SignerKey(name, alg, seed) for alg, seed in zip((4, 6), seeds, strict=True))
        self.logs: dict[str, tuple[KeyRange, ...]] = {}
        self.heads = Heads(folder / "witness.db")
        self.clock = clock
        self.asked: list[bytes] = []
        self.answer: Callable[[bytes], WitnessAnswer] = self.honest
        self.ended = threading.Event()

    def honest(self, raw: bytes) -> WitnessAnswer:
        """What the witness itself answers."""
        return Cosigner(keys=self.keys, logs=self.logs, heads=self.heads, clock=self.clock).add(raw)

    def knows(self, keys: Mapping[str, tuple[VerifierKey, ...]]) -> None:
        """Let it know logs, by origin, and their keys."""
        self.logs |= {origin: tuple(map(KeyRange, known)) for origin, known in keys.items()}

    @property
    def witness(self) -> Witness:
        """The witness as the settings of a log name it."""
        vkeys = " ".join(format_vkey(verifier_of(key)) for key in self.keys)
        return parse_witness(f"http://127.0.0.1:{self.server_port}/w {vkeys}")

    @property
    def place(self) -> PrivatePlace:
        """What allows to call it."""
        return parse_place(f"127.0.0.1:{self.server_port}=127.0.0.1/32")


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer

    def do_POST(self) -> None:
        """Answer one submission."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(raw)
        answer = self.server.answer(raw) if self.path == "/w/add-checkpoint" else WitnessAnswer(404, b"")
        with suppress(ConnectionError):  # whoever asked may have gone
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            self.end_headers()
            self.wfile.write(answer.content)

    def log_message(self, *_words: object) -> None:
        """Say nothing on stderr."""


@contextmanager
def witnessing_server(
    folder: Path, clock: FrozenClock, name: str = "witness.example/1"
) -> Iterator[WitnessServer]:
    """A witness behind HTTP, with its file in a folder."""
    server = WitnessServer(folder, clock, name)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
        server.heads.close()

"""How bodies lie in the file: the hashed bytes themselves, or, past a log's first ones, compressed.

Owns the dictionaries that ship with the package and the byte in front of a compressed body that names its one, so
that a better dictionary can follow while rows under an older one stay readable. Refuses to judge what it reads:
bytes that cannot be unpacked are given out as they lie there, and hash to something else.
"""

import threading
from importlib import resources

import zstandard

PLAIN = 256  # the first entries of a log lie as they are, so that a small file can be read with any tool
_NEWEST = 1
_MOST = 1 << 20  # bytes; no body has more than 65,535
_BRACE = ord("{")
_VERBATIM = 0  # in front of a body that would be mistaken for a packed one
_FORMAT = zstandard.FORMAT_ZSTD1_MAGICLESS
_LEVEL = 3


class _Codec(threading.local):
    """A compressor and decompressors of this thread's own: they do not work for two at a time."""

    def __init__(self) -> None:
        self.pack = zstandard.ZstdCompressor(dict_data=_DICTIONARY, compression_params=_PARAMETERS)
        self.unpack = {_NEWEST: zstandard.ZstdDecompressor(dict_data=_DICTIONARY, format=_FORMAT)}


def packed(body: bytes, seq: int) -> bytes:
    """What is kept of the body of the entry at `seq`."""
    if seq >= PLAIN:
        frame: bytes = _codec.pack.compress(body)
        if len(frame) < len(body):
            return _PREFIX + frame
    return body if body[:1] == b"{" else bytes([_VERBATIM]) + body


def unpacked(kept: bytes) -> bytes:
    """The very bytes that were packed; damaged ones as they are kept."""
    if not kept or kept[0] == _BRACE:
        return kept
    if kept[0] == _VERBATIM:
        return kept[1:]
    codec = _codec.unpack.get(kept[0])
    if codec is None:
        return kept
    frame = kept[1:]
    try:
        # A damaged length would be believed, and asked of the machine's memory.
        if zstandard.get_frame_parameters(frame, format=_FORMAT).content_size > _MOST:
            return kept
        body: bytes = codec.decompress(frame)
    except zstandard.ZstdError:
        return kept
    return body


def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    file = resources.files(__package__) / f"bodies-{number}.zdict"
    return zstandard.ZstdCompressionDict(file.read_bytes())


_PREFIX = bytes([_NEWEST])
# Nothing that a frame need not say: a body has some 300 bytes, the byte in front names the dictionary, and the leaf
# hash is a better checksum. The size stays, so that a damaged frame cannot ask for any amount of memory.
_PARAMETERS = zstandard.ZstdCompressionParameters.from_level(
    _LEVEL, format=_FORMAT, write_content_size=1, write_checksum=0, write_dict_id=0
)
_DICTIONARY = _dictionary(_NEWEST)
_DICTIONARY.precompute_compress(compression_params=_PARAMETERS)
_codec = _Codec()

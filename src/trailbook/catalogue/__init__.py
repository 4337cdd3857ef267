"""The catalogue: what is recorded, about whom, how long it is kept, and in which words.

Everything here is read from files: `<category>.toml` holds rules, `say/<language>.toml` labels and sentences,
`purposes.toml` the reasons an organisation may name. A host adds folders of such files. No code knows an
action by name; one that no file declares is refused, naming the nearest declared one.
"""

from trailbook.front import front

__getattr__, __dir__, __all__ = front(__name__)

"""Templates and static files: the page's looks, found by name, escaped always.

Owns the Jinja2 environment and the hashed names of static files. Refuses unescaped text and unknown variables.
"""

import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from markupsafe import Markup, escape

from trailbook.errors import NotFoundError
from trailbook.web.asked import Asked

_FOLDER = Path(__file__).parent
_TYPES = {".css": "text/css", ".svg": "image/svg+xml"}
HTML = "text/html"


def _hashed(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    return f"{file.stem}.{digest}{file.suffix}"


_FILES = {file.name: _hashed(file) for file in (_FOLDER / "static").iterdir() if file.suffix in _TYPES}
_CONTENTS = {hashed: (_FOLDER / "static" / name).read_bytes() for name, hashed in _FILES.items()}


def static_href(name: str) -> str:
    """The address of a static file: it changes with its content, so that it may be kept forever."""
    return f"/static/{_FILES[name]}"


_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals["static"] = static_href


def ticked(text: str) -> Markup:
    """A text whose words between backticks are code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(p) if at % 2 else p for at, p in enumerate(parts))


_TEMPLATES.filters["ticked"] = ticked


def html(template: str, status: int = 200, **seen: Any) -> Response[bytes]:
    """A page. `t` is always given: the texts of its language."""
    text = _TEMPLATES.get_template(template).render(**seen)
    return Response(text.encode(), status_code=status, media_type=HTML)


def static_file(asked: Asked) -> Response[bytes]:
    """GET /static/{name}. Raises: NotFoundError."""
    name = asked.params["name"]
    if name not in _CONTENTS:
        raise NotFoundError("there is no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_CONTENTS[name], headers=headers, media_type=_TYPES[Path(name).suffix])

"""Templates and static files: the page's looks, found by name, escaped always.

Owns the Jinja2 environment and the hashed names of static files. Refuses unescaped text and unknown variables.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from markupsafe import Markup, escape

from trailbook.errors import NotFoundError
from trailbook.web.asked import Asked

_FOLDER = Path(__file__).parent
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HTML = "text/html"
# An answer may be a whole page or the part of it that a script asked for; nobody keeps either for the other.
VARY = "HX-Request, HX-Request-Type, HX-History-Restore-Request"


def _hashed(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    return f"{file.stem}.{digest}{file.suffix}"


_STATIC = [file for file in (_FOLDER / "static").rglob("*") if file.suffix in _TYPES]
_FILES = {file.name: _hashed(file) for file in _STATIC}
_CONTENTS = {_FILES[file.name]: file.read_bytes() for file in _STATIC}


def static_href(name: str) -> str:
    """The address of a static file: it changes with its content, so that it may be kept forever."""
    return f"/static/{_FILES[name]}"


_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATES.globals["static"] = static_href


def ticked(text: str) -> Markup:
    """A text whose words between backticks are code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(p) if at % 2 else p for at, p in enumerate(parts))


_TEMPLATES.filters["ticked"] = ticked


def partial(headers: Mapping[str, str]) -> bool:
    """Whether a script on the page asks for the part that changes, and not for a whole page."""
    part = headers.get("hx-request") == "true" and headers.get("hx-request-type") == "partial"
    return part and "hx-history-restore-request" not in headers


def html(template: str, status: int = 200, *, part: bool = False, **seen: Any) -> Response[bytes]:
    """A page, or the part of it that changes. `t` is always given: the texts of its language."""
    frame = "part.html" if part else "frame.html"
    text = _TEMPLATES.get_template(template).render(frame=frame, **seen)
    return Response(text.encode(), status_code=status, media_type=HTML, headers={"Vary": VARY})


def markup(template: str, **seen: Any) -> Markup:
    """A part of a page, to be put into one."""
    return Markup(_TEMPLATES.get_template(template).render(**seen))


def static_file(asked: Asked) -> Response[bytes]:
    """GET /static/{name}. Raises: NotFoundError."""
    name = asked.params["name"]
    if name not in _CONTENTS:
        raise NotFoundError("there is no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_CONTENTS[name], headers=headers, media_type=_TYPES[Path(name).suffix])

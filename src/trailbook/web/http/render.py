"""Templates and static files: the page's looks, found by name, escaped always.

Owns the Jinja2 environments, one for each language, and the hashed names of static files. Refuses unescaped text and
unknown variables.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.environment import TemplateModule
from litestar import Response
from markupsafe import Markup, escape
from msgspec import Struct

from trailbook.errors import NotFoundError
from trailbook.web.http.request import Request
from trailbook.web.http.site import Site
from trailbook.web.http.texts import Words, own_names, texts_of

_FOLDER = Path(__file__).parents[1]
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


def _static(root: str) -> Callable[[str], str]:
    """The addresses of static files where those of the application begin with `root`."""
    return lambda name: f"{root}{static_href(name)}"


# What a template always says the same way: a text without slots, a static file, a sign.
_FIXED = re.compile(r"\{\{ (t|static|icon)\('([a-z.-]+)'\) \}\}")


def ticked(text: str) -> Markup:
    """A text whose words between backticks are code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(p) if at % 2 else p for at, p in enumerate(parts))


def _environment(loader: FileSystemLoader, root: str) -> Environment:
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["static"] = _static(root)
    environment.filters["ticked"] = ticked
    return environment


class _LanguageLoader(FileSystemLoader):
    """Templates of one language: what is fixed is written into them before they are compiled, escaped as ever."""

    def __init__(self, lang: str, root: str) -> None:
        super().__init__(_FOLDER / "templates")
        signs = _environment(FileSystemLoader(_FOLDER / "templates"), root).get_template("icon.html").module
        self._fixed: dict[str, Callable[[str], str]] = {
            "t": texts_of(lang),
            "static": _static(root),
            "icon": signs.icon,  # type: ignore[attr-defined]
        }

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """A template as it is compiled. Raises: TemplateNotFound."""
        source, file, fresh = super().get_source(environment, template)
        return _FIXED.sub(self._fill, source), file, fresh

    def _fill(self, call: re.Match[str]) -> str:
        text = escape(self._fixed[call[1]](call[2]))
        # What could be read as a template is left to the template.
        return call[0] if "{" in text or text != text.strip() else text


@lru_cache(maxsize=64)  # a host may have the page at several places
def _templates(lang: str, root: str) -> Environment:
    return _environment(_LanguageLoader(lang, root), root)


def partial(headers: Mapping[str, str]) -> bool:
    """Whether a script on the page asks for the part that changes, and not for a whole page."""
    part = headers.get("hx-request") == "true" and headers.get("hx-request-type") == "partial"
    return part and "hx-history-restore-request" not in headers


def html(template: str, status: int = 200, *, part: bool = False, **variables: Any) -> Response[bytes]:
    """A page, or the part of it that changes. `t` is always given: the texts of its language.

    So is `root`, which the addresses of the application begin with, wherever a template has an address of its own.
    """
    frame = "part.html" if part else "frame.html"
    text = (
        _templates(variables["t"].lang, variables.get("root", ""))
        .get_template(template)
        .render(frame=frame, **variables)
    )
    return Response(text.encode(), status_code=status, media_type=HTML, headers={"Vary": VARY})


def bare(site: Site, t: Words, here: str) -> dict[str, Any]:
    """What stands around a page of no organisation: its texts, its own address, and the languages offered there."""
    return {
        "t": t,
        "here": here,
        "languages": own_names(site.languages),
        "root": site.root,
        "hosted": site.hosted,
    }


def page(
    template: str, models: Sequence[Struct], *, status: int = 200, part: bool = False
) -> Response[bytes]:
    """A page made of its models, such as what stands around it and itself: their members are its template's names."""
    variables = {name: getattr(model, name) for model in models for name in model.__struct_fields__}
    return html(template, status, part=part, **variables)


def see(path: str, set_cookie: str | None = None) -> Response[bytes]:
    """Where else to look, and what the browser is to keep."""
    headers = {"Location": path} | ({} if set_cookie is None else {"Set-Cookie": set_cookie})
    return Response(b"", status_code=303, headers=headers, media_type="text/plain")


def macro(template: str, name: str, t: Words) -> Callable[..., Markup]:
    """What writes a part of a page that stands on it many times, and has no address of its own."""
    template_macro: Callable[..., Markup] = getattr(_macros(t.lang, template), name)
    return template_macro


@cache
def _macros(lang: str, template: str) -> TemplateModule:
    return _templates(lang, "").get_template(template).make_module({"t": texts_of(lang)})


def static_file(request: Request) -> Response[bytes]:
    """GET /static/{name}. Raises: NotFoundError."""
    name = request.params["name"]
    if name not in _CONTENTS:
        raise NotFoundError("there is no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_CONTENTS[name], headers=headers, media_type=_TYPES[Path(name).suffix])

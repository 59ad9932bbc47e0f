"""How a page is written from its template: everything is escaped but what is marked as our own drawing or style."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


def rendered(template: str, **values: Any) -> str:
    """A page from a template that is named by its path in alloygan, such as `reports/template.html`."""
    loader = PackageLoader("alloygan", ".")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(values)


def style_sheet(*names: str) -> Markup:
    """The style sheets of these paths in alloygan, one after the other."""
    room = files("alloygan")
    return Markup("".join(room.joinpath(name).read_text(encoding="utf-8") for name in names))

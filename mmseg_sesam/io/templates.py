"""HTML pages from the templates of a package."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(package: str, name: str, /, **values: Any) -> str:
    """Fills a template with values.

    Values are escaped, a missing one raises, and so does NaN in JSON, which
    a browser would not read.

    Args:
        package: dotted name of the package whose folder 'assets' holds the
            template.
        name: file name of the template.
        **values: by their names in the template.
    """
    environment = Environment(
        loader=PackageLoader(package, 'assets'),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    dumps = dict(allow_nan=False, separators=(',', ':'))
    environment.policies['json.dumps_kwargs'] = dumps
    return environment.get_template(name).render(values)

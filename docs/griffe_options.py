"""Shows the defaults of `option(default, rule)` fields on component pages."""

from __future__ import annotations

import griffe


class Options(griffe.Extension):
    """Replaces `option(default, rule)` by the default, `required` by none."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_) -> None:
        call = attr.value
        if not isinstance(call, griffe.ExprCall):
            return
        if str(call.function) == 'option':
            attr.value = call.arguments[0]
        elif str(call.function) == 'required':
            attr.value = None

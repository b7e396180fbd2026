"""Quality of pseudo-labels against dense labels."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs=dict(metric=['PseudoLabelQuality'])
)

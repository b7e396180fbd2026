"""Transforms that load, simulate and pack weak labels."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs=dict(
        formatting=['KeepTeacherView', 'PackSeSAMInputs'],
        loading=['LoadPseudoLabel', 'LoadWeakAnnotations'],
        simulate=['SimulateWeakLabel'],
    ),
)

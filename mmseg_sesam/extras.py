"""Says how to install what only some components need."""

from __future__ import annotations


def install_command(extra: str) -> str:
    """Returns the command that installs an extra, for a message.

    The package is not published, so that only its folder can be installed.

    Args:
        extra: name of an extra in setup.py.

    Example:
        >>> install_command('timm')
        '`pip install -e ".[timm]"` in the folder of mmseg_sesam'
    """
    return f'`pip install -e ".[{extra}]"` in the folder of mmseg_sesam'

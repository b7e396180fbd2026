"""Addresses of images in exports of Label Studio."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from mmseg_sesam.annotations.base import safe_key

# Label Studio puts part of a random id before the names of uploaded files.
_UPLOADED = re.compile(r'[0-9a-f]{8}-(?=.)')
_UPLOADS = '/data/upload/'
_LOCAL_FILES = '/data/local-files/'


def path_of(address: str) -> str:
    """Returns the path of an image in an address, as in its storage."""
    try:
        parts = urlsplit(address)
        local = parse_qs(parts.query).get('d')
    except ValueError:
        return address
    if parts.path.endswith(_LOCAL_FILES) and local:
        return local[-1].lstrip('/')
    # Before addresses of hosts, as a host serves uploaded files, too.
    if _UPLOADS in parts.path:
        return unquote(parts.path)
    if parts.scheme and parts.netloc:
        return unquote(parts.path).lstrip('/')
    return address


def uploaded_name(name: str) -> str:
    """Returns the name that an uploaded file gets.

    Label Studio stores it under a name that Django's `get_valid_name` makes.

    Example:
        >>> uploaded_name('my cat (1).jpg')
        'my_cat_1.jpg'
    """
    return re.sub(r'[^-\w.]', '', name.replace(' ', '_'))


class AddressedImages:
    """Finds keys of images by their addresses.

    Args:
        source: file of the addresses, for messages.
        known: keys of a folder of images; empty without a folder.
    """

    def __init__(self, source: Path, known: Sequence[str]) -> None:
        self.source = source
        self.known = {*known}
        uploaded = {
            key: uploaded_name(PurePosixPath(key).name) for key in self.known
        }
        counts = Counter(uploaded.values())
        self._uploaded = {
            name: key for key, name in uploaded.items() if counts[name] == 1
        }

    def key(self, address: str) -> str:
        """Returns the key of an image from its address.

        With a folder of images, it is the longest end of the path that an
        image of the folder has; for an uploaded file, else the one image
        whose name becomes the uploaded one.

        Raises:
            ValueError: the address holds no relative path within a folder.
        """
        path = path_of(address)
        is_upload = _UPLOADS in path
        if is_upload:
            # The number of the project may precede the name.
            name = PurePosixPath(path).name
            whole = safe_key(name, self.source)
            if whole in self.known:
                return whole
            path = _UPLOADED.sub('', name, count=1)
        key = safe_key(path, self.source)
        parts = PurePosixPath(key).parts
        ends = ['/'.join(parts[index:]) for index in range(len(parts))]
        found = next((end for end in ends if end in self.known), None)
        if found is None and is_upload:
            found = self._uploaded.get(key)
        return found or key

"""Addresses of images in exports of tools, such as Label Studio."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from mmseg_sesam.annotations.base import IMAGES_REMEDY, safe_key
from mmseg_sesam.io.names import nfc

# Label Studio puts part of a random id before the names of uploaded files.
_UPLOADED = re.compile(r'[0-9a-f]{8}-(?=.)')
_UPLOADS = '/data/upload/'
_LOCAL_FILES = '/data/local-files'


def is_quoted(address: str) -> bool:
    """Returns whether characters such as spaces are quoted in an address.

    A web server has quoted addresses. A bucket has the key of its file as it
    is, as in s3://bucket/a b.jpg, and so has a relative path.

    Example:
        >>> is_quoted('https://host/images/'), is_quoted('s3://bucket/')
        (True, False)
    """
    scheme, separator, _ = address.partition('://')
    if separator:
        return scheme.lower() in ('http', 'https')
    return address.startswith('/')


def path_of(address: str) -> str:
    """Returns the path of an image in an address, as in its storage."""
    if not is_quoted(address):
        _, separator, rest = address.partition('://')
        return rest.partition('/')[2].lstrip('/') if separator else address
    try:
        parts = urlsplit(address)
        local = parse_qs(parts.query).get('d')
    except ValueError:
        return address
    # Label Studio takes both, with a slash at the end and without.
    if parts.path.rstrip('/').endswith(_LOCAL_FILES) and local:
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


def inner_path(path: str) -> str:
    r"""Returns the end of a path that stays in any folder.

    Example:
        >>> inner_path('../media/a.jpg'), inner_path('C:\\photos\\a.jpg')
        ('media/a.jpg', 'photos/a.jpg')
    """
    whole = PurePosixPath(path.replace('\\', '/'))
    parts = [part for part in whole.parts if part != whole.root]
    if parts and ':' in parts[0]:
        del parts[0]
    while '..' in parts:
        del parts[: parts.index('..') + 1]
    return '/'.join(parts)


class AddressedImages:
    """Finds keys of images by their addresses.

    Args:
        source: file of the addresses, for messages.
        known: keys of a folder of images; empty without a folder.
    """

    def __init__(self, source: Path, known: Sequence[str]) -> None:
        self.source = source
        self._known = {nfc(key): key for key in known}
        # An uploaded name loses accents that are characters of their own.
        uploaded = {
            (uploaded_name(unicodedata.normalize(form, name)), key)
            for key in known
            for name in [PurePosixPath(key).name]
            for form in ('NFC', 'NFD')
        }
        counts = Counter(name for name, _ in uploaded)
        self._uploaded = {
            name: key for name, key in uploaded if counts[name] == 1
        }

    def key(self, address: str) -> str:
        """Returns the key of an image from its address.

        With a folder of images, it is the longest end of the path that an
        image of the folder has; for an uploaded file, else the one image
        whose name becomes the uploaded one. The path may then begin with a
        drive, '/' or '..', of which the key holds nothing.

        Raises:
            ValueError: without a folder of images, the address holds no
                relative path within a folder.
        """
        path = path_of(address)
        is_upload = _UPLOADS in path
        if is_upload:
            # The number of the project may precede the name.
            name = PurePosixPath(path).name
            whole = nfc(safe_key(name, self.source))
            if whole in self._known:
                return self._known[whole]
            path = _UPLOADED.sub('', name, count=1)
        if self._known:
            key = safe_key(inner_path(path), self.source)
        else:
            key = safe_key(path, self.source, IMAGES_REMEDY)
        parts = PurePosixPath(nfc(key)).parts
        ends = ['/'.join(parts[index:]) for index in range(len(parts))]
        found = next(filter(None, map(self._known.get, ends)), None)
        if found is None and is_upload:
            found = self._uploaded.get(nfc(key))
        return found or key

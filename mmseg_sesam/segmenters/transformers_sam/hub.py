"""Fetches the files of a model on the hub into its cache."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_NAME = re.compile(r'[\w.-]+/[\w.-]+')
_COMMIT = re.compile(r'[0-9a-f]{40}')


def fetch(
    model: str,
    revision: str | None,
    download: bool,
    patterns: Sequence[str],
) -> Path:
    """Returns the folder of a model in the cache of the hub.

    Args:
        model: name on the hub.
        revision: commit of the model.
        download: whether to download files that the cache lacks.
        patterns: names of the wanted files, with wildcards; those that do
            not exist are left out.

    Raises:
        ValueError: the revision is no commit.
        FileNotFoundError: there is no such model, or it is not in the cache.
        PermissionError: the model is gated.
        ConnectionError: the files could not be downloaded.
    """
    _check_names(model, revision)
    # Takes half a second.
    from huggingface_hub import errors, snapshot_download

    try:
        folder = snapshot_download(
            model,
            revision=revision,
            local_files_only=not download,
            allow_patterns=list(patterns),
        )
    except errors.GatedRepoError as error:
        raise PermissionError(
            f'The weights of {model} are gated; ask for access on the page '
            'of the model and log in with `hf auth login`, or set model= to '
            'a folder that holds its files.'
        ) from error
    except (
        errors.RepositoryNotFoundError,
        errors.RevisionNotFoundError,
    ) as error:
        raise FileNotFoundError(
            f'The hub has no model {model} with the commit {revision}, or '
            'it is private; correct model= or revision=, or log in with `hf '
            'auth login`.'
        ) from error
    except Exception as error:  # noqa: BLE001, the HTTP client has its own
        if not download:
            raise FileNotFoundError(
                f'Files of {model} at the commit {revision} are not in the '
                'cache of the hub, and TransformersSegmenter is offline; '
                'set download=True on a machine with a network connection, '
                'or set model= to a folder that holds the files.'
            ) from error
        raise ConnectionError(
            f'The files of {model} could not be downloaded ({error}); try '
            'again, or set model= to a folder that holds them.'
        ) from error
    return Path(folder)


def _check_names(model: str, revision: str | None) -> None:
    if not _NAME.fullmatch(model) or revision is None:
        raise FileNotFoundError(
            f'There is no folder {model}, which TransformersSegmenter got as '
            'model=; put the files of a model there, or name a model on the '
            "hub, as 'OWNER/NAME' with revision= and the 40 hex digits of "
            'its commit.'
        )
    if not _COMMIT.fullmatch(revision):
        raise ValueError(
            f'TransformersSegmenter got revision={revision!r}, expected the '
            '40 hex digits of a commit, because a branch or tag may move; '
            'set the commit that the page of the model shows.'
        )

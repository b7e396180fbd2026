"""Writers of annotations, one file for each format.

Every file of this folder is imported and registers its writer.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')

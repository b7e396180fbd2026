from .formatting import KeepTeacherView as KeepTeacherView
from .formatting import PackSeSAMInputs as PackSeSAMInputs
from .loading import LoadPseudoLabel as LoadPseudoLabel
from .loading import LoadWeakAnnotations as LoadWeakAnnotations
from .mapped import MappedSegDataset as MappedSegDataset
from .rgb_view import LoadRGBView as LoadRGBView
from .samplers import LabelKindSampler as LabelKindSampler
from .simulate import SimulateWeakLabel as SimulateWeakLabel

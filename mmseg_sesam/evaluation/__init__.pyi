from .boundary_metric import BoundaryIoU as BoundaryIoU
from .metric import PseudoLabelQuality as PseudoLabelQuality

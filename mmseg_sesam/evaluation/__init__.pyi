from .boundary_metric import BoundaryIoU as BoundaryIoU
from .metric import PseudoLabelQuality as PseudoLabelQuality
from .weak_pixels import WeakPixelAccuracy as WeakPixelAccuracy

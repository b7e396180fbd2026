from .boundary_metric import BoundaryIoU as BoundaryIoU
from .weak_pixels import WeakPixelAccuracy as WeakPixelAccuracy

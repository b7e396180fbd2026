from .generator import PseudoLabel as PseudoLabel
from .generator import PseudoLabelGenerator as PseudoLabelGenerator
from .records import ComponentRecord as ComponentRecord

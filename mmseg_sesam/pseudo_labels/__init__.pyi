from .generator import ComponentRecord as ComponentRecord
from .generator import PseudoLabel as PseudoLabel
from .generator import PseudoLabelGenerator as PseudoLabelGenerator

"""Every operator, in the order people are offered them. Adding one is its definition in a family and a line
here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from signalbox_rules.operators.change import CHANGE_OPERATORS
from signalbox_rules.operators.dates import DATE_OPERATORS
from signalbox_rules.operators.equality import EQUALITY_OPERATORS
from signalbox_rules.operators.operator import Operator
from signalbox_rules.operators.ordering import ORDERING_OPERATORS
from signalbox_rules.operators.presence import PRESENCE_OPERATORS
from signalbox_rules.operators.text import TEXT_OPERATORS

OPERATORS: Final[tuple[Operator, ...]] = (
    *EQUALITY_OPERATORS,
    *ORDERING_OPERATORS,
    *TEXT_OPERATORS,
    *PRESENCE_OPERATORS,
    *CHANGE_OPERATORS,
    *DATE_OPERATORS,
)

OPERATORS_BY_NAME: Final[Mapping[str, Operator]] = MappingProxyType(
    {operator.name: operator for operator in OPERATORS}
)

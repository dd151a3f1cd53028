"""Every filter. Adding one is its function in a family and a line there."""

from typing import Final

from signalbox_rules.filters.dates import DATE_FILTERS
from signalbox_rules.filters.filter import Filter
from signalbox_rules.filters.lists import LIST_FILTERS
from signalbox_rules.filters.numbers import NUMBER_FILTERS
from signalbox_rules.filters.text import TEXT_FILTERS

FILTERS: Final[tuple[Filter, ...]] = (*TEXT_FILTERS, *NUMBER_FILTERS, *DATE_FILTERS, *LIST_FILTERS)

"""Filters of numbers and money. Sums are made in decimal, so 0.1 plus 0.2 is 0.3."""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, DecimalException
from functools import lru_cache
from typing import Any, Final

from babel.core import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal

from signalbox_rules.filters.filter import Filter, FilterRefused, to_text, to_whole
from signalbox_rules.reading import read_number

_CONTEXT: Final = Context(prec=28)
_LARGEST: Final = Decimal(10) ** 20
_DIGITS_MAX: Final = 12


def _decimal(value: Any, what: str = "the value") -> Decimal:
    number = read_number(value)
    if number is None:
        raise FilterRefused(f"{what} is not a number")
    decimal = Decimal(repr(number)) if abs(number) < 1e20 else None
    if decimal is None:
        raise FilterRefused(f"{what} is too large a number")
    return decimal


def _number(value: Decimal) -> int | float:
    if abs(value) > _LARGEST:
        raise FilterRefused("the result is too large a number")
    return int(value) if value == value.to_integral_value() else float(value)


def _arithmetic(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any, Any], int | float]:
    def apply(value: Any, other: Any) -> int | float:
        try:
            return _number(operation(_decimal(value), _decimal(other, "the other number")))
        except DecimalException:
            raise FilterRefused("the result is not a number") from None

    return apply


def _divided(value: Decimal, other: Decimal) -> Decimal:
    if not other:
        raise FilterRefused("nothing can be divided by 0")
    return _CONTEXT.divide(value, other)


def _remainder(value: Decimal, other: Decimal) -> Decimal:
    if not other:
        raise FilterRefused("nothing can be divided by 0")
    return _CONTEXT.remainder(value, other)


def round_number(value: Any, digits: Any = 0) -> int | float:
    """Rounded half up to so many digits."""
    return _rounded(value, digits, ROUND_HALF_UP)


def _rounded(value: Any, digits: Any, rounding: str) -> int | float:
    places = to_whole(digits, "the number of digits")
    if abs(places) > _DIGITS_MAX:
        raise FilterRefused(f"at most {_DIGITS_MAX} digits are possible")
    try:
        return _number(_decimal(value).quantize(Decimal(1).scaleb(-places), rounding=rounding))
    except DecimalException:
        raise FilterRefused("the number cannot be rounded so") from None


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name.replace("-", "_"))
    except (ValueError, UnknownLocaleError, TypeError):
        raise FilterRefused(f"{name[:20]!r} is not a locale; write for example en, en_GB or de_DE") from None


def money(value: Any, currency: Any = "USD", locale: Any = "en_US") -> str | None:
    """An amount in a currency (ISO 4217), as a locale writes it: $75,000.00. Nothing gives nothing."""
    if value is None or value == "":
        return None
    code = to_text(currency).strip().upper()
    if len(code) != 3 or not (code.isascii() and code.isalpha()):
        raise FilterRefused(f"{code[:20]!r} is not a currency; write for example USD or EUR")
    return format_currency(_decimal(value), code, locale=_locale(to_text(locale)))


def number(value: Any, digits: Any = None, locale: Any = "en_US") -> str | None:
    """A number as a locale writes it, with so many digits: 75,000.5. Nothing gives nothing."""
    if value is None or value == "":
        return None
    if digits is None:
        return format_decimal(_decimal(value), locale=_locale(to_text(locale)), decimal_quantization=False)
    places = to_whole(digits, "the number of digits")
    if not 0 <= places <= _DIGITS_MAX:
        raise FilterRefused(f"0 to {_DIGITS_MAX} digits are possible")
    pattern = "#,##0" + ("." + "0" * places if places else "")
    rounded = _decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_CONTEXT)
    return format_decimal(rounded, pattern, locale=_locale(to_text(locale)))


NUMBER_FILTERS: Final = (
    Filter("plus", "a sum", "{{ record.amount | plus: 10 }}", _arithmetic(_CONTEXT.add)),
    Filter("minus", "a difference", "{{ record.amount | minus: 10 }}", _arithmetic(_CONTEXT.subtract)),
    Filter("times", "a product", "{{ record.amount | times: 1.19 }}", _arithmetic(_CONTEXT.multiply)),
    Filter("divided_by", "a quotient", "{{ record.amount | divided_by: 12 }}", _arithmetic(_divided)),
    Filter("modulo", "a remainder", "{{ record.count | modulo: 2 }}", _arithmetic(_remainder)),
    Filter("round", "rounded", "{{ record.amount | round: 2 }}", round_number),
    Filter(
        "ceil", "rounded up", "{{ record.amount | ceil }}", lambda value: _rounded(value, 0, ROUND_CEILING)
    ),
    Filter(
        "floor", "rounded down", "{{ record.amount | floor }}", lambda value: _rounded(value, 0, ROUND_FLOOR)
    ),
    Filter("abs", "without a sign", "{{ record.change | abs }}", lambda value: _number(abs(_decimal(value)))),
    Filter("money", "an amount in a currency", '{{ record.amount | money: "EUR", "de_DE" }}', money),
    Filter("number", "a number for people", "{{ record.amount | number: 2 }}", number),
)

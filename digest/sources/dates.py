"""Parse the dates of the web to aware UTC; a date that is not certain is None, never a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import parser as lenient

from digest.text.names import fold_text

EARLIEST_DATE = datetime(1990, 1, 1, tzinfo=UTC)
_ZONE_HOURS = {
    "UT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11,
}  # fmt: skip
_ZONE_SECONDS = {name: hours * 3600 for name, hours in _ZONE_HOURS.items()}
_EPOCH = re.compile(r"(\d{10})(\d{3})?")
_ZONE_NAME = re.compile(r"\s+\(?([A-Z][A-Za-z]+/[A-Za-z_]+(?:/[A-Za-z_]+)?)\)?$")
_MIDNIGHT = re.compile(r"(?<=[T ])24:00(?=:00|\b)")
_YEAR = re.compile(r"(?<!\d)(19|20)\d\d(?!\d)")
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)|\d{8}T\d{4}|(?:19|20)\d{6}$|\d{4}-W\d\d(-\d)?$")
_COMPACT_TIMESTAMP = re.compile(r"((?:19|20)\d{6}) ?(\d\d):?(\d\d)(?::?(\d\d))?(?= |$)")  # 20250305100000
_TWELVE_HOUR_TIME = re.compile(r"\d\s*[ap]\.?m\b", re.I)
_DAY_OF_YEAR = re.compile(r"\d{4}-\d{3}")
_GMT_OFFSET = re.compile(r"(?<=\d )(?:GMT|UTC?) ?([+-])(\d{1,2})(?::?(\d\d))?(?: \(.*\))?$")  # as JavaScript writes it
_OFFSET = re.compile(r"(?<=:\d\d) ?([+-]\d\d)(?::?(\d\d))?$")  # RFC 822 wants +0200; feeds write +02:00 and +02 too
# A month by the first letters of its name in German, French, Spanish, Italian, Portuguese and Dutch, without accents.
_MONTH_PREFIXES = {
    "ene": "Jan", "gen": "Jan", "fev": "Feb", "mrz": "Mar", "mrt": "Mar", "mar": "Mar", "maa": "Mar", "abr": "Apr",
    "avr": "Apr", "mai": "May", "mag": "May", "mei": "May", "juin": "Jun", "giu": "Jun", "juil": "Jul", "lug": "Jul",
    "ago": "Aug", "aou": "Aug", "set": "Sep", "okt": "Oct", "ott": "Oct", "out": "Oct", "dez": "Dec", "dic": "Dec",
    "jan": "Jan", "feb": "Feb", "apr": "Apr", "jun": "Jun", "jul": "Jul", "aug": "Aug", "sep": "Sep", "oct": "Oct",
    "nov": "Nov", "dec": "Dec", "may": "May",
}  # fmt: skip
_WRITTEN_DATE = re.compile(
    r"(?:^|.*?[\s,])(\d{1,2})(?:\.|er|º|ª)?,? (?:de |d')?([^\W\d_]{3,12})\.?,? (?:de )?((?:19|20)\d\d)\b(.*)", re.I
)
_NUMERIC_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2\d{4}\b")
_REPEATED_ZONE = re.compile(r"(?<=[+-]\d{4}) \(?[A-Z]{2,5}\)?$|(?<=\d)\[[\w/+-]+\]$")  # +0900 JST
_LEAP_SECOND = re.compile(r"(?<=:\d\d):60(?!\d)")
_EAST_ASIAN_DATE = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")


@lru_cache(maxsize=4096)
def parse_date(text: str) -> datetime | None:
    """Parse the moment a text names, in UTC unless it names a zone; None when it is not certain."""
    text = _LEAP_SECOND.sub(":59", _REPEATED_ZONE.sub("", " ".join(text.split())[:80].replace("\u2212", "-")))
    text = _COMPACT_TIMESTAMP.sub(lambda match: f"{match[1]}T{match[2]}{match[3]}{match[4] or '00'}", text)
    text = _GMT_OFFSET.sub(lambda match: f"{match[1]}{match[2]:0>2}{match[3] or '00'}", text)
    if not _ISO.match(text):
        text = _OFFSET.sub(lambda match: f" {match[1]}{match[2] or '00'}", text)
        text = _WRITTEN_DATE.sub(_translate_month, text, count=1)
    if not text:
        return None
    try:
        moment = _parse_moment(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC) if moment else None
    except (ValueError, OverflowError, ArithmeticError, TypeError, ZoneInfoNotFoundError):
        return None


def _translate_month(match: re.Match[str]) -> str:
    """Translate a date with a written month into English, without its weekday; leave other words."""
    name = fold_text(match[2])
    month = _MONTH_PREFIXES.get(name[:4]) or _MONTH_PREFIXES.get(name[:3])
    return f"{match[1]} {month} {match[3]}{match[4]}" if month else match[0]


def parse_plausible_date(text: str, now: datetime | None = None) -> tuple[datetime | None, str | None]:
    """Parse an item's date and its flag: "implausible" for one outside 1990 .. `now` + 1 day."""
    moment = parse_date(text)
    if moment and moment >= EARLIEST_DATE and (now is None or moment <= now + timedelta(days=1)):
        return moment, None
    return None, "implausible" if text.strip() else None


def parse_first_date(texts: Iterable[str], now: datetime | None) -> tuple[datetime | None, str | None]:
    """Parse the first plausible date of several texts, or return the first one's flag."""
    flag = None
    for text in texts:
        moment, problem = parse_plausible_date(text, now)
        if moment:
            return moment, None
        flag = flag or problem
    return None, flag


def _parse_moment(text: str) -> datetime | None:
    if epoch := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(epoch[1]), UTC)
    if zone := _ZONE_NAME.search(text):
        moment = _parse_moment(text[: zone.start()])
        return moment.replace(tzinfo=ZoneInfo(zone[1])) if moment and not moment.tzinfo else moment
    if _MIDNIGHT.search(text):
        moment = _parse_moment(_MIDNIGHT.sub("00:00", text))
        return moment + timedelta(days=1) if moment else None
    if _ISO.match(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return _parse_with_dateutil(text)
    if _DAY_OF_YEAR.fullmatch(text):
        day = datetime.strptime(text, "%Y-%j").replace(tzinfo=UTC)
        return day if day.year == int(text[:4]) else None  # the 366th of other years is read as the next one's first
    if numeric := _NUMERIC_DATE.match(text):
        return _parse_numeric_date(text, numeric)
    if text.isascii():
        return _parse_rfc822(text)
    match = _EAST_ASIAN_DATE.search(text)  # month names of other languages are not guessed
    return datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC) if match else None


def _parse_rfc822(text: str) -> datetime | None:
    """Parse RFC 822 and variants; a year is required, since dateutil fills a missing part from the clock."""
    try:
        moment = None if _TWELVE_HOUR_TIME.search(text) else parsedate_to_datetime(text)  # it takes 2:00 PM for 02:00
        zone = text.split()[-1].upper()
        if moment and zone not in _ZONE_SECONDS:  # email.utils reads a zone it does not know as "no zone"
            return moment
    except (ValueError, IndexError):
        pass
    return _parse_with_dateutil(text) if _YEAR.search(text) else None


def _parse_numeric_date(text: str, numeric: re.Match[str]) -> datetime | None:
    """Parse 5.3.2025, which begins with the day; 05/03/2025 may begin with either and is refused."""
    day_first = numeric[2] == "." or int(numeric[1]) > 12
    is_certain = day_first or int(numeric[3]) > 12 or numeric[1] == numeric[3]
    return _parse_with_dateutil(text, day_first=day_first) if is_certain else None


def _parse_with_dateutil(text: str, *, day_first: bool = False) -> datetime:
    moment = lenient.parse(
        text,
        tzinfos=lambda name, offset: _ZONE_SECONDS.get(name or "") if offset is None else offset,
        default=EARLIEST_DATE.replace(tzinfo=None),
        dayfirst=day_first,
    )
    if not isinstance(moment, datetime):
        raise ValueError(text)
    return moment

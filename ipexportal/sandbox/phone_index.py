"""Which records a pattern on a phone column matches, without reading the column from end to end.

A pattern whose literals hold n digits can only match values with the same digits, or values with more than n digits.
The first are found by their digits, the second are few and found by what the pattern begins with. Every candidate is then
compared with the whole pattern, so the answer is exactly LIKE's.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from typing import Final

from ipexportal.sandbox import like

LAST: Final = "\U0010ffff"
FEW: Final = 20


class PhoneIndex:
    """The values of one phone column with the ids of the records that hold them."""

    def __init__(self) -> None:
        self._same: dict[str, set[str]] = defaultdict(set)
        self._by_count: dict[int, list[tuple[str, str]]] = {}
        self._values: dict[str, str] = {}
        self._unsorted = False

    def load(self, values: dict[str, str | None]) -> None:
        """Add new records' values; many at once are cheaper than one by one."""
        if len(values) < FEW:
            for record_id, value in values.items():
                self.put(record_id, value)
            return
        for record_id, value in values.items():
            if value:
                self._add(record_id, value.lower())
        self._unsorted = True

    def put(self, record_id: str, value: str | None) -> None:
        """Set, change or (with None) remove a record's value."""
        self._sort()
        old = self._values.pop(record_id, None)
        if old is not None:
            found = like.digits(old)
            self._same[found].discard(record_id)
            values = self._by_count[len(found)]
            del values[bisect_left(values, (old, record_id))]
        if value:
            lowered = value.lower()
            self._values[record_id] = lowered
            found = like.digits(lowered)
            self._same[found].add(record_id)
            insort(self._by_count.setdefault(len(found), []), (lowered, record_id))

    def _add(self, record_id: str, lowered: str) -> None:
        found = like.digits(lowered)
        self._values[record_id] = lowered
        self._same[found].add(record_id)
        self._by_count.setdefault(len(found), []).append((lowered, record_id))

    def _sort(self) -> None:
        if self._unsorted:
            for values in self._by_count.values():
                values.sort()
            self._unsorted = False

    def search(self, patterns: list[str]) -> set[str]:
        """Ids of the records whose value is like any of the patterns; each must hold at least one digit."""
        self._sort()
        found: set[str] = set()
        for pattern in patterns:
            wanted = like.pattern_digits(pattern)
            test = like.tester(pattern)
            found.update(one for one in self._same.get(wanted, ()) if test(self._values[one]))
            prefix = like.literal_prefix(pattern).lower()
            run = like.longest_run(pattern)  # found by C code: leaves few for the whole comparison
            for count, values in self._by_count.items():
                if count > len(wanted):
                    start, end = bisect_left(values, (prefix,)), bisect_left(values, (prefix + LAST,))
                    likely = [one for one in values[start:end] if run in one[0]]
                    found.update(record_id for value, record_id in likely if test(value))
        return found

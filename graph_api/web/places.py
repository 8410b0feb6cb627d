"""Whose the places of open streams are: nobody holds them all."""

from collections import Counter


def share_of(most: int) -> int:
    """Return how many of so many places one caller may have: a sixteenth, two at the least."""
    return max(2, most // 16)


class Places:
    """A holder is a caller, or an address for those at it who have not said yet who they are."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._share = share_of(most)
        self._held: Counter[str] = Counter()

    def take(self, holder: str) -> bool:
        """Take a place; False if there is none left, for this holder or for all."""
        if self._held.total() >= self._most or self._held[holder] >= self._share:
            return False
        self._held[holder] += 1
        return True

    def pass_on(self, holder: str, to: str) -> bool:
        """False if the other one has all of its share; then the place stays where it is."""
        if to != holder and self._held[to] >= self._share:
            return False
        self.leave(holder)
        self._held[to] += 1
        return True

    def leave(self, holder: str) -> None:
        self._held[holder] -= 1
        if not self._held[holder]:
            del self._held[holder]

"""How long somebody is willing to wait."""

from time import monotonic


class Budget:
    """Seconds that all requests of one act share: the window has about two, the IVR less."""

    __slots__ = ("_ends",)

    def __init__(self, seconds: float) -> None:
        self._ends = monotonic() + seconds

    def left(self) -> float:
        """Seconds until the end, never negative."""
        return max(0.0, self._ends - monotonic())

    @property
    def expired(self) -> bool:
        return self._ends <= monotonic()

    def at_most(self, seconds: float) -> "Budget":
        """A smaller budget inside this one."""
        return Budget(min(seconds, self.left()))

    def __repr__(self) -> str:
        return f"Budget({self.left():.3f})"

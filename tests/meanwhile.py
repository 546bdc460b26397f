"""What somebody else does at the worst moment."""

from collections.abc import Callable
from types import ModuleType

import pytest


def just_before(patch: pytest.MonkeyPatch, module: ModuleType, name: str, act: Callable[[], object]) -> None:
    """The next call of that function of the module finds `act` done; the later ones are as ever."""
    function = getattr(module, name)

    def and_act(*arguments: object, **named: object) -> object:
        patch.setattr(module, name, function)
        act()
        return function(*arguments, **named)

    patch.setattr(module, name, and_act)

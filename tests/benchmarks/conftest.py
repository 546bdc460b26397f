from tests.window.conftest import jana_window, open_window, patience, ring

__all__ = ["jana_window", "open_window", "patience", "ring"]

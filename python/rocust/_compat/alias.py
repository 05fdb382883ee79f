"""`import locust` gives Rocust: every `locust.x` is the very same module object as `rocust.x`.

Never done by a bare `import rocust`; only by the command, by `python -m rocust script.py`, and by who asks for it.

How, and why so: modules that are loaded when `install` is called are written into `sys.modules` under both names. The
others are answered by a finder that imports `rocust.x` and hands that module object out. Two traps shape it. A finder
that writes `sys.modules` itself makes the import system load the file a second time: two copies of every exception
class, and `except StopUser` stops working. And the import system, when it loads a submodule, sets it as an attribute
on its package: `import locust.user.task` would overwrite the decorator `task` of `locust.user`; hence that one is
always loaded, by its first name, before any alias for it can be asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_OURS = "rocust"
_THEIRS = "locust"

#: Modules that share their name with another attribute of their package: never left to the finder.
_NAMESAKES = ("rocust.user.task",)


def install() -> None:
    """Make `import locust`, and any `locust.x`, resolve to Rocust from now on, in this process.

    Works whether or not the real Locust is installed next to Rocust; it is not looked at any more. Calling it again
    is harmless.

    Raises:
        RuntimeError: The real Locust has already been imported: two sets of classes would be mixed.

    Locust has no such function.
    """
    root = importlib.import_module(_OURS)
    loaded = sys.modules.get(_THEIRS)
    if loaded is not None and loaded is not root:
        where = getattr(loaded, "__file__", None) or "an unknown place"
        raise RuntimeError(
            f"rocust.install() came too late: another 'locust' has already been imported, from {where}. "
            "hint: call rocust.install() before the first import of locust."
        )
    for name in _NAMESAKES:
        importlib.import_module(name)
    for name, module in list(sys.modules.items()):
        if name == _OURS or name.startswith(f"{_OURS}."):
            sys.modules[_renamed(name, _OURS, _THEIRS)] = module
    if not any(isinstance(finder, _AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AliasFinder())


def _renamed(name: str, old_root: str, new_root: str) -> str:
    return new_root + name[len(old_root) :]


class _AliasFinder(MetaPathFinder):
    """Answers for every `locust.x` that is not in `sys.modules` yet."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """A spec whose loader hands out `rocust.x`; None when there is no such module."""
        if not fullname.startswith(f"{_THEIRS}."):
            return None
        real_name = _renamed(fullname, _THEIRS, _OURS)
        real_spec = importlib.util.find_spec(real_name)
        if real_spec is None:
            return None
        return ModuleSpec(
            fullname,
            _AliasLoader(real_name),
            origin=real_spec.origin,
            is_package=real_spec.submodule_search_locations is not None,
        )


class _AliasLoader(Loader):
    """Hands out a module under a second name, and leaves it as it was."""

    def __init__(self, real_name: str) -> None:
        self._real_name = real_name
        self._real_spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself, imported by its first name."""
        module = importlib.import_module(self._real_name)
        self._real_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run; only `__spec__`, which the import system has just overwritten, is put back."""
        module.__spec__ = self._real_spec

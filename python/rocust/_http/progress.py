"""A progress bar for `map`: in a notebook by its own means, in a terminal by whichever library is installed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rocust._http.mapping import Progress


class Bar(Protocol):
    """What shows progress."""

    def show(self, progress: Progress) -> None:
        """Show how far it has come."""

    def close(self) -> None:
        """Leave the bar as it is."""


class _TqdmBar:
    def __init__(self, total: int | None) -> None:
        from tqdm import tqdm

        self._bar: Any = tqdm(total=total, unit=" requests", dynamic_ncols=True)

    def show(self, progress: Progress) -> None:
        self._bar.set_postfix(failed=progress.failed, refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _RichBar:
    def __init__(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import Progress as Columns

        self._bar: Any = Columns(console=Console(stderr=True))
        self._task = self._bar.add_task("requests", total=total)
        self._bar.start()

    def show(self, progress: Progress) -> None:
        self._bar.update(self._task, completed=progress.done)

    def close(self) -> None:
        self._bar.stop()


class _NotebookBar:
    """A line below the cell that the page replaces. It needs no widgets: a kernel always has what displays HTML."""

    def __init__(self, total: int | None) -> None:
        from IPython.display import display

        self._total = total
        self._handle: Any = display(self._looks(0, 0, 0.0), raw=True, display_id=True)

    def show(self, progress: Progress) -> None:
        self._handle.update(self._looks(progress.done, progress.failed, progress.rate), raw=True)

    def close(self) -> None:
        # A display that was updated stays.
        pass

    def _looks(self, done: int, failed: int, rate: float) -> dict[str, str]:
        """As text for programs that run notebooks, and as a page shows it."""
        of_all = "" if self._total is None else f" of {self._total:,}"
        text = f"{done:,}{of_all} requests, {failed:,} failed, {rate:,.0f} a second"
        bar = "" if self._total is None else f'<progress value="{done}" max="{self._total or 1}"></progress> '
        return {"text/plain": text, "text/html": bar + text}


def _is_in_a_notebook() -> bool:
    """Whether a kernel of IPython runs this process; in its terminal there is a shell without one."""
    library = sys.modules.get("IPython")
    return getattr(library and library.get_ipython(), "kernel", None) is not None


def bar_for(total: int | None, is_wanted: bool | None) -> Bar | None:
    """A bar, if one is wanted and can be had.

    Args:
        total: How many there will be; None when that is not known.
        is_wanted: Whether to show one; None asks whether somebody looks: at a notebook, or at a terminal that the standard error is.

    Raises:
        ImportError: It is wanted for certain, and no library for it is installed.
    """
    if is_wanted is not False and _is_in_a_notebook():
        return _NotebookBar(total)
    if is_wanted is False or (is_wanted is None and not sys.stderr.isatty()):
        return None
    for kind in (_TqdmBar, _RichBar):
        try:
            return kind(total)
        except ImportError:
            continue
    if is_wanted:
        raise ImportError("A progress bar needs tqdm or rich. hint: pip install 'rocust[progress]'")
    return None

"""The option `--host`, and the fixtures that pytest-style locustfiles use.

Both kinds of file are the same file: pytest runs its functions once, as tests; the command runs them again and again, as users. Nothing
of Rocust is imported until a fixture is used, and nothing is patched even then.

The environment may have stock Locust as well, whose plugin has an option and fixtures of the same names: then its fixtures are the ones
that pytest uses, since two of a name would end both commands. `pytest -p no:locust` leaves that plugin out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

#: The name by which pytest knows stock Locust's plugin.
_STOCK = "locust"
_FIXTURES = "rocust-fixtures"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--host`, unless somebody else has."""
    try:
        parser.addoption("--host", "-H", default=None, help="base URL of the fixtures `session` and `fastsession`")
    except ValueError as error:
        if "already" not in str(error):  # added, or used for another option with this name
            raise


def pytest_configure(config: pytest.Config) -> None:
    """Add the fixtures, unless stock Locust has, or the command."""
    plugins = config.pluginmanager
    if not plugins.has_plugin(_STOCK) and not plugins.has_plugin(_FIXTURES):
        from pytest_rocust import fixtures

        plugins.register(fixtures, _FIXTURES)

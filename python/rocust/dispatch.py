"""Which users run on which worker, step by step."""

from rocust._run.dispatch import UsersDispatcher

__all__ = ["UsersDispatcher"]

"""User classes, by Locust's names."""

from rocust._users.http_user import HttpUser
from rocust._users.pytest_user import PytestUser
from rocust._users.rest import RestMixin
from rocust._users.user import User, UserMeta

__all__ = ["HttpUser", "PytestUser", "RestMixin", "User", "UserMeta"]

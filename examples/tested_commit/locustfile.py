"""A run that says which commit it has tested, with GitPython: `pip install gitpython`.

The commit goes into the log and, as a header, into every request, so that the target's own log knows it too.

Run it against the built-in target (`rocust demo-target --port 8000` in another terminal):

    rocust -f examples/tested_commit/locustfile.py --headless -H http://127.0.0.1:8000 -u 5 -t 10s
"""

import logging
from pathlib import Path

import git
from locust import HttpUser, between, events, task


def tested_commit():
    """The commit that this file belongs to; "unknown" outside a repository."""
    try:
        repository = git.Repo(Path(__file__).parent, search_parent_directories=True)
        return repository.head.commit.hexsha[:12]
    except (git.InvalidGitRepositoryError, ValueError):
        return "unknown"


@events.test_start.add_listener
def label(environment, **_):
    """Find the commit out once, before the first user is there."""
    environment.tested_commit = tested_commit()
    logging.info("testing commit %s", environment.tested_commit)


class Visitor(HttpUser):
    wait_time = between(0.1, 0.3)

    def on_start(self):
        self.client.headers["X-Tested-Commit"] = self.environment.tested_commit

    @task
    def visit(self):
        self.client.get("/")

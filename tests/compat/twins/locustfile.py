"""The locustfile of the twins: one user, one task, which runs each behaviour once in both modes and then ends the test.

Which behaviours: those named in `TWINS_ONLY` (a comma between them), or all. What came of them goes to `TWINS_RESULTS`.
"""

import json
import os
from pathlib import Path

from locust import User, task
from twin.places import Places
from twin.registry import behaviours
from twin.visit import visit_all


class Visits(User):
    """Runs what it is told to run."""

    @task
    def visit(self):
        """Run the behaviours, write down what came of them, end the test."""
        known = behaviours()
        only = os.environ.get("TWINS_ONLY")
        chosen = [known[name] for name in only.split(",")] if only else list(known.values())
        found = visit_all(chosen, Places.from_environment(), self.environment)
        Path(os.environ["TWINS_RESULTS"]).write_text(json.dumps(found))
        self.environment.runner.quit()

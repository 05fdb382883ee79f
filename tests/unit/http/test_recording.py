"""Who records a request: the engine at once while nobody else listens, else the listener, with the same figures."""

from __future__ import annotations

import pytest
from rocust import FastHttpUser, HttpUser
from rocust._http.recording import StatsListener, ledgers
from rocust._run.environment import Environment


@pytest.fixture(params=[HttpUser, FastHttpUser])
def user(request, server):
    class Visitor(request.param):
        host = server.url

    environment = Environment(user_classes=[Visitor])
    runner = environment.create_local_runner()
    yield Visitor(environment)
    runner.quit()


def test_engine_records_while_only_the_runner_listens(user):
    event, stats = user.environment.events.request, user.environment.stats
    assert ledgers(event, user) == (stats.ledger, True)
    event.add_listener(print)
    assert ledgers(event, user) == (stats.ledger, False)
    event.remove_listener(print)
    assert ledgers(event, user) == (stats.ledger, True)
    event._handlers.clear()
    assert ledgers(event, user) == (None, False)


def test_figures_are_the_same_whoever_records(user, refusing):
    def visit():
        user.client.get("/echo")
        user.client.get("/echo", name="named")
        user.client.post("/missing", data="x")
        user.client.get("/moved")
        user.client.get(refusing.url + "/refused", name="/refused")
        with user.client.get("/missing", catch_response=True) as response:
            response.success()
        with user.client.get("/echo", catch_response=True) as response:
            response.failure("mine")

    def figures():
        stats = user.environment.stats
        entries = {
            key: (entry.num_requests, entry.num_failures, entry.total_content_length)
            for key, entry in stats.entries.items()
        }
        errors = sorted(
            (error.method, error.name, error.to_name(), error.occurrences) for error in stats.errors.values()
        )
        return entries, errors, (stats.total.num_requests, stats.total.num_failures)

    visit()
    by_engine = figures()
    user.environment.stats.clear_all()
    heard = []
    user.environment.events.request.add_listener(lambda **meta: heard.append(meta))
    visit()
    assert figures() == by_engine
    assert len(heard) == by_engine[2][0] == 7
    assert by_engine[2][1] == 3
    assert set(by_engine[0]) == {
        ("/echo", "GET"), ("named", "GET"), ("/missing", "POST"), ("/missing", "GET"), ("/moved", "GET"), ("/refused", "GET"),
    }  # fmt: skip


def test_response_recorded_by_the_engine_is_like_any_other(user):
    response = user.client.get("/missing")
    assert (response.status_code, response.text, response.ok) == (404, "nothing here", False)
    with pytest.raises(Exception, match="404"):
        response.raise_for_status()


def test_listener_records_what_custom_clients_fire(user):
    listener = StatsListener(user.environment)
    listener("SQL", "select", None, 3)
    listener("SQL", "select", 12.0, 4, exception="no table", start_time=0, url="sql://")
    entry = user.environment.stats.get("select", "SQL")
    assert (entry.num_requests, entry.num_none_requests, entry.num_failures, entry.total_content_length) == (2, 1, 1, 7)

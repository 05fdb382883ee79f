"""The parts of a response time: of one response, and in the statistics, whoever records the request."""

from __future__ import annotations

import pytest
import rocust.stats
from requests.adapters import HTTPAdapter
from rocust import FastHttpUser, HttpUser
from rocust._run.environment import Environment
from rocust.stats import RequestStats, StatsEntry, Timings, get_timings_summary
from support.script import Route, send, wait_for_gate

DELAY_S = 0.03


@pytest.fixture(params=[HttpUser, FastHttpUser])
def user(request, server):
    class Visitor(request.param):
        host = server.url

    environment = Environment(user_classes=[Visitor])
    runner = environment.create_local_runner()
    yield Visitor(environment)
    runner.quit()


def test_a_response_tells_where_its_time_went(session, fast, server, reports):
    server.set_routes({"/slow": Route(delay_s=DELAY_S)})
    for client in (session, fast):
        first, second = client.get("/slow").timings, client.get("/slow").timings
        assert type(first) is Timings
        for timings in (first, second):
            assert timings.first_byte >= DELAY_S * 1e3 * 0.9
            assert all(part >= 0 for part in timings)
            assert timings.total == pytest.approx(reports.pop(0)["response_time"], abs=1e-6)
        assert first.connect > 0
        assert first.tls == 0
        assert (second.dns, second.connect, second.tls) == (0, 0, 0)


def test_redirects_are_summed(client, server, reports):
    response = client.get("/moved")
    assert len(response.history) == 1
    assert response.timings.total == pytest.approx(reports.only["response_time"], abs=1e-6)


def test_a_streamed_response_is_timed_until_it_is_handed_over(client, server, reports):
    slow_end = (send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab"), wait_for_gate("end"), send("cd"))
    server.set_routes({"/stream": Route(steps=slow_end)})
    response = client.get("/stream", stream=True)
    timings = response.timings
    assert timings.total == pytest.approx(reports.only["response_time"], abs=1e-6)
    server.open("end")
    assert response.content == b"abcd"
    assert response.timings == timings


def test_a_connection_that_failed_tells_too(client, refusing, reports):
    timings = client.get(refusing.url).timings
    assert timings.connect > 0
    assert (timings.first_byte, timings.body) == (0, 0)
    assert timings.total == pytest.approx(reports.only["response_time"], abs=1e-6)


def test_calls_that_requests_prepares_are_summed_over_their_hops(session, reports):
    response = session.get("/moved", hooks={"response": lambda *_, **__: None})
    assert len(response.history) == 1
    assert response.timings.total == pytest.approx(reports.only["response_time"], abs=1e-6)


def test_a_call_that_somebody_elses_adapter_sends_does_not_know(session, server):
    session.mount(server.url, HTTPAdapter())
    response = session.get("/moved")
    assert response.status_code == 200
    assert response.timings is None
    session.close()


def test_timings_are_readable():
    timings = Timings(0.5, 0, 1, 2, 0.25, 3, 4)
    assert timings.total == 10.25
    assert repr(timings).startswith("Timings(queue=0.500 ms, dns=0.000 ms, connect=1.000 ms")
    with pytest.raises(AttributeError):
        timings.queue = 1


def test_each_counted_request_is_timed_once_whoever_records(user, refusing):
    def visit():
        user.client.get("/echo")
        user.client.get("/moved", name="/echo")
        user.client.get("/missing")
        user.client.get(refusing.url + "/refused", name="/refused")
        with user.client.get("/missing", catch_response=True) as response:
            response.success()
        if isinstance(user, HttpUser):
            user.client.get("/moved", hooks={"response": lambda *_, **__: None})

    def counts():
        entries = {key: entry.num_timed_requests for key, entry in stats.entries.items()}
        assert entries == {key: entry.num_requests for key, entry in stats.entries.items()}
        for entry in (*stats.entries.values(), stats.total):
            # The parts are whole microseconds, the response times are not.
            assert entry.timings.total == pytest.approx(entry.avg_response_time, abs=0.004)
            assert all(most >= mean >= 0 for most, mean in zip(entry.max_timings, entry.timings, strict=True))
        return entries, stats.total.num_timed_requests

    stats = user.environment.stats
    visit()
    by_engine = counts()
    assert by_engine[1] == (6 if isinstance(user, HttpUser) else 5)
    stats.reset_all()
    assert stats.total.timings is None
    assert stats.total.num_timed_requests == 0
    user.environment.events.request.add_listener(lambda **_: None)
    visit()
    assert counts() == by_engine


def test_a_response_time_that_the_task_sets_has_no_parts(user):
    with user.client.get("/echo", catch_response=True) as response:
        response.request_meta["response_time"] = 12_345.0
    stats = user.environment.stats
    assert stats.total.max_response_time == 12_345
    assert stats.total.num_timed_requests == 0


def test_requests_of_other_clients_have_no_parts(user):
    user.environment.events.request.fire(
        request_type="SQL", name="select", response_time=3.0, response_length=0, exception=None, context={}
    )
    stats = user.environment.stats
    assert stats.total.num_requests == 1
    assert stats.total.timings is None
    assert get_timings_summary(stats)[-1] == "No request has told its timings: those of HttpUser and FastHttpUser do."


def test_timings_survive_the_wire_and_can_be_merged(user):
    stats = user.environment.stats
    user.client.get("/echo")
    user.client.get("/echo")
    entry = stats.get("/echo", "GET")
    timings, longest = entry.timings, entry.max_timings
    data = entry.serialize()
    assert list(data)[-1] == "timings"
    received = StatsEntry.unserialize(data, RequestStats())
    assert (received.timings, received.max_timings, received.num_timed_requests) == (timings, longest, 2)
    received.extend(entry)
    assert (received.timings, received.max_timings, received.num_timed_requests) == (timings, longest, 4)
    assert entry.get_stripped_report() == data
    assert entry.timings is None
    del data["timings"]
    assert StatsEntry.unserialize(data, RequestStats()).timings is None


def test_an_entry_that_nobody_timed_is_serialised_as_locusts():
    stats = RequestStats()
    stats.log_request("GET", "/", 5, 1)
    assert "timings" not in stats.get("/", "GET").serialize()


def test_the_table_has_a_row_for_each_entry_that_was_timed(user, monkeypatch):
    monkeypatch.setattr(rocust.stats, "STATS_NAME_WIDTH", 40)
    monkeypatch.setattr(rocust.stats, "STATS_AUTORESIZE", False)
    stats = user.environment.stats
    user.client.get("/echo")
    user.client.get("/missing")
    stats.log_request("SQL", "select", 3, 0)
    title, heading, separator, *rows, last_separator, total = get_timings_summary(stats)
    assert title == "Timings (average ms)"
    assert " ".join(heading.split()) == "Type Name # reqs | queue dns connect tls send first byte body"
    assert separator == last_separator
    assert [row.split()[:3] for row in rows] == [["GET", "/echo", "1"], ["GET", "/missing", "1"]]
    assert total.split()[:2] == ["Aggregated", "2"]
    assert {len(line) for line in (heading, separator, *rows, total)} == {len(heading)}
    figures = [float(figure) for figure in rows[0].split("|")[1].split()]
    assert figures == [round(part, 3) for part in stats.get("/echo", "GET").timings]

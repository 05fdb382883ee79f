"""What holds for every dispatch, whatever the classes, workers and ramps."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from rocust.dispatch import UsersDispatcher

CLASSES = st.lists(
    st.tuples(st.floats(0.05, 50), st.sampled_from([0, 0, 0, 1, 4])).map(
        lambda numbers: {"weight": numbers[0], "fixed_count": numbers[1]}
    ),
    min_size=1,
    max_size=5,
).map(lambda bodies: [type(f"User{number}", (), body) for number, body in enumerate(bodies)])
WORKERS = st.lists(st.from_regex(r"[ab]_[0-9]{1,3}", fullmatch=True), min_size=1, max_size=6, unique=True).map(
    lambda ids: [SimpleNamespace(id=one) for one in ids]
)
TARGETS = st.lists(st.tuples(st.integers(0, 60), st.floats(0.5, 40)), min_size=1, max_size=4)


def steps(dispatcher, target, rate):
    dispatcher.new_dispatch(target, rate)
    dispatcher._pause = lambda: None
    return list(dispatcher)


def total(users_on_workers):
    return sum(sum(users.values()) for users in users_on_workers.values())


@given(CLASSES, WORKERS, TARGETS)
def test_dispatch_is_monotone_and_parts_sum_to_the_whole(classes, workers, targets):
    dispatcher = UsersDispatcher(workers, classes)
    for target, rate in targets:
        before = dispatcher.get_current_user_count()
        totals = [before, *(total(users) for users in steps(dispatcher, target, rate))]
        assert totals == sorted(totals, reverse=target < before)
        assert totals[-1] == dispatcher.get_current_user_count()
        assert totals[-1] == sum(dispatcher._get_user_current_count(one.__name__) for one in classes)
        if any(one.fixed_count == 0 for one in classes) or target <= before:
            assert totals[-1] == target


@given(CLASSES, WORKERS, st.integers(0, 60), st.data())
def test_change_of_workers_keeps_every_user(classes, workers, target, data):
    dispatcher = UsersDispatcher(workers, classes)
    steps(dispatcher, target, 100)
    reached = dispatcher.get_current_user_count()
    gone = data.draw(st.sampled_from(workers))
    dispatcher.add_worker(SimpleNamespace(id="c_1"))
    dispatcher.remove_worker(gone)
    users = steps(dispatcher, reached, 1)
    assert [total(step) for step in users] == [reached]
    assert set(users[0]) == {worker.id for worker in workers if worker is not gone} | {"c_1"}
    loads = [sum(row.values()) for row in users[0].values()]
    assert max(loads) - min(loads) <= 1


@given(CLASSES, WORKERS, st.integers(1, 40))
def test_users_leave_in_the_opposite_order(classes, workers, target):
    dispatcher = UsersDispatcher(workers, classes)
    up = steps(dispatcher, target, 1)
    reached = dispatcher.get_current_user_count()
    down = steps(dispatcher, 0, 1)
    assert down[:-1] == up[: reached - 1][::-1]
    assert total(down[-1]) == 0

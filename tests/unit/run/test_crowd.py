"""The crowd is a group that knows its users by class."""

from __future__ import annotations

from rocust import User
from rocust._kernel.green import GreenletExit, sleep
from rocust._run.crowd import Crowd
from rocust._run.environment import Environment

FOREVER_S = 3600.0


class First(User):
    def on_start(self) -> None:
        sleep(FOREVER_S)


class Second(First):
    pass


def test_users_are_counted_by_class_as_they_come_and_go() -> None:
    environment, crowd = Environment(), Crowd()
    users = [one(environment) for one in (First, Second, First)]
    assert crowd.counts() == {}
    greenlets = [user.start(crowd) for user in users]
    assert (crowd.counts(), len(crowd)) == ({"First": 2, "Second": 1}, 3)
    greenlets[1].kill()
    assert crowd.join(timeout=0) is False
    assert (crowd.counts(), len(crowd)) == ({"First": 2}, 2)
    crowd.discard(greenlets[0])
    assert crowd.counts() == {"First": 1}
    greenlets[0].kill()
    crowd.kill()
    assert (crowd.counts(), len(crowd)) == ({}, 0)


def test_last_to_come_are_chosen_and_who_is_stopping_only_when_others_do_not_suffice() -> None:
    environment, crowd = Environment(), Crowd()
    users = [First(environment) for _ in range(4)]
    for user in users:
        user.start(crowd)
    assert crowd.last("First", 2) == [users[3], users[2]]
    users[3]._state = "stopping"
    assert crowd.last("First", 2) == [users[2], users[1]]
    assert crowd.last("First", 9) == [users[2], users[1], users[0], users[3]]
    assert crowd.last("Unknown", 1) == []
    crowd.kill()


def test_greenlet_without_a_user_is_in_the_group_and_in_no_class() -> None:
    crowd = Crowd()
    greenlet = crowd.spawn(sleep, FOREVER_S)
    nobody = crowd.spawn(lambda: sleep(FOREVER_S))
    assert (nobody in crowd, len(crowd), crowd.counts().get("float")) == (True, 2, 1)
    crowd.kill()
    assert isinstance(greenlet.value, GreenletExit)
    assert (len(crowd), crowd.counts()) == (0, {})

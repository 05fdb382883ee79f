"""Choosing user classes by name."""

from __future__ import annotations

import logging

import pytest
from rocust._cli.selection import (
    print_available_users,
    select_user_classes,
    warn_of_too_few_users,
)


class Buyer:
    fixed_count = 2


class Seller:
    fixed_count = 3


AVAILABLE = {"Buyer": Buyer, "Seller": Seller}


def refused(caplog, names, available=AVAILABLE):
    with pytest.raises(SystemExit) as ended:
        select_user_classes(names, available, ["/load/shop.py"])
    assert ended.value.code == 1
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("locust.main", logging.ERROR)
    return record.getMessage()


def test_all_without_names_and_each_once_by_name():
    assert select_user_classes([], AVAILABLE, []) == [Buyer, Seller]
    assert select_user_classes(["Seller", "Seller"], AVAILABLE, []) == [Seller]


def test_no_user_class_is_refused(caplog):
    message = refused(caplog, [], {})
    assert message.startswith("No User class found! shop.py declares none")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Byuer"], "Unknown User(s): Byuer. Did you mean 'Buyer'?"),
        (
            ["Buyer", "seler", "Xyz"],
            "Unknown User(s): seler, Xyz. Did you mean 'Seller'?",
        ),
        (["Administrator"], "Unknown User(s): Administrator. There is: Buyer, Seller."),
        (
            ["shop.py"],
            "Unknown User(s): shop.py. A locustfile is given with -f: rocust -f shop.py",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(caplog, names, message):
    assert refused(caplog, names) == message


def test_list(capsys):
    print_available_users(AVAILABLE)
    assert capsys.readouterr().out == "Available Users:\n    Buyer\n    Seller\n"


@pytest.mark.parametrize(("user_count", "told"), [(4, 1), (5, 0), (None, 0), (0, 0)])
def test_fixed_counts_above_the_number_of_users_are_told(caplog, user_count, told):
    with caplog.at_level(logging.INFO):
        warn_of_too_few_users([Buyer, Seller], user_count)
    assert len(caplog.records) == told
    if told:
        assert "Total fixed_count of User classes (5) is greater" in caplog.text

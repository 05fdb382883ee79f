"""Importing locustfiles: what is found in them, what is put on the path, and what is said when they raise."""

from __future__ import annotations

import sys

import pytest
from rocust._cli import loading

USER = "from rocust._users.user import User\nclass {name}(User):\n    pass\n"


@pytest.fixture(autouse=True)
def _path_and_modules_as_before(monkeypatch):
    monkeypatch.setattr("sys.path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if not name.startswith("rocust"):
            del sys.modules[name]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_only_classes_that_can_be_spawned_are_found(tmp_path):
    text = USER.format(name="Buyer") + "class Base(User):\n    abstract = True\nbuyer = 5\n"
    users, shapes = loading.load_locustfile(write(tmp_path / "shop.py", text))
    assert list(users) == ["Buyer"]
    assert shapes == []
    assert users["Buyer"].__module__ == "shop"


def test_neighbours_and_the_working_directory_can_be_imported_meanwhile(tmp_path):
    write(tmp_path / "load" / "neighbour_of_it.py", "price = 1\n")
    write(tmp_path / "in_working_directory.py", "price = 2\n")
    path = write(
        tmp_path / "load" / "shop.py",
        "import neighbour_of_it, in_working_directory\n"
        "assert (neighbour_of_it.price, in_working_directory.price) == (1, 2)\n" + USER.format(name="Buyer"),
    )
    users, _ = loading.load_locustfile(path)
    assert list(users) == ["Buyer"]
    assert str(tmp_path / "load") not in sys.path
    assert str(tmp_path) in sys.path


def test_a_directory_on_the_path_goes_back_to_its_place(tmp_path):
    sys.path[1:1] = ["/somewhere/else", str(tmp_path / "load")]
    before = list(sys.path)
    loading.load_locustfile(write(tmp_path / "load" / "shop.py", ""))
    assert sys.path[1:] == before


def test_a_file_called_locust_does_not_stand_in_for_the_package(tmp_path):
    users, _ = loading.load_locustfile(write(tmp_path / "locust.py", USER.format(name="Buyer")))
    assert users["Buyer"].__module__ == "locustfile"


def test_a_class_imported_by_a_second_file_counts_once(tmp_path):
    first = write(tmp_path / "shop_one.py", USER.format(name="Buyer"))
    second = write(tmp_path / "shop_two.py", "from shop_one import Buyer\n")
    users, shapes, tasks, shape = loading.merge_locustfiles_content([first, second])
    assert list(users) == ["Buyer"]
    assert (shapes, shape) == ({}, None)
    assert tasks == {"Buyer": []}


def test_two_classes_of_one_name_are_refused(capsys, tmp_path):
    paths = [write(tmp_path / name, USER.format(name="Buyer")) for name in ("shop_a.py", "shop_b.py")]
    with pytest.raises(SystemExit) as ended:
        loading.merge_locustfiles_content(paths)
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        f"Duplicate user class names: Buyer is defined in both {paths[0]} and {paths[1]}\n"
    )


@pytest.mark.parametrize(
    ("text", "own_traceback", "sentence"),
    [
        (
            "def broken(:\n",
            "SyntaxError: ",
            "it is not valid Python, see line 1 above.",
        ),
        (
            "import not_installed_anywhere\n",
            "ModuleNotFoundError: ",
            "-m pip install not_installed_anywhere",
        ),
        (
            "def f():\n    return 1 / 0\nf()\n",
            "ZeroDivisionError: ",
            "importing it raised ZeroDivisionError",
        ),
        (
            "from os import nothing_like_it\n",
            "ImportError: ",
            "importing it raised ImportError",
        ),
    ],
)
def test_a_file_that_raises_is_refused_with_its_own_traceback(capsys, tmp_path, text, own_traceback, sentence):
    path = write(tmp_path / "shop.py", text)
    with pytest.raises(SystemExit) as ended:
        loading.load_or_refuse(path)
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert own_traceback in told
    assert f'File "{path}", line ' in told
    assert "rocust/_cli" not in told
    assert "importlib" not in told
    last_line = told.splitlines()[-1]
    assert last_line.startswith(f"Could not load '{path}': ")
    assert sentence in last_line


def test_a_file_that_exits_is_let_go(tmp_path):
    with pytest.raises(SystemExit) as ended:
        loading.load_or_refuse(write(tmp_path / "shop.py", "import sys\nsys.exit(3)\n"))
    assert ended.value.code == 3

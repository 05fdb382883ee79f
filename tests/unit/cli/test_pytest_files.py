"""Test functions turned into user classes: which there are, what their arguments are made of, what is refused."""

from __future__ import annotations

import contextlib
import sys

import pytest
from rocust._cli import loading, pytest_files
from rocust._users.pytest_user import PytestUser
from rocust._users.user import User


@pytest.fixture(autouse=True)
def _path_and_modules_as_before(monkeypatch):
    monkeypatch.setattr("sys.path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if not name.startswith("rocust"):
            del sys.modules[name]


@pytest.fixture
def load(tmp_path):
    def load(text, name="pages_of_it.py"):
        path = tmp_path / name
        path.write_text(text)
        return pytest_files.load_locustfile_pytest(str(path))

    return load


def arguments_of(user_class, number=0):
    """What a user would call a function of its class with."""
    user = user_class.__new__(user_class)
    with contextlib.ExitStack() as afterwards:
        return user, {one.name: user._made(one, afterwards) for one in user_class.functions[number].fixtures}


def test_every_test_function_is_a_user_class(load):
    classes = load("def test_a(session): ...\ndef test_b(fastsession): ...\ndef helper(session): ...\nx = 1\n")
    assert list(classes) == ["test_a", "test_b"]
    for name, user_class in classes.items():
        assert user_class.__bases__ == (PytestUser,)
        assert (user_class.__name__, user_class.__module__, user_class.abstract) == (name, "pages_of_it", False)
        assert user_class.json()["tasks"] == []
    assert classes["test_a"].functions is not classes["test_b"].functions


def test_methods_of_one_name_share_a_class(load):
    classes = load(
        "class TestOne:\n    def test_a(self): return type(self)\n"
        "class TestTwo:\n    def test_a(self): return type(self)\n"
    )
    assert [one.obj().__name__ for one in classes["test_a"].functions] == ["TestOne", "TestTwo"]


def test_file_without_tests_has_no_users(load):
    assert load("x = 1\n") == {}


def test_parametrized_function_is_a_class_for_each_value(load):
    classes = load("import pytest\n@pytest.mark.parametrize('n', [7, 8])\ndef test_a(n): ...\n")
    assert list(classes) == ["test_a[7]", "test_a[8]"]
    assert arguments_of(classes["test_a[8]"])[1] == {"n": 8}


FIXTURES = """
import pytest

@pytest.fixture
def as_in_locust(user=None):
    yield user

@pytest.fixture
def required(somebody):
    return somebody

@pytest.fixture
def asking(request):
    return request

@pytest.fixture
def nothing():
    return "nothing"

@pytest.fixture
def both(nothing, as_in_locust):
    return nothing, as_in_locust

def test_a(as_in_locust, required, asking, nothing, both): ...

class TestIt:
    @pytest.fixture
    def both(self, both):
        return "class", both

    def test_b(self, both): ...
"""


def test_a_fixture_is_made_of_other_fixtures_or_of_the_user(load):
    user, made = arguments_of(load(FIXTURES)["test_a"])
    assert made == {
        "as_in_locust": user, "required": user, "asking": user, "nothing": "nothing", "both": ("nothing", user),
    }  # fmt: skip


def test_a_fixture_may_replace_another_and_ask_for_it(load):
    user, made = arguments_of(load(FIXTURES)["test_b"])
    assert made == {"both": ("class", ("nothing", user))}


def test_fixtures_are_cleaned_up_last_made_first(load):
    classes = load(
        "import pytest\nsaid = []\n"
        "@pytest.fixture\ndef one():\n    yield said\n    said.append(1)\n"
        "@pytest.fixture\ndef two(one):\n    yield one\n    said.append(2)\n"
        "def test_a(two): ...\n"
    )
    assert arguments_of(classes["test_a"])[1] == {"two": [2, 1]}


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        ("def test_a(nowhere): ...", "Could not find fixture for parameter 'nowhere' in test_a"),
        ("def test_a(monkeypatch): ...", "'monkeypatch' that test_a asks for is pytest's own"),
        ("async def test_a(session): ...", "test_a is async def, and what calls it would never await it"),
        (
            "import pytest\n@pytest.fixture\nasync def one():\n    yield 1\ndef test_a(one): ...",
            "fixture 'one' that test_a asks for is async def",
        ),
    ],
)
def test_argument_that_cannot_be_made_is_a_value_error(load, function, problem):
    with pytest.raises(ValueError, match=problem):
        load(function + "\n")


def test_file_that_cannot_be_read_is_told_in_pytests_words(load, tmp_path):
    (tmp_path / "conftest.py").write_text("1 / 0\n")
    with pytest.raises(pytest_files.CollectionError, match="ZeroDivisionError"):
        load("def test_a(): ...\n")


def test_tests_are_loaded_only_where_there_is_no_user_class(tmp_path):
    tests, users = tmp_path / "tests_of_it.py", tmp_path / "users_of_it.py"
    tests.write_text("def test_a(): ...\n")
    users.write_text("from rocust._users.user import User\nclass Buyer(User): ...\n")
    user_classes, shapes, tasks, shape = loading.merge_locustfiles_content([str(tests)])
    assert (list(user_classes), shapes, tasks, shape) == (["test_a"], {}, {"test_a": []}, None)
    user_classes, *_ = loading.merge_locustfiles_content([str(tests), str(users)])
    assert list(user_classes) == ["Buyer"]
    assert issubclass(user_classes["Buyer"], User)


def test_functions_of_one_name_in_two_files_are_refused(tmp_path, capsys):
    paths = [tmp_path / "house_a.py", tmp_path / "house_b.py"]
    for path in paths:
        path.write_text("def test_a(): ...\n")
    with pytest.raises(SystemExit) as ended:
        loading.merge_locustfiles_content(list(map(str, paths)))
    assert ended.value.code == 1
    assert "Duplicate user class names: test_a is defined in both" in capsys.readouterr().err

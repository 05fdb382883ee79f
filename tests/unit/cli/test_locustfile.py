"""Where locustfiles are found, and what is said when there are none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from rocust._cli import locustfile
from rocust.util.directory import get_abspaths_in
from rocust.util.url import is_url


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def refused(capsys, *paths):
    with pytest.raises(SystemExit) as ended:
        locustfile.parse_locustfile_paths(paths)
    assert ended.value.code == 1
    return capsys.readouterr().err


def test_files_become_absolute_paths(tmp_path):
    first, second = write(tmp_path / "a.py"), write(tmp_path / "b" / "c.py")
    assert locustfile.parse_locustfile_paths(["a.py", "b/c.py"]) == [first, second]


def test_a_directory_is_searched_and_underscores_are_left_out(tmp_path):
    wanted = {write(tmp_path / "d" / "a.py"), write(tmp_path / "d" / "deep" / "b.py")}
    write(tmp_path / "d" / "_private.py")
    write(tmp_path / "d" / "__init__.py")
    write(tmp_path / "d" / "notes.txt")
    assert set(locustfile.parse_locustfile_paths(["d"])) == wanted
    assert len(get_abspaths_in(str(tmp_path / "d"))) == 3


def test_a_comma_separates_files(tmp_path):
    first, second = write(tmp_path / "a.py"), write(tmp_path / "b.py")
    assert locustfile.get_locustfiles_locally(SimpleNamespace(locustfile="a.py, b.py")) == [first, second]


def test_a_missing_file_is_named(capsys):
    assert refused(capsys, "gone.py") == (
        "Could not find 'gone.py'. Ensure your locustfile ends with '.py' or is a directory with locustfiles. "
        "See --help for available options.\n"
    )


def test_a_missing_file_has_its_nearest_neighbour_proposed(capsys, tmp_path):
    write(tmp_path / "load" / "checkout.py")
    assert "Did you mean 'load/chekout.py'" not in refused(capsys, "load/chekout.py")
    assert "Did you mean 'load/checkout.py'?" in refused(capsys, "load/chekout.py")


def test_a_file_that_is_not_python_is_named(capsys, tmp_path):
    write(tmp_path / "locustfile.txt")
    assert refused(capsys, "locustfile.txt").startswith("Could not find 'locustfile.txt' as a Python file")


def test_an_empty_directory_is_named(capsys, tmp_path):
    write(tmp_path / "d" / "_only.py")
    assert refused(capsys, "d").startswith("Could not find any locustfiles in directory 'd'")


def test_the_locustfile_of_a_master_is_not_there(capsys):
    with pytest.raises(SystemExit) as ended:
        locustfile.get_locustfiles_locally(SimpleNamespace(locustfile="-", worker=False))
    assert ended.value.code == 1
    assert "--worker was not specified" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        locustfile.get_locustfiles_locally(SimpleNamespace(locustfile="-", worker=True))
    assert ended.value.code == 2
    assert "argument --worker" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("http://example.com/a.py", True),
        ("https://example.com", True),
        ("example.com/a.py", False),
        ("ftp://example.com/a.py", False),
        ("C:\\a.py", False),
        ("http://", False),
        ("http://[broken", False),
    ],
)
def test_is_url(text, answer):
    assert is_url(text) is answer

"""What becomes of a command line, of environment variables and of configuration files, and which of them wins."""

from __future__ import annotations

import json

import pytest
from rocust import argument_parser
from rocust._cli.refusal import nearest


def parse(*arguments: str):
    return argument_parser.get_parser().parse_args(list(arguments))


def test_defaults_are_locusts():
    options = vars(parse())
    expected = {
        "locustfile": "locustfile.py", "host": None, "num_users": None, "spawn_rate": None, "run_time": None,
        "list_commands": False, "config_users": None, "headless": False, "headful": False, "autostart": False,
        "autoquit": -1, "web_host": "", "web_port": 8089, "master": False, "worker": False, "processes": None,
        "master_host": "127.0.0.1", "master_port": 5557, "master_bind_host": "*", "master_bind_port": 5557,
        "expect_workers": 1, "expect_workers_max_wait": 0, "enable_rebalancing": False, "tags": None,
        "exclude_tags": None, "csv_prefix": None, "stats_history_enabled": False, "print_stats": False,
        "only_summary": False, "reset_stats": False, "html_file": None, "json": False, "json_file": None,
        "skip_log_setup": False, "loglevel": "INFO", "logfile": None, "show_task_ratio": False,
        "show_task_ratio_json": False, "exit_code_on_error": 1, "stop_timeout": 0, "equal_weights": False,
        "profile": None, "otel": False, "user_classes": [], "web_base_path": "", "class_picker": False,
        "web_login": False, "tls_cert": "", "tls_key": "", "build_path": "", "web_host_display_name": None,
    }  # fmt: skip
    assert {name: options[name] for name in expected} == expected
    assert set(options) - set(expected) == {
        "config",
        "locust_rounding",
        "no_live",
        "rocust_http2",
        "rocust_ip_version",
        "rocust_loop",
        "rocust_no_keep_alive",
        "rocust_resolve",
        "rocust_source_address",
        "rocust_timings",
        "web_auth",
        "legacy_ui",
        "expect_slaves",
        "slave",
    }


def test_short_and_long_options_and_user_classes():
    options = parse(
        *[
            "-f",
            "a.py",
            "-H",
            "http://x",
            "-u",
            "100",
            "-r",
            "2.5",
            "-t",
            "1h20m",
            "-s",
            "3m",
            "--headless",
            "-L",
            "debug",
            "-T",
            "fast",
            "-E",
            "slow",
            "--",
            "Buyer",
            "Seller",
        ]
    )
    assert options.num_users == 100
    assert options.spawn_rate == 2.5
    assert options.run_time == 4800
    assert options.stop_timeout == 180
    assert options.loglevel == "DEBUG"
    assert options.tags == ["fast"]
    assert options.exclude_tags == ["slow"]
    assert options.user_classes == ["Buyer", "Seller"]


def test_an_unambiguous_prefix_is_enough():
    assert parse("--show-task-ratio-j").show_task_ratio_json


@pytest.mark.parametrize(
    ("variable", "text", "destination", "value"),
    [
        ("LOCUST_USERS", "7", "num_users", 7),
        ("LOCUST_HOST", "http://x", "host", "http://x"),
        ("LOCUST_RUN_TIME", "2m", "run_time", 120),
        ("LOCUST_HEADLESS", "true", "headless", True),
        ("LOCUST_HEADLESS", "false", "headless", False),
        ("LOCUST_TAGS", "a b", "tags", ["a b"]),
        ("LOCUST_TAGS", "[a, b]", "tags", ["a", "b"]),
        ("LOCUST_USER_CLASSES", "Buyer Seller", "user_classes", ["Buyer", "Seller"]),
        ("LOCUST_EXIT_CODE_ON_ERROR", "0", "exit_code_on_error", 0),
        ("ROCUST_NO_LIVE", "1", "no_live", True),
        ("ROCUST_LOCUST_ROUNDING", "1", "locust_rounding", True),
        ("ROCUST_HTTP2", "true", "rocust_http2", True),
        ("ROCUST_NO_KEEP_ALIVE", "1", "rocust_no_keep_alive", True),
        ("ROCUST_RESOLVE", "a:80:::1", "rocust_resolve", ["a:80:::1"]),
        ("ROCUST_RESOLVE", "[a:80:127.0.0.1, b:80:127.0.0.2]", "rocust_resolve", ["a:80:127.0.0.1", "b:80:127.0.0.2"]),
        ("ROCUST_IP_VERSION", "6", "rocust_ip_version", 6),
        ("ROCUST_SOURCE_ADDRESS", "127.0.0.2", "rocust_source_address", "127.0.0.2"),
        ("ROCUST_TIMINGS", "1", "rocust_timings", True),
        ("ROCUST_LOOP", "uvloop", "rocust_loop", "uvloop"),
    ],
)
def test_environment_variables(monkeypatch, variable, text, destination, value):
    monkeypatch.setenv(variable, text)
    assert getattr(parse(), destination) == value


def test_the_nearer_source_wins(monkeypatch, tmp_path):
    (tmp_path / ".locust.conf").write_text("users = 1\nspawn-rate = 1\nrun-time = 1\nhost = http://home\n")
    (tmp_path / "locust.conf").write_text("users = 2\nspawn-rate = 2\nrun-time = 2\n")
    (tmp_path / "pyproject.toml").write_text("[tool.locust]\nusers = 3\nspawn-rate = 3\n")
    (tmp_path / "own.conf").write_text("users = 4\n")
    options = parse("--config", "own.conf")
    assert (options.num_users, options.spawn_rate, options.run_time, options.host) == (
        4,
        3,
        2,
        "http://home",
    )
    monkeypatch.setenv("LOCUST_USERS", "5")
    assert parse("--config", "own.conf").num_users == 5
    assert parse("--config", "own.conf", "-u", "6").num_users == 6


def test_a_conf_file_has_flags_lists_and_comments(tmp_path):
    (tmp_path / "locust.conf").write_text("# ours\nheadless\ntags = [Critical, Normal]\nloglevel ERROR\nu = 3\n")
    options = parse()
    assert options.headless
    assert options.tags == ["Critical", "Normal"]
    assert options.loglevel == "ERROR"


def test_a_toml_file_is_read_only_in_its_section(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.locust]\nheadless = true\ntags = ["Critical", "Normal"]\n[tool.other]\nusers = 9\n'
    )
    options = parse()
    assert options.headless
    assert options.tags == ["Critical", "Normal"]
    assert options.num_users is None


def test_a_locustfile_adds_options_of_its_own(events, tmp_path):
    @events.init_command_line_parser.add_listener
    def add(parser, **_):
        parser.add_argument("--shop", env_var="LOCUST_SHOP", default="main", help="Which shop.")
        parser.add_argument("--token", is_secret=True, is_required=True)
        parser.add_argument("--hidden", include_in_web_ui=False)
        parser.add_argument("--colors", is_multiple=True, choices=["red", "blue"])

    (tmp_path / "locust.conf").write_text("shop = small\n")
    assert parse().shop == "small"
    shown = argument_parser.ui_extra_args_dict(["--token", "s3cret"])
    assert set(shown) == {"shop", "token", "colors"}
    assert shown["shop"] == {
        "default_value": "small", "is_secret": False, "is_required": False, "help_text": "Which shop.",
        "is_multiple": False, "choices": None,
    }  # fmt: skip
    assert (shown["token"]["is_secret"], shown["token"]["is_required"]) == (True, True)
    assert (shown["colors"]["is_multiple"], shown["colors"]["choices"]) == (
        True,
        ["red", "blue"],
    )
    assert "shop" not in argument_parser.default_args_dict()


def test_each_parser_fires_the_event(events):
    parsers = []
    events.init_command_line_parser.add_listener(lambda parser, **_: parsers.append(parser))
    first, second = argument_parser.get_parser(), argument_parser.get_parser()
    assert parsers == [first, second]


def test_the_first_look_reads_only_where_the_locustfile_is(monkeypatch):
    monkeypatch.setenv("LOCUST_LOCUSTFILE", "from_environment.py")
    assert argument_parser.parse_locustfile_option(["-u", "x", "--shop", "y"]).locustfile == "from_environment.py"
    assert argument_parser.parse_locustfile_option(["--shop=y", "-f", "a.py,b.py"]).locustfile == "a.py,b.py"
    assert argument_parser.parse_locustfile_option(["--master"]).master


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_is_answered_in_the_first_look(capsys, option):
    with pytest.raises(SystemExit) as ended:
        argument_parser.parse_locustfile_option([option])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("rocust ")


def test_help_shows_the_options_of_plugins(capsys, events):
    events.init_command_line_parser.add_listener(
        lambda parser, **_: parser.add_argument("--plugged", help="From afar.")
    )
    with pytest.raises(SystemExit) as ended:
        argument_parser.parse_locustfile_option(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "Usage: rocust [options] [UserClass ...]" in text
    assert "From afar." in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-u", "abc"], "argument -u/--users: invalid int value: 'abc'"),
        (["-u", "-5"], "argument -u/--users: must be 0 or more, got -5"),
        (["-u", "2.5"], "argument -u/--users: invalid int value: '2.5'"),
        (["-r", "0"], "argument -r/--spawn-rate: must be > 0"),
        (["-r", "-1"], "argument -r/--spawn-rate: must be > 0"),
        (["-r", "nan"], "argument -r/--spawn-rate: must be a finite number"),
        (["-r", "inf"], "argument -r/--spawn-rate: must be a finite number"),
        (["-r", "fast"], "argument -r/--spawn-rate: invalid float value: 'fast'"),
        (["-t", "-5"], "argument -t/--run-time: Invalid time span format"),
        (["-t", "soon"], "argument -t/--run-time: Invalid time span format"),
        (["-t", "1h5"], "argument -t/--run-time: Invalid time span format"),
        (["-s", "1d"], "argument -s/--stop-timeout: Invalid time span format"),
        (["-L", "LOUD"], "argument --loglevel/-L: invalid choice: 'LOUD'"),
        (["--expect-workers", "0"], "must be a positive number"),
        (["--config-users", "{"], "must be a valid JSON string or file"),
        (["--config-users", "{}"], "The user config must specify a user_class_name"),
        (["--config-users", "gone.json"], "No such file"),
        (["--slave"], "The --slave parameter has been renamed --worker"),
        (
            ["--expect-slaves"],
            "The --expect-slaves parameter has been renamed --expect-workers",
        ),
        (["--legacy-ui"], "--legacy-ui is no longer supported"),
        (["--web-auth", "a:b"], "--web-login"),
        (["--user-clases", "A"], "unrecognized arguments: --user-clases"),
        (["--print-stat-s"], "Did you mean '--print-stats'?"),
        (["--headles5"], "Did you mean '--headless'?"),
        (["--spawnrate=5"], "Did you mean '--spawn-rate'?"),
        (["--xyzzy"], "See 'rocust --help'"),
        (["--config", "gone.conf"], "Unable to open config file: gone.conf"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(capsys, arguments, sentence):
    with pytest.raises(SystemExit) as ended:
        parse(*arguments)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("rocust: error: ")
    assert sentence in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.toml", b"[tool.locust\n"),
        ("binary.conf", b"\xff\xfe\x00users"),
        ("broken.conf", b"= = =\n: :\n"),
    ],
)
def test_a_configuration_file_that_cannot_be_read_is_named(capsys, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        parse("--config", name)
    assert ended.value.code == 2
    assert name in capsys.readouterr().err


def test_a_directory_in_place_of_a_configuration_file_is_named(capsys, tmp_path):
    (tmp_path / "locust.conf").mkdir()
    with pytest.raises(SystemExit) as ended:
        parse()
    assert ended.value.code == 2
    assert "Unable to read config file: locust.conf" in capsys.readouterr().err


def test_an_unknown_key_of_a_configuration_file_is_an_unknown_option(capsys, tmp_path):
    (tmp_path / "locust.conf").write_text("user = 3\nuserz = 3\n")
    with pytest.raises(SystemExit) as ended:
        parse()
    assert ended.value.code == 2
    assert "--userz" in capsys.readouterr().err


def test_config_users_takes_objects_arrays_and_files(tmp_path):
    (tmp_path / "users.json").write_text(json.dumps([{"user_class_name": "C"}]))
    options = parse(
        "--config-users",
        '{"user_class_name": "A", "weight": 2}',
        '[{"user_class_name": "B"}]',
        "users.json",
    )
    assert options.config_users == [
        [{"user_class_name": "A", "weight": 2}],
        [{"user_class_name": "B"}],
        [{"user_class_name": "C"}],
    ]


def test_parse_options_warns_and_wants_csv_for_its_history(capsys):
    with pytest.raises(SystemExit) as ended:
        argument_parser.parse_options(["--csv-full-history"])
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("Warning: This function is deprecated")
    assert "'--csv-full-history' requires '--csv'." in captured.err


def test_the_program_is_named_as_it_was_called(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["/opt/bin/locust"])
    with pytest.raises(SystemExit):
        parse("--xyzzy")
    assert capsys.readouterr().err.startswith("locust: error: ")


def test_nearest_ignores_case_and_gives_up_on_strangers():
    assert nearest("buyer", ["Buyer", "Seller"]) == "Buyer"
    assert nearest("Byuer", ["Buyer", "Seller"]) == "Buyer"
    assert nearest("Administrator", ["Buyer", "Seller"]) is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--resolve", "example.com:443"),
            'argument --resolve: "example.com:443" is not of the form host:port:address: the address is missing',
        ),
        (
            ("--source-address", "eth0"),
            "argument --source-address: 'eth0' is not an IP address; it must be one of this machine's, such as 192.0.2.7",
        ),
    ],
)
def test_an_address_that_is_none_is_refused_in_a_sentence(words, message, capsys):
    with pytest.raises(SystemExit):
        parse(*words)
    assert message in capsys.readouterr().err


def test_an_option_of_a_locustfile_takes_the_place_of_one_that_locust_does_not_have():
    parser = argument_parser.get_parser()
    parser.add_argument("--http2", type=int, default=5)
    options = parser.parse_args(["--http2", "7"])
    assert options.http2 == 7
    assert not hasattr(options, "rocust_http2")

"""URLs: what they mean, what is refused, and that no message shows a password."""

import pytest

from gearframe.exceptions import UrlError
from gearframe.options import ConnectOptions
from gearframe.url import parse_url, redact


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://", {}),
        ("redis://h", {"host": "h"}),
        ("valkey://h:7000/3", {"host": "h", "port": 7000, "db": 3}),
        ("REDIS://h/", {"host": "h"}),
        ("redis:///2", {"db": 2}),
        ("rediss://h", {"host": "h", "tls": True}),
        ("valkeys://h", {"host": "h", "tls": True}),
        ("redis://:pw@h", {"host": "h", "password": "pw"}),
        ("redis://ann@h", {"host": "h", "username": "ann"}),
        ("redis://ann:@h", {"host": "h", "username": "ann"}),
        ("redis://ann:p:w@h", {"host": "h", "username": "ann", "password": "p:w"}),
        ("redis://ann:p@w@h", {"host": "h", "username": "ann", "password": "p@w"}),
        ("redis://a%40b:p%2F%C3%A9@h", {"host": "h", "username": "a@b", "password": "p/é"}),
        ("redis://[::1]:7000", {"host": "::1", "port": 7000}),
        ("redis://[fe80::1]", {"host": "fe80::1"}),
        ("redis://h?db=4", {"host": "h", "db": 4}),
        (
            "redis://h?protocol=2&client_name=me&read_timeout=1.5&retries=0",
            {"host": "h", "protocol": 2, "client_name": "me", "read_timeout": 1.5, "retries": 0},
        ),
        (
            "redis://h?socket_timeout=7&socket_connect_timeout=2",
            {"host": "h", "read_timeout": 7.0, "connect_timeout": 2.0},
        ),
        (
            "rediss://h?ssl_ca_certs=/ca.pem&check_hostname=false",
            {"host": "h", "tls": True, "ca_file": "/ca.pem", "check_hostname": False},
        ),
        ("unix:///run/r.sock", {"path": "/run/r.sock"}),
        ("unix:///run/a@b.sock?db=1", {"path": "/run/a@b.sock", "db": 1}),
        ("redis+unix:///run/my%20r.sock", {"path": "/run/my r.sock"}),
        ("valkey+unix://ann:pw@/r", {"path": "/r", "username": "ann", "password": "pw"}),
    ],
)
def test_meaning(url, expected):
    assert parse_url(url) == ConnectOptions(**expected)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "no scheme"),
        ("localhost:6379", "no scheme"),
        ("ann:s3cret@localhost", "no scheme"),
        ("http://ann:s3cret@h", "http:// is not a scheme"),
        ("redis+sentinel://:s3cret@h/mymaster", "not supported yet"),
        ("redis+cluster://h", "not supported yet"),
        ("redis://ann:s3cret@h:http", "port"),
        ("redis://ann:s3cret@h:70000", "port"),
        ("redis://ann:s3cret@h:-1", "port"),
        ("redis://:s3cret@h/x", "number of a database"),
        ("redis://:s3cret@h/-1", "number of a database"),
        ("redis://:s3cret@h/0?db=1", "given twice"),
        ("redis://:s3cret@h?retries=1&retries=2", "given twice"),
        ("redis://:s3cret@h?nonsense=1", "no option 'nonsense'"),
        ("redis://h?password=s3cret", "no option 'password'"),
        ("redis://:s3cret@h?read_timeout=x", "number of seconds"),
        ("redis://:s3cret@h?read_timeout=nan", "read_timeout"),
        ("redis://:s3cret@h?read_timeout=-1", "read_timeout"),
        ("redis://:s3cret@h?check_hostname=perhaps", "true or false"),
        ("redis://:s3cret@h?protocol=4", "protocol"),
        ("redis://:s3cret@h?ca_file=/ca", "rediss://"),
        ("redis://:s3cret@h#x", "#fragment"),
        ("redis://:s3/cret@h", "%2F"),
        ("redis://:s3?cret@h", "%3F"),
        ("redis://:s3#cret@h", "%23"),
        ("redis://:s3cret", "port"),
        ("redis://::1", "brackets"),
        ("redis://:s3:cret", "brackets"),
        ("redis://:s3cret%FF@h", "UTF-8"),
        ("redis://:s3cret@a b", "host"),
        ("unix://run/r.sock", "slash"),
        ("unix://", "slash"),
        ("rediss://:s3cret@h?cert_file=/c", "both"),
    ],
)
def test_refused(url, reason):
    with pytest.raises(UrlError) as caught:
        parse_url(url)
    message = str(caught.value)
    assert reason in message
    assert "s3" not in message
    assert "cret" not in message


def test_not_a_text():
    with pytest.raises(UrlError, match="must be a str, not bytes"):
        parse_url(b"redis://h")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://[::1]:6379", "redis://[::1]:6379"),
        ("redis://ann@h", "redis://ann@h"),
        ("redis://ann:s3cret@h:1/0?db=1", "redis://ann:***@h:1/0?db=1"),
        ("redis://:s3cret@h", "redis://:***@h"),
        ("redis://:a@b/c?d#e@h", "redis://:***@h"),
        ("ann:s3cret@h", "ann:***@h"),
        ("redis://:s3cret", "redis://:***"),
        ("redis://h?password=s3cret&db=1", "redis://h?password=***&db=1"),
        ("unix:///run/r.sock", "unix:///run/r.sock"),
        ("", ""),
    ],
)
def test_redact(url, expected):
    assert redact(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379",
        "rediss://h:7000/3",
        "redis://a%40b@[::1]:6379",
        "unix:///run/my%20r.sock?db=2",
        "unix://ann@/r.sock",
    ],
)
def test_the_url_of_options_reads_back(url):
    assert parse_url(url).url == url
    assert parse_url(parse_url(url).url) == parse_url(url)

"""A trusted proxy says for whom it asks; nobody else is believed."""

from ipaddress import ip_network

import pytest

from ghsync import settings
from ghsync.errors import NotConfigured
from ghsync.receiver.proxies import Proxies

PROXY = "10.0.0.2"
PROXIES = Proxies([ip_network("10.0.0.0/24"), ip_network("2001:db8::7")])


def client(*said: str) -> str:
    headers = [(b"host", b"ghsync"), *((b"x-forwarded-for", value.encode("latin-1")) for value in said)]
    return PROXIES.client(PROXY, headers)


@pytest.mark.parametrize(("address", "trusted"), [
    ("10.0.0.200", True), ("2001:db8::7", True), ("2001:db8:0::7", True), ("::ffff:10.0.0.3", True),
    ("10.0.1.1", False), ("2001:db8::8", False), ("", False), ("nowhere", False),
])  # fmt: skip
def test_proxies_are_those_that_are_named(address: str, trusted: bool) -> None:
    assert PROXIES.include(address) is trusted


def test_unless_some_are_named_there_are_none() -> None:
    assert not Proxies().include("127.0.0.1")


@pytest.mark.parametrize(("said", "asks"), [
    (("203.0.113.7",), "203.0.113.7"),
    (("1.1.1.1, 203.0.113.7",), "203.0.113.7"),
    (("203.0.113.7,10.0.0.9 ,\t2001:db8::7",), "203.0.113.7"),
    (("1.1.1.1", "203.0.113.7"), "203.0.113.7"),
    (("203.0.113.7:4711",), "203.0.113.7"),
    (("[2001:db8::9]:4711",), "2001:db8::9"),
    (("2001:db8::9",), "2001:db8::9"),
])  # fmt: skip
def test_a_request_is_of_the_last_address_that_is_not_a_proxy_s(said: tuple[str, ...], asks: str) -> None:
    assert client(*said) == asks


@pytest.mark.parametrize("said", [
    (), ("",), ("unknown",), ("203.0.113.7, unknown",), ("203.0.113.7,",), ("203.0.113.999",), ("1.1.1.1:99999999",),
    ("for=203.0.113.7",), ("\xff\0",), ("10.0.0.9",), (":::",), ("203.0.113.7" + ",10.0.0.9" * 1000,),
])  # fmt: skip
def test_where_a_proxy_names_nobody_the_request_is_its_own(said: tuple[str, ...]) -> None:
    assert client(*said) == PROXY


def test_a_setting_that_names_no_network_is_wrong_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHSYNC_TRUSTED_PROXIES", "10.0.0.2, 10.0.0.1/8")
    with pytest.raises(NotConfigured) as refused:
        settings.load()
    assert str(refused.value) == (
        "GHSYNC_TRUSTED_PROXIES is wrong: 10.0.0.1/8 has host bits set; "
        "name addresses such as 10.0.0.2 or networks such as 10.0.0.0/24."
    )


def test_addresses_and_networks_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHSYNC_TRUSTED_PROXIES", "10.0.0.2, 2001:db8::/32,")
    assert settings.load().trusted_proxies == (ip_network("10.0.0.2"), ip_network("2001:db8::/32"))

"""Whatever a customer pastes is judged with one clear sentence, and nothing but Dataverse online is accepted."""

import re
from urllib.parse import urlsplit

import pytest
from django.utils import translation
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenants.eligibility import Verdict, judge

APP = "5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11"
ACME = "https://acme.crm4.dynamics.com"


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    "pasted",
    [
        ACME,
        f"{ACME}/",
        f"  {ACME}/main.aspx \n",
        "http://acme.crm4.dynamics.com/main.aspx",
        "HTTPS://ACME.CRM4.DYNAMICS.COM/",
        "acme.crm4.dynamics.com",
        "acme.crm4.dynamics.com/main.aspx",
        "acme.crm4.dynamics.com.",
        "https://acme.api.crm4.dynamics.com/api/data/v9.2/",
        f"<{ACME}/main.aspx>",
        f'"{ACME}"',
        f"CRM ({ACME}).",
        f"Naše CRM: {ACME}/main.aspx (produkce)",
    ],
)
def test_an_instance_is_known_however_its_address_is_pasted(pasted: str) -> None:
    assert judge(pasted) == Verdict(
        ok=True,
        kind="dataverse",
        reason="",
        origin=ACME,
        api_origin="https://acme.api.crm4.dynamics.com",
        app_id="",
        region="Europe",
        authority="https://login.microsoftonline.com",
    )


@pytest.mark.parametrize(
    "rest",
    [
        f"/main.aspx?appid={APP}",
        f"/main.aspx?appid={APP.upper()}&forceUCI=1&pagetype=entitylist&etn=contact",
        f"/main.aspx?forceUCI=1&AppId={{{APP}}}#123",
        f"/main.aspx?appid=%7b{APP}%7d",
        f"/main.aspx#?appid={APP}",
    ],
)
def test_the_app_is_read_from_the_address(rest: str) -> None:
    assert judge(ACME + rest).app_id == APP


@pytest.mark.parametrize("rest", ["/main.aspx?appid=", "/main.aspx?appid=sales", f"/main.aspx?id={APP}", f"/{APP}"])
def test_an_address_without_a_readable_app_is_still_an_instance(rest: str) -> None:
    verdict = judge(ACME + rest)
    assert (verdict.ok, verdict.app_id) == (True, "")


@pytest.mark.parametrize(
    ("host", "region", "authority"),
    [
        ("acme.crm.dynamics.com", "North America", "https://login.microsoftonline.com"),
        ("acme.crm2.dynamics.com", "South America", "https://login.microsoftonline.com"),
        ("acme.crm16.dynamics.com", "Germany", "https://login.microsoftonline.com"),
        ("acme.crm99.dynamics.com", "a new region", "https://login.microsoftonline.com"),
        ("org13abc74f.crm22.dynamics.com", "Sweden", "https://login.microsoftonline.com"),
        ("contoso-dev.crm9.dynamics.com", "US government (GCC)", "https://login.microsoftonline.com"),
        ("acme.crm.microsoftdynamics.us", "US government (GCC High)", "https://login.microsoftonline.us"),
        ("acme.crm.appsplatform.us", "US Department of Defense", "https://login.microsoftonline.us"),
        ("acme.crm.dynamics.cn", "China", "https://login.partner.microsoftonline.cn"),
    ],
)
def test_every_cloud_has_its_region_and_sign_in(host: str, region: str, authority: str) -> None:
    verdict = judge(f"https://{host}/main.aspx")
    assert (verdict.origin, verdict.region, verdict.authority) == (f"https://{host}", region, authority)


@pytest.mark.parametrize(
    ("pasted", "kind"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        (APP, "app_id_only"),
        (f"{{{APP.upper()}}}", "app_id_only"),
        ("hello", "not_an_address"),
        ("naše CRM je v cloudu", "not_an_address"),
        ("alice@acme.crm4.dynamics.com", "not_an_address"),
        ("ftp://acme.crm4.dynamics.com", "not_an_address"),
        ("javascript:alert(1)", "not_an_address"),
        ("file:///etc/passwd", "not_an_address"),
        ("https://", "not_an_address"),
        ("https://[acme.crm4.dynamics.com", "not_an_address"),
        ("https://acme.crm4.dynamics.com:https/", "not_an_address"),
        ("https://acme.crm4.dynamics.com\\@evil.example/", "not_an_address"),
        ("https://acme.crm4.dyna\nmics.com", "not_an_address"),
        (f"{ACME}/\x00", "not_an_address"),
        (f"{ACME}/?x={'a' * 2_000}", "not_an_address"),
        ("https://businesscentral.dynamics.com/3f1d2c4b/Production?company=CRONUS&page=22", "business_central"),
        ("https://api.businesscentral.dynamics.com/v2.0/", "business_central"),
        ("https://acme.operations.dynamics.com/?cmp=usmf&mi=DefaultDashboard", "finance_operations"),
        ("https://acme.sandbox.operations.eu.dynamics.com/", "finance_operations"),
        ("https://acmedevaos.axcloud.dynamics.com", "finance_operations"),
        ("https://make.powerapps.com/environments/Default-3f1d/home", "maker_portal"),
        ("https://apps.powerapps.com/play/e/default/a/5f0a", "maker_portal"),
        ("https://home.dynamics.com/", "maker_portal"),
        ("https://admin.powerplatform.microsoft.com/environments", "maker_portal"),
        ("https://acme.powerappsportals.com/", "customer_portal"),
        ("https://acme.sharepoint.com/sites/crm", "microsoft_365"),
        ("https://outlook.office.com/mail", "microsoft_365"),
        ("https://login.microsoftonline.com/common", "microsoft_365"),
        ("https://globaldisco.crm.dynamics.com/api/discovery/v2.0/Instances", "discovery"),
        ("https://disco.crm4.dynamics.com/", "discovery"),
        ("https://acme.crm.microsoftdynamics.de/main.aspx", "closed_cloud"),
        ("https://crm.firma.cz/main.aspx", "on_premises"),
        ("http://server/OrgName/main.aspx", "on_premises"),
        ("http://192.168.1.10:5555/Acme/main.aspx", "on_premises"),
        ("http://169.254.169.254/latest/meta-data/", "on_premises"),
        ("https://[fd00::1]/", "on_premises"),
        ("https://acme.crm4.dynamics.com@evil.example/", "on_premises"),
        ("https://alice@acme.crm4.dynamics.com/", "userinfo"),
        ("https://alice:secret@acme.crm4.dynamics.com/", "userinfo"),
        ("https://acme.crm4.dynamics.com:444/", "port"),
        ("acme.crm4.dynamics.com:443", "port"),
        ("https://acme.dynamics.com/", "typo"),
        ("https://acme.crm4.dynamics.con/main.aspx", "typo"),
        ("https://acme.crm4.dynamic.com/", "typo"),
        ("https://acme.cmr4.dynamics.com/", "typo"),
        ("https://acme.crm4.dynamics.cz/", "typo"),
        ("https://acme.crm4.dynamics.com.evil.example/", "on_premises"),
        ("https://acme.crm4.dуnamics.com/", "typo"),
        ("https://acme.crm123.dynamics.com/", "typo"),
        ("https://a.acme.crm4.dynamics.com/", "typo"),
        ("https://-acme.crm4.dynamics.com/", "typo"),
        ("https://evil.example/?u=https://acme.crm4.dynamics.com", "on_premises"),
        ("https://evil.example/acme.crm4.dynamics.com", "on_premises"),
        ("https://evil.example#.crm4.dynamics.com", "on_premises"),
        ("http://127.0.0.1:8010", "loopback_refused"),
        ("http://localhost:8010", "loopback_refused"),
        ("https://[::1]/", "loopback_refused"),
    ],
)
def test_what_is_no_instance_is_called_by_its_name(pasted: str, kind: str) -> None:
    verdict = judge(pasted)
    assert (verdict.ok, verdict.kind) == (False, kind)
    assert (verdict.origin, verdict.api_origin, verdict.app_id, verdict.authority) == ("", "", "", "")
    assert re.fullmatch(r"[A-Z].+[.…?]", str(verdict.reason))


def test_a_small_slip_is_answered_with_what_was_meant() -> None:
    assert judge("https://acme.crm4.dynamics.con/main.aspx").reason == (
        "This is not an address of Dynamics 365, but it is close to one. Is it acme.crm4.dynamics.com? "
        "Paste the address again."
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_server_stands_in_for_microsoft_where_that_is_allowed(host: str) -> None:
    verdict = judge(f"http://{host}:8010/main.aspx?appid={APP}", allow_loopback=True)
    origin = f"http://{host}:8010"
    assert (verdict.ok, verdict.kind, verdict.app_id) == (True, "loopback", APP)
    assert (verdict.origin, verdict.api_origin) == (origin, origin)


@pytest.mark.parametrize(
    ("pasted", "kind"),
    [
        ("https://localhost:8010", "loopback_refused"),
        ("http://localhost", "loopback_refused"),
        ("http://localhost:0", "not_an_address"),
        ("http://localhost:65536", "not_an_address"),
        ("http://localhost:08010", "loopback_refused"),
        ("http://alice@localhost:8010", "loopback_refused"),
        ("http://localhost.:8010", "loopback_refused"),
        ("http://acme.localhost:8010", "loopback_refused"),
        ("http://[::1]:8010", "loopback_refused"),
        ("http://0.0.0.0:8010", "loopback_refused"),
        ("http://127.1:8010", "loopback_refused"),
        ("http://127.0.0.2:8010", "loopback_refused"),
        ("http://2130706433:8010", "on_premises"),
        ("http://127.0.0.1:8000", "port_refused"),
        ("http://localhost:5432/main.aspx", "port_refused"),
        ("http://192.168.1.10:8010", "on_premises"),
        ("http://127.0.0.1.evil.example:8010", "loopback_refused"),
    ],
)
def test_nothing_else_on_the_machine_or_its_network_is_reached(pasted: str, kind: str) -> None:
    verdict = judge(pasted, allow_loopback=True, refused_ports={8000, 5432})
    assert (verdict.ok, verdict.kind, verdict.origin) == (False, kind, "")


addresses = st.text(alphabet="acme.crm4dynamics:/@#?%[]\\-_ 0127localhost\u0441\u2024", max_size=60)


@given(
    text=st.one_of(st.text(max_size=60), addresses, addresses.map(lambda rest: f"https://acme.crm4{rest}.dynamics.com"))
)
@example("https://acme。crm4.dynamics.com")
@example("https://acme.crm4.dynamics.com\uff0f@evil.example")
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_text_breaks_the_judge_or_gets_a_strange_origin_past_it(text: str) -> None:
    verdict = judge(text)
    if verdict.ok:
        host = urlsplit(verdict.origin).hostname
        assert verdict.origin == f"https://{host}"
        assert re.fullmatch(r"[a-z0-9-]+\.crm\d{0,2}\.dynamics\.com", host or "")
    else:
        assert verdict.origin == ""
        assert str(verdict.reason)

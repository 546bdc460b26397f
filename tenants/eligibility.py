"""Judge the address that a customer pasted: is it an instance we can connect to, and if not, what is it? Pure.

The one check that every customer-typed address passes before anything is fetched from it: https, no port, no userinfo,
and a host of Dataverse online. Sources: Microsoft, "Datacenter regions" (host suffixes), "Open forms, views, dialogs
and reports with a URL" (appid), "Compose HTTP requests and handle errors" (the `.api.` form of the host).
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LONGEST_ADDRESS = 2_000
WORLD = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a pasted address is. Origins are without a trailing slash and empty unless `ok`.

    `kind` is "dataverse" or "loopback" when `ok`; otherwise the reason in one word, with `reason` as the sentence to
    show. `app_id` is a GUID in lower case, or empty when the address names none. `authority` is the sign-in service of
    the instance's cloud.
    """

    ok: bool
    kind: str
    reason: StrOrPromise = ""
    origin: str = ""
    api_origin: str = ""
    app_id: str = ""
    region: StrOrPromise = ""
    authority: str = ""


def judge(text: str, *, allow_loopback: bool = False, refused_ports: Container[int] = ()) -> Verdict:
    """Judge what somebody pasted; never raises.

    `allow_loopback` accepts exactly `http://127.0.0.1:PORT` and `http://localhost:PORT`, except `refused_ports` (our
    own and the database's).
    """
    text = text.strip()
    address = _address(text)
    if address is None:
        return _refused(_no_address(text))
    host = _host(address)
    if _is_loopback(host):
        return _loopback(address, allowed=allow_loopback, refused_ports=refused_ports)
    if other := _other_product(host):
        return _refused(other)
    return _instance(address, host)


# Reading what was pasted

_GUID = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)
_WITH_SCHEME = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_BARE_HOST = re.compile(r"[^\s<>\"'@:/?#]+\.[^\s<>\"'@:/?#]+(?:[:/?#][^\s<>\"']*)?")


def _address(text: str) -> SplitResult | None:
    """The first web address in the text, or a text that is a bare host; None if there is none that can be read."""
    if len(text) > LONGEST_ADDRESS or not text.isprintable() or "\\" in text:
        return None
    found = _WITH_SCHEME.search(text)
    if not found and ("://" in text or not _BARE_HOST.fullmatch(text)):
        return None
    try:
        address = urlsplit(found[0].rstrip(").,;") if found else f"https://{text}")
        return address if address.hostname and address.port != 0 else None
    except ValueError:  # brackets that are no IPv6 address, a port that is no number
        return None


def _no_address(text: str) -> str:
    if not text:
        return "empty"
    return "app_id_only" if _GUID.fullmatch(text) else "not_an_address"


def _host(address: SplitResult) -> str:
    return (address.hostname or "").rstrip(".")


def _app_id(address: SplitResult) -> str:
    """`appid`, in any case, with or without braces, in the query or behind a `#`."""
    for name, value in parse_qsl(address.query) + parse_qsl(address.fragment.rpartition("?")[2]):
        if name.lower() == "appid" and (guid := _GUID.fullmatch(value.strip())):
            return guid[1].lower()
    return ""


# Instances online

_INSTANCE = re.compile(r"(?P<org>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.api)?\.(?P<cloud>.+)")
_WORLD_CLOUD = re.compile(r"crm(\d{0,2})\.dynamics\.com")
_DISCOVERY = frozenset({"globaldisco", "disco"})

_SOVEREIGN: dict[str, tuple[StrOrPromise, str]] = {
    "crm.microsoftdynamics.us": (_("US government (GCC High)"), "https://login.microsoftonline.us"),
    "crm.appsplatform.us": (_("US Department of Defense"), "https://login.microsoftonline.us"),
    "crm.dynamics.cn": (_("China"), "https://login.partner.microsoftonline.cn"),
}
_CLOSED_CLOUD = "crm.microsoftdynamics.de"

_REGIONS: dict[str, StrOrPromise] = {
    "": _("North America"),
    "2": _("South America"),
    "3": _("Canada"),
    "4": _("Europe"),
    "5": _("Asia and Pacific"),
    "6": _("Oceania"),
    "7": _("Japan"),
    "8": _("India"),
    "9": _("US government (GCC)"),
    "10": _("Microsoft's test region"),
    "11": _("United Kingdom"),
    "12": _("France"),
    "14": _("South Africa"),
    "15": _("United Arab Emirates"),
    "16": _("Germany"),
    "17": _("Switzerland"),
    "19": _("Norway"),
    "20": _("Singapore"),
    "21": _("Korea"),
    "22": _("Sweden"),
}
_NEW_REGION = _("a new region")  # Microsoft adds numbers; an unknown one is no reason to refuse


def _instance(address: SplitResult, host: str) -> Verdict:
    parts = _INSTANCE.fullmatch(host)
    cloud = parts["cloud"] if parts else ""
    region, authority = _cloud(cloud)
    if cloud == _CLOSED_CLOUD:
        return _refused("closed_cloud")
    if parts is None or not authority:
        return _mistyped(host)
    if parts["org"] in _DISCOVERY:
        return _refused("discovery")
    if address.username is not None or address.password is not None:
        return _refused("userinfo")
    if address.port is not None:
        return _refused("port")
    origin, api_origin = f"https://{parts['org']}.{cloud}", f"https://{parts['org']}.api.{cloud}"
    return Verdict(True, "dataverse", "", origin, api_origin, _app_id(address), region, authority)


def _cloud(cloud: str) -> tuple[StrOrPromise, str]:
    """Region and sign-in service of a host's end; both empty when it is none of Dataverse's."""
    if world := _WORLD_CLOUD.fullmatch(cloud):
        return _REGIONS.get(world[1], _NEW_REGION), WORLD
    return _SOVEREIGN.get(cloud, ("", ""))


def _mistyped(host: str) -> Verdict:
    """A host that is nearly one of Dataverse's, else somebody's own server."""
    org, _dot, rest = host.removeprefix("www.").partition(".")
    number = re.search(r"\d{1,2}", rest)
    meant = f"crm{number[0] if number else ''}.dynamics.com"
    if SequenceMatcher(None, rest.removeprefix("api."), meant).ratio() < 0.75:
        return _refused("on_premises")
    if not number or not _INSTANCE.fullmatch(f"{org}.{meant}"):
        return _refused("typo")
    return Verdict(False, "typo", format_lazy(_MEANT, host=f"{org}.{meant}"))


# Loopback: other servers that stand in for Microsoft, in demo and tests

_LOOPBACK_ORIGIN = re.compile(r"http://(?:127\.0\.0\.1|localhost):[1-9]\d{0,4}")


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1", "0.0.0.0"} or host.startswith("127.") or host.endswith(".localhost")  # noqa: S104


def _loopback(address: SplitResult, *, allowed: bool, refused_ports: Container[int]) -> Verdict:
    origin = f"{address.scheme}://{address.netloc}".lower()
    if not allowed or not _LOOPBACK_ORIGIN.fullmatch(origin):
        return _refused("loopback_refused")
    if address.port in refused_ports:
        return _refused("port_refused")
    return Verdict(True, "loopback", "", origin, origin, _app_id(address), _("This machine"), WORLD)


# What it is instead

_OTHER_PRODUCTS = {
    "businesscentral.dynamics.com": "business_central",
    "operations.dynamics.com": "finance_operations",
    "axcloud.dynamics.com": "finance_operations",
    "cloudax.dynamics.com": "finance_operations",
    "powerapps.com": "maker_portal",
    "home.dynamics.com": "maker_portal",
    "admin.powerplatform.microsoft.com": "maker_portal",
    "make.powerautomate.com": "maker_portal",
    "copilotstudio.microsoft.com": "maker_portal",
    "powerappsportals.com": "customer_portal",
    "microsoftcrmportals.com": "customer_portal",
    "dynamics365portals.us": "customer_portal",
}
_OTHER_PRODUCTS |= dict.fromkeys(("azure.com", "cloud.microsoft", "live.com", "microsoft.com"), "microsoft_365")
_OTHER_PRODUCTS |= dict.fromkeys(("microsoft365.com", "microsoftonline.com", "office.com"), "microsoft_365")
_OTHER_PRODUCTS |= dict.fromkeys(("office365.com", "outlook.com", "sharepoint.com"), "microsoft_365")
_OPERATIONS_ABROAD = re.compile(r".+\.operations\.[a-z]+\.dynamics\.com")


def _other_product(host: str) -> str:
    if _OPERATIONS_ABROAD.fullmatch(host):
        return "finance_operations"
    return next((kind for end, kind in _OTHER_PRODUCTS.items() if host == end or host.endswith("." + end)), "")


_PASTE = _(
    "Open your CRM in the browser and paste the whole address; it ends with dynamics.com before the first slash."
)
_MEANT = _("This is not an address of Dynamics 365, but it is close to one. Is it {host}? Paste the address again.")

_REASONS: dict[str, StrOrPromise] = {
    "empty": _("Paste the whole address from your browser. We take the app ID from it."),
    "not_an_address": format_lazy("{} {}", _("This is not a web address."), _PASTE),
    "app_id_only": format_lazy("{} {}", _("This is an app ID; we need the address as well."), _PASTE),
    "typo": format_lazy("{} {}", _("This is not an address of Dynamics 365, but it is close to one."), _PASTE),
    "business_central": _(
        "This is Business Central, which cannot be connected directly. Synchronise its contacts to Dynamics 365 Sales or "
        "Power Apps first and paste the address of that; it looks like https://company.crm4.dynamics.com."
    ),
    "finance_operations": _(
        "This is Finance and Operations. We connect to Dynamics 365 Sales, Customer Service and other apps on "
        "Dataverse, whose address looks like https://company.crm4.dynamics.com."
    ),
    "maker_portal": _(
        "This is Microsoft's page for choosing or administering apps. Open your app from it and paste the address you "
        "see then; it looks like https://company.crm4.dynamics.com/main.aspx?appid=…"
    ),
    "customer_portal": _(
        "This is a public portal made with Power Pages. Paste the address of the app your people use."
    ),
    "microsoft_365": format_lazy("{} {}", _("This is another Microsoft service, not your CRM."), _PASTE),
    "discovery": format_lazy("{} {}", _("This is Microsoft's list of instances, not your own one."), _PASTE),
    "on_premises": _(
        "This looks like a CRM on your own server. We connect only to Dynamics 365 online, whose address looks like "
        "https://company.crm4.dynamics.com."
    ),
    "closed_cloud": _(
        "Microsoft closed its German cloud. If your data was moved, paste the new address; it looks like "
        "https://company.crm16.dynamics.com."
    ),
    "userinfo": _("The address contains a user name. Remove everything before the @ and paste the rest."),
    "port": _(
        "The address contains a port number, which Dynamics 365 online never has. Paste it as the browser shows it."
    ),
    "loopback_refused": _("This address leads to the machine itself, not to Dynamics 365 online."),
    "port_refused": _("This port belongs to the portal or its database, so no CRM can answer there."),
}


def _refused(kind: str) -> Verdict:
    return Verdict(False, kind, _REASONS[kind])

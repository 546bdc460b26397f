"""Every page, with who looks at it and what they do there before the picture is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import Page

Values = Mapping[str, str]
Act = Callable[[Page, Values], None]
WIDE, PHONE, DARK = "1440", "360", "1440-dark"


@dataclass(frozen=True)
class Scene:
    """`kept` are the pictures of docs/screenshots; all of them are looked at in every width."""

    name: str
    about: str
    path: str
    who: str = "alice"
    act: Act | None = None
    kept: tuple[str, ...] = (WIDE,)
    dark: bool = False
    status: int = 200
    ours: bool = True
    """Not an e-mail, which is no page: WCAG is asked of pages."""


def types(place: str, text: str) -> Act:
    def act(page: Page, values: Values) -> None:
        page.locator(place).fill(text.format(**values))
        page.wait_for_timeout(1500)

    return act


def in_turn(*acts: Act) -> Act:
    def act(page: Page, values: Values) -> None:
        for each in acts:
            each(page, values)

    return act


def presses(place: str) -> Act:
    def act(page: Page, values: Values) -> None:
        page.locator(place).first.click()
        page.wait_for_load_state()
        page.wait_for_timeout(400)

    return act


def appears(place: str) -> Act:
    def act(page: Page, values: Values) -> None:
        page.locator(place).wait_for()

    return act


LIST = """jméno;e-mail;login;linka
Tomáš Beneš;tomas@acme.example;tomas.benes;163
Jitka Marková;jitka@acme.example;jitka.markova;1451
Karel Doležal;karel.acme.example;karel.dolezal;1452
Hana Fialová;hana@acme.example;tomas;1453
"""
SCHEME = """tabulka s daty entity = nnn_myLead
id = nnn_myLeadId
phoneNumber = nnn_myPhone1
firstname = nnn_contactName
lastname = nnn_organisationName

položka1 popisek = Počet objednávek
položka1 entita = Account
položka1 identifikátor = nnn_myOrdersCount
"""
ACME = "/admin/tenants/tenant/{acme}"
STEPS = {
    "eligibility": "Co je potřeba",
    "instance": "Instance a aplikace",
    "consent": "Souhlas",
    "fields": "Další údaje",
    "from_to": "Pole From a To",
    "leads": "Leady",
    "own_table": "Vlastní tabulka",
    "people": "Lidé",
    "system_account": "Systémový účet",
    "live": "Spuštění",
}
OFFICE = (
    Scene("cockpit", "Přehled všech zákazníků", "/admin/", "ivana", kept=(WIDE, DARK), dark=True),
    Scene(
        "register-understood",
        "Nový zákazník, adrese rozumíme",
        "/admin/tenants/tenant/add/",
        "ivana",
        in_turn(
            types("#id_name", "Stavby Haná s.r.o."),
            types("#id_email", "spravce@stavbyhana.example"),
            types("#id_url", "{app}"),
        ),
    ),
    Scene(
        "register-refused",
        "Nový zákazník, Business Central",
        "/admin/tenants/tenant/add/",
        "ivana",
        in_turn(
            types("#id_name", "Stavby Haná s.r.o."),
            types("#id_url", "https://businesscentral.dynamics.com/stavbyhana"),
        ),
        dark=True,
    ),
    Scene("customer-checks", "Zákazník: ověření", f"{ACME}/change/", "ivana", dark=True),
    Scene("customer-setup", "Zákazník: nastavení", f"{ACME}/setup/", "ivana"),
    Scene("customer-agents", "Zákazník: agenti", f"{ACME}/agents/", "ivana"),
    Scene("customer-calls", "Zákazník: hovory a poznámky", f"{ACME}/calls/", "ivana"),
    Scene("customer-mail", "Zákazník: e-maily", f"{ACME}/mail/", "ivana"),
    Scene("customer-changes", "Zákazník: změny", f"{ACME}/changes/", "ivana"),
    Scene(
        "customer-response",
        "Zákazník: odezva",
        f"{ACME}/trace/",
        "ivana",
        kept=(WIDE,),
        dark=True,
        act=presses(".trace-way summary"),
    ),
    Scene("customer-settings", "Zákazník: všechny údaje", f"{ACME}/settings/", "ivana"),
    Scene("agents", "Agenti", "/admin/tenants/agent/?tenant__id__exact={acme}", "ivana", dark=True),
    Scene(
        "agents-import",
        "Import agentů s chybami",
        "/admin/tenants/agent/import/{code}/",
        "ivana",
        in_turn(types("#people-text", LIST), presses("#content form button.primary, main form button.primary")),
        status=422,
    ),
    Scene("email-activation", "Aktivační e-mail", "/admin/tenants/outgoingmail/{mail}/preview/", "ivana", ours=False),
)
DOOR = (
    Scene("sign-in", "Přihlášení", "/accounts/login/", "", kept=(WIDE, PHONE), dark=True),
    Scene(
        "sign-in-code",
        "Kód z e-mailu",
        "/accounts/login/",
        "",
        in_turn(types("input[name=email]", "alice@acme.example"), presses("form.form button.primary")),
    ),
    Scene(
        "second-factor",
        "Druhý faktor",
        "/accounts/login/",
        "",
        in_turn(
            presses("details.account-password summary"),
            types("input[name=login]", "ivana@ipex.example"),
            types("input[name=password]", "{password}"),
            presses("details.account-password button"),
        ),
    ),
    Scene("second-factor-set-up", "Zapnutí druhého faktoru", "/accounts/second-factor/set-up/"),
    Scene("invitation", "Pozvánka", "{invitation}", ""),
    Scene("activation", "Aktivace okna", "{activation}", "", dark=True),
    Scene("account", "Můj účet", "/portal/account/", dark=True),
)
PORTAL = (
    Scene("checklist", "Postup napojení", "/portal/{code}/", kept=(WIDE, PHONE), dark=True),
    *(
        Scene(
            f"checklist-{key}",
            f"Krok: {about}",
            f"/portal/{{code}}/?step={key}",
            kept=(WIDE,) if key in {"instance"} else (),
        )
        for key, about in STEPS.items()
    ),
    Scene("card", "Karta volajícího", "/portal/{code}/card/", kept=(WIDE, PHONE), dark=True),
    Scene("searched", "Prohledávané sloupce", "/portal/{code}/card/searched/"),
    Scene("own-tables", "Vlastní tabulky", "/portal/{code}/own-tables/"),
    Scene(
        "own-table-text",
        "Vlastní tabulka z textu, s překlepem",
        "/portal/{code}/own-tables/text/",
        act=types("#scheme", SCHEME),
        dark=True,
    ),
    Scene("own-table-choose", "Výběr tabulky", "/portal/{code}/own-tables/choose/"),
    Scene("own-table-columns", "Sloupce vlastní tabulky", "/portal/{code}/own-tables/columns/?table=nnn_mylead"),
    Scene("leads", "Leady", "/portal/{code}/leads/"),
    Scene("people", "Uživatelé", "/portal/{code}/people/", kept=(WIDE, PHONE), dark=True),
    Scene("person", "Jeden uživatel", "/portal/{code}/people/{agent}/", kept=()),
    Scene(
        "people-import",
        "Import uživatelů s chybami",
        "/portal/{code}/people/import/",
        act=in_turn(types("#people-text", LIST), presses("main form button.primary")),
        status=422,
    ),
    Scene("checks", "Ověření", "/portal/{code}/checks/", dark=True),
    Scene("operation", "Provoz", "/portal/{code}/operation/"),
    Scene(
        "personal-data",
        "Osobní údaje o čísle",
        "/portal/{code}/personal-data/",
        act=in_turn(types("#id_q", "777 123 456"), presses(".personal-find button")),
        kept=(),
        dark=True,
    ),
    Scene("guide", "Návod", "/portal/{code}/guide/", kept=()),
    Scene("ivr", "Systémový účet pro IVR", "/portal/{code}/ivr/"),
    Scene("ivr-functions", "IVR funkce", "/portal/{code}/ivr/functions/"),
    Scene(
        "ivr-function",
        "IVR funkce, která ověřuje, vyzkoušená",
        "/portal/{code}/ivr/functions/",
        act=in_turn(
            presses("th a:has-text('Ověřeno PINem')"),
            types("#try-number", "777 123 456"),
            types("#try-value", "4711"),
            presses("#try-run"),
            appears(".ivr-answer"),
        ),
        kept=(WIDE, PHONE, DARK),
        dark=True,
    ),
    Scene(
        "ivr-function-writes",
        "IVR funkce, která zapisuje",
        "/portal/{code}/ivr/functions/",
        act=presses("th a:has-text('Reklamace')"),
    ),
    Scene("ivr-function-new", "Nová IVR funkce", "/portal/{code}/ivr/functions/new/?kind=identify", kept=()),
    Scene("status", "Jak to běží", "/portal/{code}/status/", kept=(WIDE,), dark=True),
    Scene("keys", "Klíče API", "/portal/{code}/keys/", kept=()),
    Scene("numbers", "Index čísel", "/portal/{code}/numbers/"),
    Scene("colleagues", "Kolegové", "/portal/{code}/colleagues/"),
)
CHANGING = (
    Scene(
        "customer-told",
        "Zákazník: zpráva po pozvání",
        f"{ACME}/change/",
        "ivana",
        in_turn(types("form.invite input[type=email]", "novy.spravce@acme.example"), presses("form.invite button")),
        kept=(),
    ),
)
SCENES = OFFICE + DOOR + PORTAL + CHANGING

# ruff: noqa: E402, E501
"""Draw every state of the window into files and, with a browser at hand, into pictures.

For the eye, beside the design: `python tests/window/preview.py OUT [--shoot]`. Not a test.
"""

import os
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.template.loader import render_to_string
from django.utils import timezone, translation

from crmwindow import card, follow_ups

INSTANCE = UUID(int=1)
CALL = str(UUID(int=2))
NOW = timezone.now()


def ago(**spans: float) -> datetime:
    return NOW - timedelta(**spans)


OUTCOMES = tuple(card.Outcome(code=code, label=code) for code in ("Vyřešeno", "Volat zpět", "Nabídka", "Reklamace"))
MOBILE = card.Caller(
    kind="number", display="+420 777 123 456", e164="+420777123456", about="Mobil, Česko · volá poprvé dnes"
)
RINGING = card.Call(code=CALL, state="ringing", caller=MOBILE, queue="Servis", line="444", since=ago(seconds=7))
BASE = card.State(agent_name="Jana Nováková", agent_line="444", agent_account="jana@acme.example", outcomes=OUTCOMES)
FIELDS = tuple(
    card.Field(label=label, value=value)
    for label, value in (
        ("Počet objednávek", "14"),
        ("Poslední objednávka", "3. 11. 2026"),
        ("Obrat za 12 měsíců", "486 200 Kč"),
        ("Servisní smlouva", "Premium do 3/2027"),
        ("Obchodník", "Jana Nováková"),
        ("Splatnost faktur", "14 dní"),
    )
)
JANA = card.Match(
    table="contact",
    id=str(UUID(int=3)),
    name="Jana Horáková",
    company="Stavby Morava s.r.o.",
    table_label="Kontakt",
    reason="Jediná shoda: mobil kontaktu. Kontakt je váš.",
    owned=True,
    link="https://example.invalid/",
    details=card.Details(fields=FIELDS),
)
ONE = card.Matches(found=(JANA,), chosen=JANA)
HISTORY = card.History(
    calls=(
        card.PastCall(at=ago(days=10), text="Termín výměny čerpadla potvrzen na prosinec"),
        card.PastCall(at=ago(days=19), text="Objednávka OB-2291, doprava v ceně", direction="outgoing"),
        card.PastCall(at=ago(days=32), text="Zmeškaný, voláno zpět za 6 min", missed=True),
        card.PastCall(at=ago(days=51), text="Faktura FV-8770, posun splatnosti"),
    ),
    more="https://example.invalid/",
)
PLANNED = card.Activities(
    planned=(
        card.Activity(kind="task", subject="Poslat nabídku na smlouvu", due_at=ago(days=2), overdue=True, link="https://example.invalid/"),
        card.Activity(kind="appointment", subject="Prohlídka čerpadla", due_at=ago(days=-1), link="https://example.invalid/"),
        card.Activity(kind="task", subject="Zjistit zájem o druhé čerpadlo", owner="Klára Šimková", link="https://example.invalid/"),
    ),
    more="https://example.invalid/",
)  # fmt: skip
TIMES = tuple(
    card.Time(kind=time.kind, at=time.at, value=time.value)  # type: ignore[arg-type]
    for time in follow_ups.proposed(timezone.localtime().replace(hour=14, minute=36))
)
PLAN = card.Plan(
    form="1", subject="Poslat nabídku na prodloužení smlouvy", when=TIMES[1].value, times=TIMES, about="Jana Horáková", limits={"subject": 200}
)  # fmt: skip
TASK = card.FollowUp(code=str(UUID(int=9)), due_at=ago(days=-1), status="written", link="https://example.invalid/")
REFUSED_TASK = replace(TASK, status="refused", link="", troubled=True, reason="CRM úkol odmítlo. Proč, zjistí správce.")
BEGUN_TASK = card.FollowUp(code=str(UUID(int=10)), status="begun", subject="Poslat ceník čerpadel a zavolat zpět")
ASIDE = card.Aside(page="1", text="Chce i servisní smlouvu.\nVolat v pátek ráno.", at=ago(minutes=1))
MISTAKES = {"subject": "Napište, co je potřeba udělat.", "when": "Tento čas už minul. Zvolte pozdější."}
MANY = card.Matches(
    found=(
        card.Match(
            table="contact",
            id="1",
            name="Petr Dvořák",
            company="Elektro Vysočina a.s.",
            table_label="Kontakt",
            reason="Tento záznam jste u čísla vybrali minule. Poslední hovor 16. 11.",
        ),
        card.Match(
            table="contact",
            id="2",
            name="Alena Kučerová",
            company="Elektro Vysočina a.s.",
            table_label="Kontakt",
            reason="Telefon do práce. Kontakt je váš, poslední hovor 2. 10.",
        ),
        card.Match(
            table="nnn_mylead",
            id="3",
            name="Porucha rozvaděče R4",
            company="Servisní požadavek SP-1187",
            table_label="Servis",
            shape="record",
            reason="Telefon na místo. Otevřený od 13. 11., řeší Tomáš Beneš.",
        ),
        card.Match(
            table="contact",
            id="4",
            name="Martin Kříž",
            company="Elektro Vysočina a.s.",
            table_label="Kontakt",
            reason="Neaktivní od 1. 3. 2026, proto až poslední.",
            active=False,
        ),
    )
)
OPTIONS = (
    card.CreateOption(table="contact", label="Nový kontakt", icon="person", key="K", code="a"),
    card.CreateOption(table="lead", label="Nový lead", icon="bolt", key="L", code="b"),
    card.CreateOption(table="nnn_mylead", label="Nový servisní požadavek", icon="table", key="S", code="c"),
)
REFUSED = (
    OPTIONS[0],
    replace(OPTIONS[1], refused="CRM u leadu vyžaduje pole Zdroj. Doplní ho správce.", key=""),
    replace(OPTIONS[2], refused="V CRM k tomu nemáte právo.", key=""),
)
NOTE = card.Note(
    text="Ptá se na termín výměny čerpadla, díl má dorazit 2. 12. Poslat nabídku na prodloužení smlouvy.",
    outcome="Nabídka",
    status="draft",
    at=NOW,
)
DOWN = card.Problem(
    title="Microsoft teď neodpovídá",
    text="Jméno zatím neznáme, hledáme dál. Poznámku pište, zapíše se později sama.",
    act="retry",
    code="503",
)
ANSWERED = replace(RINGING, state="answered", since=ago(seconds=161))
ENDED = replace(RINGING, state="ended", since=None, seconds=252)
UNKNOWN_CALL = replace(
    ANSWERED,
    queue="Obchod",
    since=ago(seconds=32),
    caller=card.Caller(
        kind="number", display="+420 604 218 330", e164="+420604218330", about="mobil, Česko · dnes volá podruhé"
    ),
)
MANY_CALL = replace(
    RINGING, queue="Obchod", caller=card.Caller(kind="number", display="+420 224 551 111", e164="+420224551111")
)
SECOND = replace(MANY_CALL, code=str(UUID(int=9)), since=ago(seconds=3))
IDLE = card.Idle(
    unfinished=(
        card.Row(code=CALL, at=ago(hours=3), who="Alena Kučerová", kind="unnoted", status="bez poznámky"),
        card.Row(
            code=CALL, at=ago(hours=1), who="Hotel Belveder", kind="waiting", status="čeká na Microsoft", waiting=True
        ),
        card.Row(
            code=CALL, at=ago(hours=2), who="+420 604 218 330", kind="missed", status="nikdo nezvedl", missed=True
        ),
    ),
    latest=(
        card.Row(code=CALL, at=ago(minutes=30), who="Petr Dvořák", text="Domluvena revize rozvaděče na 27. 11."),
        card.Row(code=CALL, at=ago(hours=4), who="Autoservis Kolář", direction="outgoing"),
    ),
    today=24,
    earlier=2,
)


def row(number: int, who: str, kind: card.RowKind, text: str, label: str = "", **more: Any) -> card.Row:
    return card.Row(
        code=str(UUID(int=20 + number)), at=ago(minutes=40 * number), who=who, kind=kind, text=text, label=label, **more
    )


DAY = card.Day(
    now=str(UUID(int=20)),
    rows=(
        row(0, "Jana Horáková", "live", "Stavby Morava s.r.o. · probíhá", "koncept", since=ago(seconds=161)),
        row(1, "Petr Dvořák", "written", "Domluvena revize rozvaděče na 27. 11., přijede Tomáš", "zapsáno", seconds=250),
        row(2, "Hotel Belveder", "waiting", "Nabídka odeslána, ozvou se v pondělí", "čeká na Microsoft", direction="outgoing", seconds=92),
        row(3, "+420 604 218 330", "missed", "Neznámé číslo · nikdo nezvedl", missed=True, e164="+420604218330"),
        row(4, "Alena Kučerová", "unnoted", "Bez poznámky", "doplnit", seconds=48),
        row(5, "Lucie Marková", "elsewhere", "Zvednuto jinde: Tomáš Beneš", "jinde"),
        row(6, "Hornbach Baumarkt CS spol. s r.o., centrální nákup", "refused", "Reklamace", "nezapsáno", seconds=3662),
        row(7, "Skryté číslo", "draft", "Dotaz na otevírací dobu", "koncept", seconds=51),
        row(8, "+420 602 111 222", "done", "Nikdo nezvedl, hovor proběhl v 10:12", missed=True),
    ),
    waiting=(
        card.Unwritten(code=str(UUID(int=22)), at=ago(hours=1), who="Hotel Belveder", text="Nabídka odeslána, ozvou se v pondělí", why="Microsoft neodpovídá. Poznámka je uložená a odejde sama."),
        card.Unwritten(code=str(UUID(int=26)), at=ago(days=3), who="+420 224 551 111", text="Reklamace kotle, chtějí technika ještě tento týden, jinak odstoupí od smlouvy o údržbě.", why="Vaší roli v CRM k tomu chybí právo (prvCreateActivity). Přidá ho správce CRM.", refused=True),
        card.Unwritten(code=str(UUID(int=27)), at=ago(days=3), who="Petr Dvořák", text="Dlouhý zápis", why="Poznámka je o 12 znaků delší, než CRM dovoluje. Zůstává uložená tady.", refused=True, can_be_sent=False),
    ),
)  # fmt: skip
EARLY = card.Problem(
    title="Microsoft žádá o strpení", text="Poznámky odejdou samy v 14:05:12. Dřívější pokus by čekání jen prodloužil."
)
MODES = (("ring", "Když zazvoní", False), ("answer", "Když zvednu", True), ("hand", "Jen když ho otevřu", False))

NAMES = (
    replace(JANA, reason="Kontakt je váš."),
    replace(JANA, name="Hornbach Baumarkt CS spol. s r.o., centrální nákup a zákaznický servis", company="", shape="company", table_label="Obchodní vztah", reason="Vlastník: Klára Šimková."),
    replace(JANA, name="Petr Horník", reason="Neaktivní od 1. 3. 2026, proto až poslední.", active=False),
)  # fmt: skip
REMEMBERED_ONE = replace(
    JANA, remembered=True, flags=("Nevolat", "Pozastavený úvěr"), reason="Tento záznam jste u čísla vybrali minule."
)
REMEMBERED = card.Matches(found=(REMEMBERED_ONE, *NAMES[1:]), chosen=REMEMBERED_ONE)
PLACES = {
    "places": [
        {"name": "mobilephone", "label": "Mobilní telefon", "value": ""},
        {"name": "telephone1", "label": "Telefon do zaměstnání", "value": "+420 585 123 400 linka 12"},
        {"name": "telephone2", "label": "Telefon domů", "value": ""},
    ],
    "preferred": "mobilephone",
}
NOT_ADDED = card.Problem(title="Číslo není přidané", text="CRM změnu odmítlo. Proč, zjistí správce.", tone="bad")


def shell(state: card.State, **slots: object) -> str:
    """The whole page with its slots already filled, as they are once Microsoft has answered."""
    context = {"instance": INSTANCE, "state": state, "origins": "", "live": False}
    page = render_to_string("crmwindow/window.html", context)
    if "matches" in slots:
        slots = {"instance": INSTANCE, "call": state.call, **slots}
        page = merge(page, render_to_string("crmwindow/slots.html", slots))
        if "history" in slots:
            page = merge(page, render_to_string("crmwindow/slots.html#history", slots))
    if "activities" in slots:
        page = merge(page, render_to_string("crmwindow/slots.html#activities", slots))
    if "plan" in slots:
        page = merge(page, render_to_string("crmwindow/follow_up.html#form", slots))
    if "panel" in slots:
        panel = {"instance": INSTANCE, "call": state.call, **slots}
        page = merge(page, render_to_string(f"crmwindow/finding.html#{slots['panel']}", panel))
    if "day" in slots:
        page = merge(page, render_to_string("crmwindow/day.html", {"instance": INSTANCE, **slots}))
    if "modes" in slots:
        sheet = render_to_string("crmwindow/settings.html", {"instance": INSTANCE, **slots})
        page = merge(page, f'<div id="sheet" class="sheet" role="dialog" aria-labelledby="sheet-title">{sheet}</div>')
    if "sign_in" in slots:
        page = merge(page, render_to_string("crmwindow/sign_in.html", {"instance": INSTANCE, **slots}))
    return page


def merge(page: str, fragment: str) -> str:
    """Leave the fragment for the browser to put in place of what has the same id."""
    return page.replace("</body>", f'<template class="slot">{fragment}</template></body>')


MENU = card.Call(
    code=CALL,
    state="ringing",
    caller=replace(MOBILE, about=""),
    queue="Reklamace",
    line="444",
    since=ago(seconds=5),
    path=(
        card.Stop(title="Servis"),
        card.Stop(title="Ověření PINem", text="souhlasí na 2. pokus", tone="ok"),
        card.Stop(title="Reklamace", answers=(("Číslo zakázky", "OB-2291"),)),
    ),
    verified=card.Verified(text="Ověřeno PINem", how="Hlasové menu porovnalo s CRM, co volající zadal: Ověření PINem."),
)
VERIFIED = replace(BASE, call=MENU)


def states() -> dict[str, str]:
    call = replace(BASE, call=RINGING)
    answered = replace(BASE, call=ANSWERED, note=NOTE)
    unknown = replace(
        BASE, call=UNKNOWN_CALL, note=card.Note(text="Chce vědět cenu servisu kotle.", status="draft", at=NOW)
    )
    unsigned = replace(BASE, signed_in=False, known=False)
    partial = replace(JANA, reason="Shoda: mobil kontaktu.", details=None)
    sign_in = card.SignIn(code=str(UUID(int=5)), address="/x", expects="jana@acme.example", seconds=600)
    other = card.Problem(
        title="Toto je jiný účet",
        text="Přihlášen je tomas@acme.example, okno patří účtu jana@acme.example. Přihlaste se jím.",
        tone="bad",
    )
    with_labels = {"labels": [field.label for field in FIELDS[:4]]}
    return {
        "ringing": shell(call, matches=ONE, history=HISTORY),
        "verified": shell(VERIFIED, matches=ONE, history=HISTORY),
        "verified-many": shell(replace(VERIFIED, call=replace(VERIFIED.call, caller=MANY_CALL.caller)), matches=MANY),
        "verified-unknown": shell(replace(VERIFIED, call=replace(VERIFIED.call, caller=UNKNOWN_CALL.caller)), matches=card.Matches(), options=OPTIONS, with_company=True),
        "searching": shell(call),
        "partial": shell(call, matches=card.Matches(found=(partial,), chosen=partial, pending=("lead",)), **with_labels),
        "answered": shell(answered, matches=ONE, history=HISTORY),
        "ended": shell(replace(answered, call=ENDED, note=replace(NOTE, status="written", link="https://example.invalid/")), matches=ONE, history=HISTORY),
        "two-calls": shell(replace(answered, others=(SECOND,)), matches=ONE, history=HISTORY),
        "planned": shell(replace(answered, follow_ups=(TASK, REFUSED_TASK, BEGUN_TASK)), matches=ONE, history=HISTORY, activities=PLANNED),
        "task": shell(replace(answered, call=ENDED), matches=ONE, history=HISTORY, plan=PLAN),
        "task-refused": shell(answered, matches=ONE, history=HISTORY, plan=replace(PLAN, subject="", when="other", mistakes=MISTAKES)),
        "matches": shell(replace(BASE, call=MANY_CALL), matches=MANY),
        "matches-answered": shell(replace(BASE, call=replace(MANY_CALL, state="answered")), matches=MANY),
        "remembered": shell(answered, matches=REMEMBERED, history=HISTORY),
        "finding": shell(answered, panel="found", purpose="about", text="hor", asked=True, names=NAMES, more=True),
        "finding-nobody": shell(answered, panel="found", purpose="about", text="horx", asked=True, names=()),
        "adding": shell(unknown, panel="adding", match=NAMES[0], record=PLACES),
        "adding-refused": shell(unknown, panel="adding", match=NAMES[0], record=PLACES, problem=NOT_ADDED),
        "unknown": shell(unknown, matches=card.Matches(), options=OPTIONS, with_company=True),
        "create-refused": shell(unknown, matches=card.Matches(old=(replace(JANA, name="Lucie Marková", reason="Neaktivní od 2. 5. 2024."),)), options=REFUSED, with_company=True),
        "microsoft-down": shell(call, matches=card.Matches(problem=DOWN)),
        "note-waiting": shell(replace(BASE, call=ENDED, signed_in=False, sign_in_expired=True, known=False, note=replace(NOTE, status="queued", troubled=True)), sign_in=sign_in),
        "note-refused": shell(replace(answered, call=ENDED, note=replace(NOTE, status="refused", troubled=True, reason="CRM poznámku odmítlo. Proč, zjistí správce.")), matches=ONE),
        "note-conflict": shell(replace(answered, call=ENDED, note=replace(NOTE, status="refused", troubled=True, conflict=True, reason="Poznámku v CRM mezitím změnil někdo jiný. Vidíte obě verze.", theirs="Termín potvrzen na 2. 12.\nNabídku pošle Klára Šimková.")), matches=ONE),
        "note-other-window": shell(replace(answered, note=replace(NOTE, asides=(ASIDE,))), matches=ONE, history=HISTORY),
        "note-without-record": shell(replace(answered, call=ENDED, note=replace(NOTE, status="written", reason="Poznámka je u hovoru zapsaná bez záznamu, protože ten, který byl vybrán, nesmíte vidět nebo propojit. Obraťte se na správce CRM.", link="https://example.invalid/")), matches=ONE, history=HISTORY),
        "note-too-long": shell(replace(answered, note=replace(NOTE, troubled=True, surplus=12, reason="Poznámka je o 12 znaků delší, než CRM dovoluje. Zůstává uložená tady.")), matches=ONE, history=HISTORY),
        "note-in-crm-only": shell(replace(answered, call=ENDED, note=card.Note(status="written", at=NOW, editable=False, link="https://example.invalid/")), matches=ONE, history=HISTORY),
        "handover": shell(replace(answered, note=card.Note(), handover=card.Handover(author="Klára Šimková", text="Volá kvůli čerpadlu, chce termín.\nSlíbeno zavolat do pátku.")), matches=ONE, history=HISTORY),
        "elsewhere": shell(replace(BASE, idle=IDLE, others=(replace(SECOND, state="elsewhere", elsewhere="Bob Beneš"),))),
        "five-outcomes": shell(replace(call, outcomes=(*OUTCOMES, card.Outcome(code="Jiné oddělení", label="Jiné oddělení"))), matches=ONE, history=HISTORY),
        "withheld": shell(replace(BASE, call=replace(RINGING, caller=card.Caller(kind="withheld")))),
        "internal": shell(replace(BASE, call=replace(RINGING, caller=card.Caller(kind="internal", display="163")))),
        "idle": shell(replace(BASE, idle=IDLE)),
        "quiet": shell(replace(BASE, quiet="answer", idle=IDLE, others=(SECOND,))),
        "day": shell(answered, day=DAY),
        "day-second-call": shell(replace(answered, others=(SECOND,)), day=DAY),
        "day-unnoted-none": shell(replace(BASE, idle=IDLE), day=card.Day(filter="unnoted")),
        "day-waiting": shell(replace(BASE, idle=IDLE), day=replace(DAY, filter="waiting", now="")),
        "day-throttled": shell(replace(BASE, idle=IDLE), day=replace(DAY, filter="waiting", now="", not_before=NOW), problem=EARLY),
        "day-sign-in": shell(unsigned, day=replace(DAY, filter="waiting", now="", signed_in=False)),
        "settings": shell(replace(BASE, idle=IDLE), modes=MODES, saved=True),
        "sign-in": shell(unsigned, sign_in=sign_in),
        "sign-in-waiting": shell(unsigned, sign_in=replace(sign_in, step="waiting")),
        "sign-in-code": shell(unsigned, sign_in=replace(sign_in, step="code", seconds=108, problem=other)),
    }  # fmt: skip


def write(out: Path, language: str) -> list[str]:
    out.mkdir(parents=True, exist_ok=True)
    with translation.override(language):
        pages = states()
    for name, page in pages.items():
        (out / f"{name}.html").write_text(page.replace("/static/django_htmx/htmx-2.min.js", "/static/none.js"))
    return list(pages)


FILL = """() => document.querySelectorAll('template.slot').forEach(template =>
  [...template.content.children].forEach(part => document.getElementById(part.id)?.replaceWith(part)))"""


def answer(route: Any, out: Path) -> None:
    path = urlsplit(route.request.url).path
    file = ROOT / path.lstrip("/") if path.startswith("/static/") else out / path.lstrip("/")
    if file.is_file():
        route.fulfill(path=str(file))
    else:
        route.fulfill(status=404)


def shoot(out: Path, names: list[str], sizes: list[tuple[int, int]], themes: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for theme in themes:
            for width, height in sizes:
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=theme, device_scale_factor=2
                )
                page = context.new_page()
                page.route("http://preview.test/**", lambda route: answer(route, out))
                for name in names:
                    page.goto(f"http://preview.test/{name}.html")
                    page.evaluate(FILL)
                    page.wait_for_timeout(250)
                    page.screenshot(path=str(out / f"{name}-{width}-{theme}.png"))
                context.close()
        browser.close()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    drawn = write(target, os.environ.get("PREVIEW_LANGUAGE", "cs"))
    wanted = [
        name for name in drawn if not os.environ.get("PREVIEW_ONLY") or name in os.environ["PREVIEW_ONLY"].split(",")
    ]
    if "--shoot" in sys.argv:
        widths = [tuple(map(int, size.split("x"))) for size in os.environ.get("PREVIEW_SIZES", "360x640").split(",")]
        shoot(target, wanted, widths, os.environ.get("PREVIEW_THEMES", "light").split(","))

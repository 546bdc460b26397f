"""Acme's records: the prepared callers that demo and tests rely on, and as many invented ones as wanted."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from ipexportal.sandbox import directory
from ipexportal.sandbox.directory import ALICE, BOB, JANA, KLARA, LENA, User
from ipexportal.sandbox.people import FIRM_PLACES, JOBS, NBSP, People
from ipexportal.sandbox.store import Row, Store

NOW: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CURRENCY_ID: Final = "cc000000-0000-4000-8000-000000000203"
TEAM_ID: Final = "7ea00000-0000-4000-8000-000000000001"
SHARES: Final = {"account": 0.25, "contact": 0.55, "lead": 0.12, "nnn_mylead": 0.08}
OWNERS: Final = (ALICE, JANA, BOB, KLARA, LENA)


def record_id(table: str, name: str) -> str:
    """The fixed id of a prepared record."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{table}/{name}"))


def fill(store: Store, *, records: int, seed: int) -> None:
    """Put the organization, the prepared records and `records` invented ones into an empty store."""
    _organization(store)
    _prepared(store)
    _invented(store, records, People(seed))
    store.index()


@cache
def _days_ago(days: float) -> str:
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def audit(owner: User = JANA, *, age: float = 30, active: bool = True) -> Row:
    """The columns that every user-owned row has; `age` in days."""
    created = _days_ago(age)
    return {
        "ownerid": owner.systemuser_id,
        "ownerid__type": "systemuser",
        "owninguser": owner.systemuser_id,
        "owningbusinessunit": directory.BUSINESS_UNIT_ID,
        "createdby": owner.systemuser_id,
        "modifiedby": owner.systemuser_id,
        "createdon": created,
        "modifiedon": created,
        "statecode": 0 if active else 1,
        "statuscode": 1 if active else 2,
    }


def _organization(store: Store) -> None:
    store.insert("businessunit", [{"businessunitid": directory.BUSINESS_UNIT_ID, "name": "acme", "isdisabled": 0}])
    store.insert(
        "organization",
        [
            {
                "organizationid": directory.ORGANIZATION_ID,
                "name": "acme",
                "languagecode": 1029,
                "localeid": 1029,
                "expirechangetrackingindays": 30,
                "fullnameconventioncode": 1,
                "isauditenabled": 0,
            }
        ],
    )
    currency = {"transactioncurrencyid": CURRENCY_ID, "currencyname": "koruna", "isocurrencycode": "CZK"}
    money = {"currencysymbol": "Kč", "currencyprecision": 2, "exchangerate": 1.0, "statecode": 0, "statuscode": 1}
    store.insert("transactioncurrency", [currency | money])
    store.insert("systemuser", [_system_user(user) for user in directory.members()])
    team = {"teamid": TEAM_ID, "name": "Servis", "businessunitid": directory.BUSINESS_UNIT_ID, "isdefault": 0}
    store.insert("team", [team | {"organizationid": directory.ORGANIZATION_ID, "teamtype": 0}])
    _roles(store)
    _app(store)


def _system_user(user: User) -> Row:
    first, _, last = user.name.partition(" ")
    return {
        "systemuserid": user.systemuser_id,
        "ownerid": user.systemuser_id,
        "fullname": user.name,
        "firstname": first,
        "lastname": last,
        "domainname": user.upn,
        "internalemailaddress": user.upn,
        "azureactivedirectoryobjectid": user.oid,
        "applicationid": user.application_id or None,
        "businessunitid": directory.BUSINESS_UNIT_ID,
        "organizationid": directory.ORGANIZATION_ID,
        "isdisabled": 0,
        "accessmode": 4 if user.application_id else 0,
        "createdon": "2024-01-15T08:00:00Z",
        "modifiedon": "2024-01-15T08:00:00Z",
    }


def _roles(store: Store) -> None:
    names = sorted({role for user in directory.members() for role in user.roles})
    ids = {name: record_id("role", name) for name in names}
    common = {"businessunitid": directory.BUSINESS_UNIT_ID, "organizationid": directory.ORGANIZATION_ID, "ismanaged": 0}
    store.insert("role", [{"roleid": ids[name], "name": name} | common for name in names])
    for user in directory.members():
        store.link("systemuserroles_association", user.systemuser_id, [ids[role] for role in user.roles])
    for name, role in ids.items():
        holders = [user.systemuser_id for user in directory.members() if name in user.roles]
        store.link("systemuserroles_association", role, holders)
    store.link("teammembership_association", KLARA.systemuser_id, [TEAM_ID])
    store.link("teammembership_association", TEAM_ID, [KLARA.systemuser_id])


def _app(store: Store) -> None:
    app = {
        "appmoduleid": directory.APP_ID,
        "name": "Prodej a servis",
        "uniquename": "acme_sales",
        "clienttype": 4,
        "publishedon": "2026-03-02T10:00:00Z",
        "organizationid": directory.ORGANIZATION_ID,
        "statecode": 0,
        "statuscode": 1,
    }
    store.insert("appmodule", [app])


def _account(name: str, phone: str, owner: User = JANA, *, age: float = 400, active: bool = True, **more: Any) -> Row:
    row = {"accountid": record_id("account", name), "name": name, "telephone1": phone, "accountcategorycode": None}
    return {**row, "transactioncurrencyid": CURRENCY_ID, **audit(owner, age=age, active=active), **more}


def _contact(
    first: str, last: str, firm: str = "", owner: User = JANA, *, age: float = 200, active: bool = True, **more: Any
) -> Row:
    row = {"contactid": record_id("contact", f"{first} {last}"), "firstname": first, "lastname": last}
    row |= {"fullname": f"{first} {last}", "transactioncurrencyid": CURRENCY_ID}
    if firm:
        row |= {"parentcustomerid": record_id("account", firm), "parentcustomerid__type": "account"}
    return {**row, **audit(owner, age=age, active=active), **more}


def _lead(first: str, last: str, company: str, subject: str, owner: User = JANA, **more: Any) -> Row:
    row = {"leadid": record_id("lead", f"{first} {last}"), "firstname": first, "lastname": last, "subject": subject}
    return {**row, "fullname": f"{first} {last}", "companyname": company, **audit(owner, age=6), **more}


def _my_lead(name: str, phone: str, organization: str, owner: User = JANA, **more: Any) -> Row:
    row = {"nnn_myleadid": record_id("nnn_mylead", name), "nnn_name": name, "nnn_myphone1": phone}
    return {**row, "nnn_organizationname": organization, **audit(owner, age=3), **more}


def _prepared(store: Store) -> None:
    _prepared_accounts(store)
    _prepared_contacts(store)
    store.insert(
        "lead",
        [
            _lead("Lucie", "Marková", "Kavárna Na Rohu", "Poptávka klimatizace", mobilephone="605 333 444"),
            _lead(
                "Tomáš", "Bílek", "Pila Bílek", "Nové čerpadlo", BOB, telephone1="+420 608-777-111", leadsourcecode=8
            ),
        ],
    )
    store.insert(
        "nnn_mylead",
        [
            _my_lead(
                "Porucha rozvaděče R4",
                "+420 224 551 111",
                "Elektro Vysočina a.s.",
                nnn_contactname="Petr Dvořák",
                nnn_myorderscount=3,
                nnn_mylastorderdate="2026-10-12",
                nnn_serial="R4-2217",
                nnn_description="Rozvaděč vypadává při plném zatížení.",
                nnn_source="Web",
                nnn_customerid=record_id("account", "Elektro Vysočina a.s."),
                nnn_customerid__type="account",
            ),
            _my_lead("Revize kotelny", "567 300 400 / 777 888 111", "Hotel Belveder", BOB, nnn_serial="K-88"),
        ],
    )
    _prepared_calls(store)
    _prepared_plans(store)


def _prepared_accounts(store: Store) -> None:
    store.insert(
        "account",
        [
            _account(
                "Alfa s.r.o.",
                "+420 602 111 222",
                nnn_myorderscount=14,
                nnn_mylastorderdate="2026-11-03",
                nnn_turnover=486200.0,
                nnn_servicecontract="Zlatá, do 31. 12. 2027",
                address1_city="Brno",
                emailaddress1="info@alfa.example",
            ),
            _account(
                "Stavby Morava s.r.o.",
                "585 123 400",
                nnn_myorderscount=27,
                nnn_mylastorderdate="2026-10-30",
                nnn_turnover=1250000.0,
                nnn_servicecontract="Stříbrná",
                address1_city="Olomouc",
            ),
            _account(
                "Elektro Vysočina a.s.",
                "224551111",
                nnn_myorderscount=8,
                nnn_mylastorderdate="2026-09-18",
                nnn_turnover=320500.5,
                address1_city="Jihlava",
            ),
            _account("Hotel Belveder", f"224{NBSP}551{NBSP}112", KLARA, nnn_myorderscount=2, address1_city="Praha"),
            _account("Pekárna U Mlýna", "neuvádět", BOB, address1_city="Tábor", telephone2="381 200 300, 777 444 555"),
            _account("Zámečnictví Kovář", "+420 541 222 333", BOB, nnn_myorderscount=1, address1_city="Brno"),
            _account("Žilinské čerpadlá s.r.o.", "041/562 11 22", KLARA, address1_city="Žilina"),
        ],
    )


def _prepared_contacts(store: Store) -> None:
    firm = "Elektro Vysočina a.s."
    store.insert(
        "contact",
        [
            _contact(
                "Jana",
                "Horáková",
                "Stavby Morava s.r.o.",
                mobilephone="777 123 456",
                jobtitle="obchodní ředitelka",
                emailaddress1="horakova@stavbymorava.example",
                nnn_pin="4711",
            ),
            _contact("Petr", "Dvořák", firm, KLARA, telephone1="224 551 111", jobtitle="energetik"),
            _contact("Alena", "Kučerová", firm, telephone1="+420224551111", jobtitle="účetní", nnn_pin="2580"),
            _contact(
                "Martin", "Kříž", firm, KLARA, telephone1="224551111", active=False, modifiedon="2026-03-01T12:00:00Z"
            ),
            _contact(
                "Karel", "Hovorka", "Hotel Belveder", KLARA, telephone1="224 551 112 linka 12", jobtitle="recepční"
            ),
            _contact("Eva", "Malinová", "Alfa s.r.o.", KLARA, mobilephone="(+420) 603-444-555", jobtitle="nákupčí"),
            _contact("Radek", "Kovář", "Zámečnictví Kovář", BOB, mobilephone="00420 604 555 666", jobtitle="majitel"),
            _contact("Zuzana", "Hudáková", "Žilinské čerpadlá s.r.o.", KLARA, mobilephone="0905/123 456"),
            _contact("Josef", "Tichý", "", BOB, telephone2="541 000 111 (manželka), 606 777 888"),
            _contact("Josef", "Tichý ml.", "", BOB, mobilephone="606 777 888"),
        ],
    )
    contact = record_id("contact", "Jana Horáková")
    store.update("account", record_id("account", "Stavby Morava s.r.o."), {"primarycontactid": contact})


def _prepared_calls(store: Store) -> None:
    calls = (
        ("contact", "Jana Horáková", JANA, 12, False, "Termín výměny čerpadla potvrzen na 2. 12."),
        ("contact", "Jana Horáková", KLARA, 47, True, "Poslána nabídka na prodloužení servisní smlouvy."),
        ("contact", "Jana Horáková", JANA, 96, False, "Reklamace faktury 2026/0418, předáno účtárně."),
        ("account", "Alfa s.r.o.", JANA, 17, False, "Chtějí rozšířit smlouvu o druhou pobočku."),
        ("contact", "Petr Dvořák", KLARA, 8, False, "Výpadek rozvaděče R4, technik vyslán."),
        ("lead", "Lucie Marková", JANA, 5, False, "Zájem o klimatizaci do kavárny, 60 m²."),
    )
    for number, (table, name, author, age, outgoing, text) in enumerate(calls):
        call_id = record_id("phonecall", f"{name}/{number}")
        _call(store, call_id, table, record_id(table, name), author, age, outgoing=outgoing, text=text, name=name)


def _call(
    store: Store,
    call_id: str,
    table: str,
    target: str,
    author: User,
    age: float,
    *,
    outgoing: bool,
    text: str,
    name: str,
) -> None:
    start = NOW - timedelta(days=age, hours=-2)
    row = {
        "activityid": call_id,
        "subject": f"{'Odchozí' if outgoing else 'Příchozí'} hovor: {name}",
        "description": text,
        "directioncode": int(outgoing),
        "regardingobjectid": target,
        "regardingobjectid__type": table,
        "actualstart": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "actualend": (start + timedelta(minutes=4)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "actualdurationminutes": 4,
        "prioritycode": 1,
        **audit(author, age=age),
        "statecode": 1,
        "statuscode": 2 if outgoing else 4,
    }
    store.insert("phonecall", [row])
    caller, agent = (2, 1) if outgoing else (1, 2)
    parties = [(caller, table, target), (agent, "systemuser", author.systemuser_id), (8, table, target)]
    parties.append((9, "systemuser", author.systemuser_id))
    store.insert("activityparty", [party(call_id, "phonecall", *one) for one in parties])


def _prepared_plans(store: Store) -> None:
    """What is to be done: one late, one soon, one without a date. From today, so that late stays late."""
    plans = (
        ("contact", "Jana Horáková", JANA, -2, "Poslat nabídku na prodloužení smlouvy"),
        ("contact", "Jana Horáková", KLARA, None, "Zjistit zájem o druhé čerpadlo"),
        ("account", "Alfa s.r.o.", JANA, 3, "Připravit smlouvu pro pobočku"),
    )
    for table, name, owner, days, subject in plans:
        due = None if days is None else datetime.now(UTC).replace(hour=9, minute=0) + timedelta(days=days)
        store.insert("task", [_plan("task", table, name, owner, subject, due)])
    meeting = datetime.now(UTC).replace(hour=13, minute=0) + timedelta(days=1)
    booked = {"statecode": 3, "statuscode": 5}
    row = _plan("appointment", "contact", "Jana Horáková", JANA, "Prohlídka čerpadla", meeting)
    store.insert("appointment", [row | booked])


def _plan(kind: str, table: str, name: str, owner: User, subject: str, due: datetime | None) -> Row:
    return {
        **audit(owner, age=4),
        "activityid": record_id(kind, f"{name}/{subject}"),
        "subject": subject,
        "regardingobjectid": record_id(table, name),
        "regardingobjectid__type": table,
        "scheduledend": due and due.strftime("%Y-%m-%dT%H:%M:00Z"),
        "prioritycode": 1,
        "statuscode": 2 if kind == "task" else 1,
    }


def party(activity_id: str, activity: str, mask: int, table: str | None, record: str | None) -> Row:
    """A row of `activityparty`; its table and record are null for somebody known by address only."""
    key = json.dumps([activity_id, mask, table, record])
    return {
        "activitypartyid": str(uuid.uuid5(uuid.NAMESPACE_OID, key)),
        "activityid": activity_id,
        "activityid__type": activity,
        "participationtypemask": mask,
        "partyid": record,
        "partyid__type": table,
        "instancetypecode": 0,
    }


def _invented(store: Store, records: int, people: People) -> None:
    accounts = [_invented_account(people) for _ in range(round(records * SHARES["account"]))]
    store.insert("account", accounts)
    contacts = [_invented_contact(people, accounts) for _ in range(round(records * SHARES["contact"]))]
    store.insert("contact", contacts)
    store.insert("lead", [_invented_lead(people) for _ in range(round(records * SHARES["lead"]))])
    store.insert("nnn_mylead", [_invented_my_lead(people) for _ in range(round(records * SHARES["nnn_mylead"]))])
    store.insert("phonecall", [_invented_call(people, row) for row in contacts[::20]])


def _new_id(people: People) -> str:
    return str(uuid.UUID(int=people.random.getrandbits(128), version=4))


def _invented_audit(people: People) -> Row:
    pick = people.random
    return audit(pick.choice(OWNERS), age=pick.randrange(5, 2000), active=pick.random() > 0.04)


def _invented_account(people: People) -> Row:
    pick = people.random
    busy = pick.random() < 0.7
    return {
        "accountid": _new_id(people),
        "name": people.firm(),
        "telephone1": people.fixed_line() if pick.random() < 0.9 else None,
        "telephone2": people.mobile() if pick.random() < 0.2 else None,
        "address1_city": pick.choice(FIRM_PLACES),
        "nnn_myorderscount": pick.randrange(60) if busy else None,
        "nnn_mylastorderdate": f"2026-{pick.randrange(1, 11):02d}-{pick.randrange(1, 29):02d}" if busy else None,
        "nnn_turnover": pick.randrange(10_000, 4_000_000) / 2 if busy else None,
        "transactioncurrencyid": CURRENCY_ID,
        **_invented_audit(people),
    }


def _invented_contact(people: People, accounts: list[Row]) -> Row:
    pick = people.random
    first, last = people.name()
    firm = pick.choice(accounts) if accounts and pick.random() < 0.7 else None
    switchboard = firm["telephone1"] if firm and pick.random() < 0.2 else None
    return {
        "contactid": _new_id(people),
        "firstname": first,
        "lastname": last,
        "fullname": f"{first} {last}",
        "jobtitle": pick.choice(JOBS) if firm else None,
        "mobilephone": people.mobile() if pick.random() < 0.85 else None,
        "telephone1": switchboard or (people.fixed_line() if pick.random() < 0.2 else None),
        "telephone2": people.mobile() if pick.random() < 0.05 else None,
        "parentcustomerid": firm["accountid"] if firm else None,
        "parentcustomerid__type": "account" if firm else None,
        "address1_city": pick.choice(FIRM_PLACES),
        "transactioncurrencyid": CURRENCY_ID,
        **_invented_audit(people),
    }


def _invented_lead(people: People) -> Row:
    first, last = people.name()
    return {
        "leadid": _new_id(people),
        "firstname": first,
        "lastname": last,
        "fullname": f"{first} {last}",
        "companyname": people.firm(),
        "subject": "Poptávka z webu",
        "mobilephone": people.mobile(),
        "telephone1": people.fixed_line() if people.random.random() < 0.3 else None,
        **audit(people.random.choice(OWNERS), age=people.random.randrange(1, 300)),
    }


def _invented_my_lead(people: People) -> Row:
    first, last = people.name()
    return {
        "nnn_myleadid": _new_id(people),
        "nnn_name": f"Servisní požadavek {people.random.randrange(10_000, 99_999)}",
        "nnn_contactname": f"{first} {last}",
        "nnn_organizationname": people.firm(),
        "nnn_myphone1": people.mobile(),
        "nnn_serial": f"SN{people.random.randrange(10**6):06d}",
        **_invented_audit(people),
    }


def _invented_call(people: People, contact: Row) -> Row:
    author = people.random.choice(OWNERS)
    return {
        "activityid": _new_id(people),
        "subject": f"Příchozí hovor: {contact['fullname']}",
        "description": "Dotaz na stav objednávky.",
        "directioncode": 0,
        "regardingobjectid": contact["contactid"],
        "regardingobjectid__type": "contact",
        "actualdurationminutes": people.random.randrange(1, 15),
        **audit(author, age=people.random.randrange(1, 300)),
        "statecode": 1,
        "statuscode": 4,
    }

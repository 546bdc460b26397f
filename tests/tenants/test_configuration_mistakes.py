"""Every mistake in a file is reported with its place, all of them at once, and nothing is imported."""

from collections.abc import Callable
from typing import Any

import pytest

from tenants import configuration
from tenants.configuration import ConfigurationError, Mistake
from tenants.models import Agent, Tenant

pytestmark = pytest.mark.django_db
Loader = Callable[[str], list[Mistake]]

TENANT = '[tenant]\nslug = "acme"\n'
NEW = TENANT + 'name = "Acme"\n'
INSTANCE = '[instance]\nurl = "https://acme.crm4.dynamics.com"\napp_id = "5f0a7c0e-2d1b-4a53-9a60-0c1f4f6f2a11"\n'
ENTITY = '[[custom_entities]]\nlabel = "Servis"\ntable = "nnn_myLead"\nid = "myLeadId"\nphone_number = ["myPhone1"]\n'
FIELD = '[[display_fields]]\nlabel = "Obrat"\nentity = "Account"\nidentifier = "nnn_turnover"\n'
VERIFY = '[[ivr_functions]]\nname = "pin"\nkind = "verify"\nentity = "Contact"\ncolumn = "nnn_pin"\n'
AGENT = '[[agents]]\nname = "Jana"\nemail = "jana@acme.example"\n'


def mistakes_in(text: str | bytes, secrets: dict[str, str] | None = None) -> list[Mistake]:
    with pytest.raises(ConfigurationError) as error:
        configuration.load(text, secrets=secrets)
    return list(error.value.mistakes)


def places(text: str) -> list[str]:
    return [mistake.place for mistake in mistakes_in(text)]


ONE_MISTAKE: list[tuple[str, str]] = [
    # text beside a complete new customer → the place of its one mistake
    ("tenant.language", 'language = "de"'),
    ("tenant.language", "language = 1"),
    ("tenant.country", 'country = "CS"'),
    ("tenant.country", 'country = "cz"'),
    ("tenant.contact_email", 'contact_email = "spravce(at)acme.example"'),
    ("tenant.retention_days", "retention_days = 0"),
    ("tenant.retention_days", "retention_days = 3651"),
    ("tenant.retention_days", "retention_days = true"),
    ("tenant.retention_days", 'retention_days = "90"'),
    ("tenant.retention_days", "retention_days = 90.5"),
    ("tenant.log_every_call", 'log_every_call = "yes"'),
    ("tenant.log_every_call", "log_every_call = 1"),
    ("tenant.search_internal_calls", "search_internal_calls = []"),
    ("tenant.missed_call_owner", 'missed_call_owner = "me"'),
    ("tenant.outcomes", 'outcomes = "Vyřešeno"'),
    ("tenant.outcomes[1]", 'outcomes = ["Vyřešeno", 3]'),
    ("tenant.outcomes[0].de", 'outcomes = [{ cs = "Vyřešeno", de = "Erledigt" }]'),
    ("tenant.outcomes[0].en", 'outcomes = [{ cs = "Vyřešeno", en = "" }]'),
    ("tenant.outcomes[0]", "outcomes = [{}]"),
    ("tenant.outcomes[0]", f'outcomes = ["{"x" * 201}"]'),
    ("tenant.own_numbers[1]", 'own_numbers = ["+420222333444", "recepce"]'),
    ("tenant.own_numbers[1]", 'own_numbers = ["+420222333444", "+420222333444"]'),
    ("tenant.embedding_origins[0]", 'embedding_origins = ["http://komunikator.example"]'),
    ("tenant.embedding_origins[0]", 'embedding_origins = ["https://komunikator.example/path"]'),
    ("tenant.embedding_origins[0]", 'embedding_origins = ["https://*.example"]'),
    ("tenant.embedding_origins[0]", 'embedding_origins = ["https://user@komunikator.example"]'),
    ("tenant.embedding_origins[0]", "embedding_origins = [\"https://a.example 'unsafe-inline'\"]"),
    ("tenant.embedding_origins[0]", 'embedding_origins = ["https://a.example;script-src *"]'),
    ("tenant.embedding_origins[0]", 'embedding_origins = ["https://a.example:99999"]'),
    ("tenant.embedding_origins[0]", 'embedding_origins = ["komunikator.example"]'),
    ("tenant.retention", "retention = 90"),
    ("webhook.keys.Form", '[webhook]\nkeys = { Form = "Caller" }'),
    ("webhook.keys.From", '[webhook]\nkeys = { From = "" }'),
    ("webhook.keys.To", '[webhook]\nkeys = { From = "Number", To = "Number" }'),
    ("webhook.keys.To", '[webhook]\nkeys = { From = "To" }'),
    ("webhook.key", "[webhook]\nkey = {}"),
    ("search.account", '[search]\nAccount = ["telephone1"]\naccount = ["telephone2"]'),
    ("search.Account[1]", '[search]\nAccount = ["telephone1", "telephone 2"]'),
    ("search.Account[1]", '[search]\nAccount = ["telephone1", "Telephone1"]'),
    ("search.nnn_other", '[search]\nnnn_other = ["nnn_phone"]'),
    ("search.Account", '[search]\nAccount = "telephone1"'),
    ("custom_entities[0].last_name", ENTITY),
    ("custom_entities[0].phone_number", ENTITY.replace('["myPhone1"]', "[]") + 'last_name = "name"'),
    ("custom_entities[0].phone_number", ENTITY.replace('["myPhone1"]', '"myPhone1"') + 'last_name = "name"'),
    ("custom_entities[0].phoneNumber", ENTITY + 'last_name = "name"\nphoneNumber = ["x"]'),
    ("custom_entities[0].table", ENTITY.replace("nnn_myLead", "contact") + 'last_name = "name"'),
    ("custom_entities[1].table", (ENTITY + 'last_name = "name"\n') * 2),
    ("custom_entities[0].first_name", ENTITY + 'last_name = "name"\nfirst_name = "jméno"'),
    ("custom_entities[0]", "custom_entities = [1]"),
    ("display_fields[0].entity", FIELD.replace("Account", "nnn_other")),
    ("display_fields[0].link", FIELD + 'link = "http://acme.example/{id}"'),
    ("display_fields[0].link", FIELD + 'link = "https://acme.example/{number}"'),
    ("display_fields[0].link", FIELD + 'link = "https://{value}/"'),
    ("display_fields[0].link", FIELD + 'link = "javascript:alert(1)"'),
    ("display_fields[0].identifier", FIELD.replace("nnn_turnover", "a;b")),
    ("system_account.client_secret_env", '[system_account]\nclient_secret_env = "PATH"'),
    ("system_account.client_id", "[system_account]\nsecret_expires_on = 2027-11-03"),
    ("system_account.client_id", '[system_account]\nclient_id = "spravce"'),
    ("system_account.secret_expires_on", '[system_account]\nsecret_expires_on = "3. 11. 2027"'),
    ("system_account.secret_expires_on", '[system_account]\nsecret_expires_on = "2027-02-30"'),
    ("system_account.secret_expires_on", "[system_account]\nsecret_expires_on = 2027-11-03T10:00:00"),
    ("system_account.client_secret", '[system_account]\nclient_secret = "hush"'),
    ("ivr_functions[0].kind", VERIFY.replace('"verify"', '"check"')),
    ("ivr_functions[0].column", VERIFY.replace('column = "nnn_pin"\n', "")),
    ("ivr_functions[0].columns", VERIFY.replace('"verify"', '"write"')),
    ("ivr_functions[0].budget_ms", VERIFY + "budget_ms = 50"),
    ("ivr_functions[0].name", VERIFY.replace('"pin"', '"ověření PIN"')),
    ("ivr_functions[0].constants.nnn_since", VERIFY + "constants = { nnn_since = 2026-01-01 }"),
    ("ivr_functions[0].constants.nnn_a", VERIFY + 'columns = { a = "nnn_a" }\nconstants = { nnn_a = 1 }'),
    ("ivr_functions[1].name", VERIFY * 2),
    ("agents[0].email", AGENT.replace("@", " at ")),
    ("agents[0].email", '[[agents]]\nname = "Jana"'),
    ("agents[0].name", '[[agents]]\nemail = "jana@acme.example"'),
    ("agents[0].name", AGENT.replace("Jana", "x" * 201)),
    ("agents[0].name", AGENT.replace("Jana", "Jana\\nNová")),
    ("agents[0].name", AGENT.replace("Jana", "  ")),
    ("agents[0].window", AGENT + 'window = "true"'),
    ("agents[0].language", AGENT + 'language = "de"'),
    ("agents[0].line", AGENT + "line = 444"),
    ("agents[0].windows", AGENT + "windows = true"),
    ("agents[1].email", AGENT + AGENT.replace("jana@", "JANA@")),
    ("agents[1].login", AGENT + 'login = "jana"\n' + AGENT.replace("jana@", "bob@") + 'login = "Jana"\n'),
    ("agents[1].upn", AGENT + AGENT.replace("jana@", "bob@") + 'upn = "jana@acme.example"\n'),
    ("agents", 'agents = { name = "Jana" }'),
    ("agent", '[[agent]]\nname = "Jana"'),
]


@pytest.mark.parametrize(
    ("place", "text"), ONE_MISTAKE, ids=[f"{at}-{number}" for number, (at, _) in enumerate(ONE_MISTAKE)]
)
def test_one_mistake_has_its_place_and_a_sentence(place: str, text: str) -> None:
    in_tenant = not text.startswith(("[", "agents =", "custom_entities ="))
    at_top = not in_tenant and not text.startswith("[")
    whole = (
        f"{text}\n{NEW}{INSTANCE}"
        if at_top
        else f"{NEW}{text}\n{INSTANCE}"
        if in_tenant
        else f"{NEW}{INSTANCE}{text}\n"
    )
    found = mistakes_in(whole)
    assert [mistake.place for mistake in found] == [place]
    assert found[0].sentence.strip().endswith((".", "?"))
    assert Tenant.objects.count() == 0


def test_all_mistakes_are_told_at_once_with_their_lines() -> None:
    text = (
        '[tenant]\nslug = "acme"\nlanguage = "de"\nretention_days = 0\n'
        '[instance]\nurl = "https://acme.example"\n'
        '[[display_fields]]\nlabel = "x"\nentity = "nnn_x"\nidentifier = "y"\n'
        '[[agents]]\nname = "Jana"\nemail = "jana"\n[[agents]]\nemail = "bob@acme.example"\nwindow = "no"\n'
    )
    assert {(mistake.line, mistake.place) for mistake in mistakes_in(text)} == {
        (1, "tenant.name"),
        (3, "tenant.language"),
        (4, "tenant.retention_days"),
        (5, "instance.app_id"),
        (6, "instance.url"),
        (9, "display_fields[0].entity"),
        (13, "agents[0].email"),
        (14, "agents[1].name"),
        (16, "agents[1].window"),
    }


def test_a_mistake_reads_line_place_sentence() -> None:
    [mistake] = mistakes_in(NEW + INSTANCE + AGENT.replace("@", "-"))
    assert str(mistake).startswith("line 9, agents[0].email: ")


def test_an_unknown_key_suggests_the_nearest() -> None:
    [mistake] = mistakes_in(NEW + 'contry = "CZ"\n' + INSTANCE)
    assert "country" in mistake.sentence


def test_an_unknown_key_with_no_likeness_lists_the_known() -> None:
    [mistake] = mistakes_in(NEW + INSTANCE + AGENT + "xyzzy = 1\n")
    assert "name, email, upn, login, line, window, language" in mistake.sentence


def test_a_strange_key_stays_on_one_line() -> None:
    [mistake] = mistakes_in(NEW + '"a\\nb\\u001b" = 1\n' + INSTANCE)
    assert str(mistake).isprintable()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[tenant]\nslug = acme\n", 2),
        ('[tenant]\nslug = "acme\nname = "x"\n', 2),
        ("[tenant\n", 1),
        ('[tenant]\nslug = "a"\nslug = "b"\n', 3),
        ("[tenant]\nslug =", 2),
        ('[tenant]\nslug = "a"\n[tenant]\n', 3),
        ("[tenant]\nsince = 2026-02-30\n", 2),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(text: str, line: int) -> None:
    assert [(mistake.place, mistake.line) for mistake in mistakes_in(text)] == [("", line)]


def test_another_encoding_is_told_with_its_line() -> None:
    [mistake] = mistakes_in((NEW + AGENT.replace("Jana", "Jana Nováková")).encode("cp1250"))
    assert (mistake.line, "UTF-8" in mistake.sentence) == (5, True)


def test_a_file_saved_by_windows_notepad_is_read() -> None:
    text = (NEW + INSTANCE).replace("\n", "\r\n").encode("utf-8-sig")
    assert configuration.load(text).slug == "acme"


@pytest.mark.parametrize(
    "bomb",
    [
        "x = " + "[" * 100_000,
        "x = " + "{a=" * 50_000,
        ".".join(["a"] * 400_000) + " = 1",
        "[" + ".".join(["a"] * 400_000) + "]",
        "x = " + "9" * 10_000,
        "# " + "x" * 1_000_001,
    ],
    ids=["arrays", "tables", "dotted key", "dotted header", "number", "large"],
)
def test_a_bomb_is_one_mistake(bomb: str) -> None:
    assert len(mistakes_in(bomb + "\n")) == 1


@pytest.mark.parametrize("text", ["", "# nothing\n", "tenant = 1\n", "[tenant]\n", '[tenant]\nslug = "ač"\n'])
def test_without_a_customer_there_is_nothing_to_import(text: str) -> None:
    assert [place for place in places(text) if place.startswith("tenant")]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://acme.operations.dynamics.com", ""),
        ("http://server/Acme/main.aspx", ""),
        ("https://acme.crm4.dynamics.com.evil.example", ""),
        ("https://user@acme.crm4.dynamics.com", ""),
        ("file:///etc/passwd", ""),
        ("http://127.0.0.1:8000", "our own port"),
        ("http://169.254.169.254/", "cloud metadata"),
    ],
)
def test_an_address_that_is_no_dataverse_is_refused(url: str, why: str) -> None:
    assert places(NEW + INSTANCE.replace("https://acme.crm4.dynamics.com", url)) == ["instance.url"], why


def test_loopback_is_refused_where_it_is_not_allowed(settings: Any) -> None:
    settings.ALLOW_LOOPBACK_MICROSOFT = False
    text = NEW + 'embedding_origins = ["http://localhost:8000"]\n' + INSTANCE
    text = text.replace("https://acme.crm4.dynamics.com", "http://127.0.0.1:8010")
    assert places(text) == ["tenant.embedding_origins[0]", "instance.url"]


def test_an_address_naming_another_app_is_a_mistake() -> None:
    pasted = "https://acme.crm4.dynamics.com/main.aspx?appid=00000000-0000-0000-0000-000000000001"
    assert places(NEW + INSTANCE.replace("https://acme.crm4.dynamics.com", pasted)) == ["instance.app_id"]


def test_a_new_customer_needs_name_and_instance() -> None:
    assert sorted(places(TENANT)) == ["instance", "tenant.name"]
    assert sorted(places(NEW + "[instance]\nleads = true\n")) == ["instance.app_id", "instance.url"]


def test_the_index_needs_the_system_account() -> None:
    assert places(NEW + INSTANCE + "index = true\n") == ["instance.index"]


def test_a_table_in_use_is_not_taken_away(customer: Tenant) -> None:
    text = TENANT + '[[display_fields]]\nlabel = "Sériové číslo"\nentity = "nnn_myLead"\nidentifier = "nnn_serial"\n'
    configuration.apply(configuration.load(text), by="ivana")
    assert places("custom_entities = []\n" + TENANT) == ["custom_entities"]


def test_login_of_a_colleague_who_is_not_in_the_file(customer: Tenant) -> None:
    text = TENANT + AGENT.replace("jana@", "bob@") + 'login = "Jana.Novakova"\n'
    assert places(text) == ["agents[0].login"]
    assert Agent.objects.count() == 1


# Secrets

ACCOUNT = TENANT + '[system_account]\nclient_id = "22222222-aaaa-4bbb-8ccc-000000000002"\n'


def test_an_upload_cannot_read_the_environment(customer: Tenant) -> None:
    text = ACCOUNT + 'client_secret_env = "TENANT_SECRET_ACME"\n'
    assert [mistake.place for mistake in mistakes_in(text, secrets=None)] == ["system_account.client_secret_env"]


def test_only_variables_meant_for_it_are_read(customer: Tenant) -> None:
    text = ACCOUNT + 'client_secret_env = "SECRET_KEY"\n'
    [mistake] = mistakes_in(text, secrets={"SECRET_KEY": "the portal's own"})
    assert mistake.place == "system_account.client_secret_env"


def test_a_variable_that_is_not_set_is_named(customer: Tenant) -> None:
    [mistake] = mistakes_in(ACCOUNT + 'client_secret_env = "TENANT_SECRET_ACME"\n', secrets={})
    assert "TENANT_SECRET_ACME" in mistake.sentence


@pytest.mark.parametrize("key", ["client_secret_env", "client_secret"])
def test_a_secret_typed_into_the_file_is_not_repeated(customer: Tenant, key: str) -> None:
    [mistake] = mistakes_in(ACCOUNT + f'{key} = "h8Q~hush-hush"\n', secrets={})
    assert "hush" not in str(mistake)

"""Every address × everybody who might ask: strangers cannot tell "not yours" from "not there", and see nothing of it."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, reverse

from tests.isolation import addresses
from tests.isolation.addresses import ACCOUNTS, API, PERSONAS, PORTAL, TABLE, TOP_LEVEL, WINDOW
from tests.isolation.conftest import ACMES, World

pytestmark = pytest.mark.django_db
OF_A_CALL = ("window:call", "window:who", "window:matches", "window:details", "window:history")
OF_A_CALL += ("window:find", "window:number", "window:follow_up_form", "window:activities")
OF_AN_ATTEMPT = ("window:sign_in_status", "window:sign_in_code")
POSTS_ABOUT_A_CALL = [name for name, row in WINDOW.items() if row[0] == "POST" and row[1][2] == 404]
INLINE = re.compile(
    r"<style|<script(?![^>]*(?:\ssrc=|application/json))|<[^>]*\s(?:style|on[a-z]+)\s*=|javascript:", re.IGNORECASE
)


def arguments(name: str, world: World) -> tuple[Any, ...]:
    attempt = world.attempt.code
    known: dict[str, tuple[Any, ...]] = dict.fromkeys(WINDOW, (world.code,))
    known |= dict.fromkeys(OF_A_CALL, (world.code, world.call.code))
    known |= dict.fromkeys(OF_AN_ATTEMPT, (world.code, attempt))
    known |= dict.fromkeys(PORTAL, (world.jana.tenant.code,)) | {"portal:home": (), "portal:link": ()}
    known |= dict.fromkeys(("portal:account", "portal:account_name"), ())
    known |= dict.fromkeys(("window:sign_in_page", "signin:done", "signin:ended"), (attempt,))
    known |= dict.fromkeys(("signin:consent", "signin:consent_at_microsoft"), (world.consent_link,))
    invited = ("invitation", "invitation_account", "invitation_sign_in", "invitation_microsoft")
    known |= dict.fromkeys(invited, (world.invitation_link,))
    known |= dict.fromkeys(("activate", "activate_sign_in"), (world.personal_link,))
    known |= dict.fromkeys(("portal:step_skip", "portal:step_take_back"), (world.jana.tenant.code, "leads"))
    known |= {"portal:invitation_withdraw": (world.jana.tenant.code, uuid.uuid4())}
    of_none = (world.jana.tenant.code, uuid.uuid4())
    known |= dict.fromkeys(("portal:key_replace", "portal:key_revoke"), of_none)
    known |= {"portal:ivr_certificate": of_none, "portal:ivr_certificate_remove": of_none}
    known |= {"portal:ivr_secret_remove": (world.jana.tenant.code, "first")}
    of_bob = (world.jana.tenant.code, world.bob.code)
    known |= dict.fromkeys(("portal:person", "portal:person_window", "portal:person_send"), of_bob)
    if name in ("ivr_functions:show", "ivr_functions:switch", "ivr_functions:remove"):
        function, _made = world.jana.tenant.ivr_functions.get_or_create(name="kdo_vola", kind="lookup")
        return world.jana.tenant.code, function.code
    known |= {"portal:own_table_export": (world.jana.tenant.code, "toml")}
    known |= dict.fromkeys(("numbers:report", "numbers:file"), (world.jana.tenant.code, "shared"))
    known |= {
        "window:opening": (world.tab,),
        "invitation_accept": ("no-such-link",),
    }
    return known.get(name, ())


def values(name: str, world: World) -> dict[str, str]:
    """Of a POST that would change something if it got through."""
    record = f"contact:{world.call.legs.get(agent=world.jana).shown_id or uuid.uuid4()}"
    more: dict[str, dict[str, str]] = {
        "window:open": {"number": "605333444", "unique_id": "9003.3"},
        "window:choose": {"record": "nobody"},
        "window:names": {"q": "Horáková"},
        "window:about": {"record": record},
        "window:number_add": {"record": record, "column": "telephone2"},
        "window:note_keep": {"keep": "theirs"},
        "window:quiet": {"quiet": "ring"},
        "window:painted": {"painted": "100"},
        "window:follow_up": {"form": str(uuid.uuid4()), "subject": "Zavolat", "when": "2033-01-03T09:00"},
        "window:follow_up_draft": {"form": str(uuid.uuid4()), "subject": "Zavolat"},
        "window:follow_up_discard": {"task": str(world.refused_task.code)},
        "window:create": {"table": "phonecall", "code": "x" * 20, "last_name": "Vetřelec"},
        "window:sign_in_code": {"code": "000000"},
    }
    return {"call": str(world.call.code), "text": "Vetřelcova poznámka", **more.get(name, {})}


def ask(client: Client, name: str, world: World) -> Any:
    """The portal's pages as a browser opens them: without htmx, which would turn a redirect to the sign-in into a 200."""
    address = reverse(name, args=arguments(name, world))
    plain = {"HX-Request": "false"} if name in PORTAL else {}
    if TABLE[name][0] == "GET":
        return client.get(address, headers=plain)
    return client.post(address, values(name, world), headers=plain)


def everybodys_answers(table: dict[str, addresses.Row], world: World) -> Iterator[tuple[str, str, Any]]:
    """Jana asks last, so that what she does spoils nothing for the others."""
    for who in (*(who for who in PERSONAS if who != "jana"), "jana"):
        for name in table:
            yield name, who, ask(world.clients[who], name, world)


def text_of(answer: HttpResponse) -> str:
    headers = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{headers} {answer.content.decode()}".replace("\xa0", " ")


def test_no_address_is_missing_from_the_table() -> None:
    there = {name for name in addresses.names() if not name.startswith(addresses.STAFF_ONLY)}
    assert there == TABLE.keys()


@pytest.mark.parametrize(
    "table",
    [WINDOW, TOP_LEVEL, API, ACCOUNTS, PORTAL],
    ids=["window", "top level", "api", "accounts", "portal"],
)
def test_everybody_gets_what_is_theirs(world: World, table: dict[str, addresses.Row]) -> None:
    got: dict[str, dict[str, int]] = {}
    told: dict[tuple[str, str], set[str]] = {}
    unsafe: dict[tuple[str, str], list[str]] = {}
    for name, who, answer in everybodys_answers(table, world):
        got.setdefault(name, {})[who] = answer.status_code
        if words := world.told_to(who, text_of(answer)):
            told[name, who] = words
        if faults := unsafe_in(answer):
            unsafe[name, who] = faults
    assert got == {name: dict(zip(PERSONAS, statuses, strict=True)) for name, (_, statuses) in table.items()}
    assert told == {}
    assert unsafe == {}


def unsafe_in(answer: HttpResponse) -> list[str]:
    """What no answer may carry: a lax policy, or anything a strict one would refuse."""
    policy = answer.headers.get("Content-Security-Policy", "")
    found = [] if "default-src 'none'" in policy and "'unsafe" not in policy else [f"policy: {policy}"]
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        found += INLINE.findall(answer.content.decode())
    return found


def test_the_admin_is_a_login_page_for_everybody_but_staff(world: World) -> None:
    root = reverse("admin:index")
    answers = {who: world.clients[who].get(root) for who in PERSONAS}
    assert {who: answer.status_code for who, answer in answers.items()} == {
        "anonymous": 302, "jana": 302, "bob": 302, "eve": 302, "alice": 302, "ivana": 200, "otto": 302
    }  # fmt: skip
    assert INLINE.findall(answers["ivana"].content.decode()) == []


def test_every_list_of_the_admin_is_closed_to_customers(world: World) -> None:
    admin = next(entry for entry in get_resolver().url_patterns if getattr(entry, "namespace", "") == "admin")
    lists = [name for name in admin.reverse_dict if isinstance(name, str) and name.endswith(("_changelist", "_add"))]
    assert len(lists) > 20
    for name in lists:
        address = reverse(f"admin:{name}")
        for who in ("anonymous", "jana", "alice"):
            answer = world.clients[who].get(address)
            assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/login/?next={address}"), who


def test_nobody_makes_an_account_uninvited(db: None) -> None:
    from django.contrib.auth.models import User

    answer = Client().post(
        reverse("account_signup"), {"email": "mallory@example.com", "password1": "mallory-has-a-long-password"}
    )
    assert answer.status_code == 200
    assert not User.objects.exists()


# -- codes of somebody else --------------------------------------------------------------------------------------------


def test_an_instance_that_is_not_there_is_not_found(world: World) -> None:
    for name, (method, _statuses) in WINDOW.items():
        address = reverse(name, args=[uuid.uuid4(), *arguments(name, world)[1:]])
        for who in PERSONAS:
            client = world.clients[who]
            answer = client.get(address) if method == "GET" else client.post(address, values(name, world))
            assert (name, who, answer.status_code) == (name, who, 404)


def test_eves_call_is_not_there_for_jana_and_looks_like_none(world: World) -> None:
    for name in OF_A_CALL:
        eves, nobodys = (
            world.clients["jana"].get(reverse(name, args=[world.code, code]))
            for code in (world.eves_call.code, uuid.uuid4())
        )
        assert (name, eves.status_code, nobodys.status_code) == (name, 404, 404)
        assert eves.content == nobodys.content


def test_a_post_about_eves_call_changes_nothing(world: World) -> None:
    before = world.rows()
    for name in POSTS_ABOUT_A_CALL:
        sent = values(name, world) | {"call": str(world.eves_call.code)}
        answer = world.clients["jana"].post(reverse(name, args=[world.code]), sent)
        assert (name, answer.status_code, world.rows() == before) == (name, 404, True)


def test_a_post_about_janas_call_by_anybody_else_changes_nothing(world: World) -> None:
    before = world.rows()
    for name in POSTS_ABOUT_A_CALL:
        for who in set(PERSONAS) - {"jana"}:
            assert ask(world.clients[who], name, world).status_code in {401, 404}
            assert world.rows() == before, (name, who)


def test_a_colleagues_unique_id_makes_a_private_card_and_shows_nothing_of_the_colleagues_call(world: World) -> None:
    bob = world.clients["bob"]
    address = reverse("window:open", args=[world.code])
    answer = bob.post(address, {"number": "605333444", "direction": "incoming", "unique_id": world.call.unique_id})
    assert answer.status_code == 200
    assert {word for word in ACMES if word in text_of(answer)} == set()
    card = world.bob.private_calls.get()
    assert (card.unique_id, card.number, card.legs.count()) == (world.call.unique_id, "+420605333444", 1)
    assert [leg.agent for leg in world.call.legs.all()] == [world.jana]
    shown = bob.get(reverse("window:state", args=[world.code]))
    assert str(card.code) in text_of(shown)
    assert {word for word in ACMES if word in text_of(shown)} == set()


def test_a_colleagues_unique_id_in_the_address_of_the_page_opens_nothing_by_itself(world: World) -> None:
    before = world.rows()
    address = reverse("window:shell", args=[world.code])
    page = world.clients["bob"].get(address, {"number": "605333444", "unique_id": world.call.unique_id})
    assert page.status_code == 200
    assert {word for word in ACMES if word in text_of(page)} == set()
    assert world.rows() == before


def test_a_key_of_beta_says_nothing_about_acmes_call(world: World, betas_key: str) -> None:
    answer = Client().post(
        "/api/v1/events",
        {"EventName": "Answered", "UniqueId": world.call.unique_id, "Login": "jana", "From": "777123456"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {betas_key}"},
    )
    assert answer.status_code == 202
    assert answer.json()["call"] != str(world.call.code)
    assert [leg.agent for leg in world.call.legs.all()] == [world.jana]


def test_a_key_is_not_a_session_and_a_session_is_not_a_key(world: World, events_key: str) -> None:
    state = reverse("window:state", args=[world.code])
    with_key = Client(headers={**world.headers, "Authorization": f"Bearer {events_key}"}).get(state)
    assert with_key.status_code == 401
    body = {"EventName": "Ringing", "UniqueId": "9.9", "From": "777123456", "Login": "bob"}
    for who in ("jana", "alice", "ivana"):
        sent = world.clients[who].post("/api/v1/events", body, content_type="application/json")
        assert sent.status_code == 401, who

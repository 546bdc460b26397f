from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import responses

from tenants.dataverse import errors, odata, transport
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client, Me
from tests.dataverse.conftest import Reply, StandIn, error

RECORD = "25a1b2c3-0000-4000-8000-00000000000a"
CONTACT = f"contacts({RECORD})"
JANA = {"@odata.etag": 'W/"1234567"', "contactid": RECORD, "fullname": "Jana Horáková"}


def test_bob_reads_a_contact(dataverse: StandIn) -> None:
    dataverse.plays(Reply(body=JANA, headers={"x-ms-service-request-id": "77-88"}))

    path = odata.query(CONTACT, select=["fullname"])
    answer = dataverse.client.get(path, budget=Budget(5), prefer=[odata.ANNOTATIONS, "odata.maxpagesize=50"])

    assert (answer.status, answer.data, answer.etag, answer.request_id) == (200, JANA, 'W/"1234567"', "77-88")
    [seen] = dataverse.seen
    assert (seen.method, seen.path) == ("GET", f"/api/data/v9.2/{CONTACT}?$select=fullname")
    wanted = {
        "authorization": "Bearer stale",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "odata-version": "4.0",
        "odata-maxversion": "4.0",
        "if-none-match": "null",
        "prefer": f"{odata.ANNOTATIONS},odata.maxpagesize=50",
    }
    assert {name: seen.headers.get(name) for name in wanted} == wanted
    assert {"content-type", "cookie", "consistency", "if-match"} & seen.headers.keys() == set()


def test_a_plus_reaches_the_server_as_one(dataverse: StandIn) -> None:
    path = odata.query("contacts", filter=odata.startswith("telephone1", "+42%0%7"))
    dataverse.client.get(path, budget=Budget(5))

    assert dataverse.seen[0].path.endswith("$filter=startswith(telephone1,'%2B42%250%257')")


def test_a_record_made_with_our_key_is_written_only_if_new(dataverse: StandIn) -> None:
    entity = f"{dataverse.origin}/api/data/v9.2/phonecalls({RECORD.upper()})"
    dataverse.plays(Reply(204, headers={"OData-EntityId": entity}))

    answer = dataverse.client.create(
        "phonecalls", {"subject": "Hovor: žluťoučký 🐎"}, budget=Budget(5), record_id=RECORD
    )

    assert (answer.status, answer.data, answer.record_id) == (204, None, RECORD)
    [seen] = dataverse.seen
    assert (seen.method, seen.path) == ("PATCH", f"/api/data/v9.2/phonecalls({RECORD})")
    assert seen.headers["if-none-match"] == "*"
    assert seen.headers["content-type"] == "application/json; charset=utf-8"
    assert seen.body == {"subject": "Hovor: žluťoučký 🐎"}


def test_a_record_with_microsofts_key_is_posted(dataverse: StandIn) -> None:
    dataverse.plays(Reply(201, JANA))

    answer = dataverse.client.create("contacts", {"lastname": "H"}, budget=Budget(5), prefer=[odata.REPRESENTATION])

    assert (answer.status, answer.data, answer.record_id, answer.etag) == (201, JANA, "", 'W/"1234567"')
    assert [(seen.method, seen.path) for seen in dataverse.seen] == [("POST", "/api/data/v9.2/contacts")]


def test_an_update_never_creates(dataverse: StandIn) -> None:
    dataverse.plays(Reply(204), Reply(204))

    dataverse.client.update("contacts", RECORD, {"lastname": "N"}, budget=Budget(5))
    dataverse.client.update("contacts", RECORD, {"lastname": "N"}, budget=Budget(5), if_match='W/"7"')

    assert [seen.headers["if-match"] for seen in dataverse.seen] == ["*", 'W/"7"']
    assert "if-none-match" not in dataverse.seen[0].headers


def test_a_delete_says_so(dataverse: StandIn) -> None:
    dataverse.plays(Reply(204))

    assert dataverse.client.request("DELETE", CONTACT, budget=Budget(5)).status == 204
    assert dataverse.seen[0].headers["content-length"] == "0"


def test_an_unchanged_record_is_not_sent_again(dataverse: StandIn) -> None:
    dataverse.plays(Reply(304, headers={"ETag": 'W/"7"'}))

    answer = dataverse.client.request("GET", CONTACT, budget=Budget(5), if_none_match='W/"7"')

    assert (answer.status, answer.data, answer.etag) == (304, None, 'W/"7"')
    assert dataverse.seen[0].headers["if-none-match"] == 'W/"7"'


def test_fresh_metadata_is_asked_for_strongly(dataverse: StandIn) -> None:
    dataverse.client.get("EntityDefinitions", budget=Budget(5), consistency_strong=True)

    assert dataverse.seen[0].headers["consistency"] == "Strong"


def test_whoami_names_the_caller(dataverse: StandIn) -> None:
    ids = {"UserId": RECORD, "BusinessUnitId": RECORD.replace("25", "26"), "OrganizationId": RECORD.replace("25", "27")}
    dataverse.plays(Reply(body=ids), Reply(body={"UserId": RECORD}))

    assert dataverse.client.whoami(budget=Budget(5)) == Me(*ids.values())
    with pytest.raises(errors.Unavailable):
        dataverse.client.whoami(budget=Budget(5))


def test_pages_are_followed_verbatim(dataverse: StandIn) -> None:
    cookie = "%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%22%20/%3E"
    link = f"{dataverse.origin}/api/data/v9.2/contacts?$select=fullname&$skiptoken={cookie}"
    dataverse.plays(Reply(body={"value": [JANA], "@odata.nextLink": link}), Reply(body={"value": [JANA, JANA]}))

    pages = dataverse.client.pages("contacts?$select=fullname", budget=Budget(5), prefer=["odata.maxpagesize=1"])

    assert [len(page.rows) for page in pages] == [1, 2]
    assert dataverse.seen[1].path == f"/api/data/v9.2/contacts?$select=fullname&$skiptoken={cookie}"
    assert dataverse.seen[1].headers["prefer"] == "odata.maxpagesize=1"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/data/v9.2/contacts",
        "http://127.0.0.1:1/api/data/v9.2/contacts",
        "http://localhost:{port}/api/data/v9.2/contacts",
        "http://user@127.0.0.1:{port}/api/data/v9.2/contacts",
        "https://127.0.0.1:{port}/api/data/v9.2/contacts",
        "http://127.0.0.1:{port}/elsewhere",
        "http://127.0.0.1:{port}.evil.example/api/data/v9.2/contacts",
        "http://[::1/api/data/v9.2/contacts",
    ],
)
def test_a_link_elsewhere_gets_no_token(dataverse: StandIn, link: str) -> None:
    page = {"value": [], "@odata.nextLink": link.format(port=dataverse.origin.rpartition(":")[2])}
    dataverse.plays(Reply(body=page))

    with pytest.raises(errors.ForeignAddress):
        list(dataverse.client.pages("contacts", budget=Budget(5)))
    assert len(dataverse.seen) == 1


@responses.activate
@pytest.mark.parametrize("host", ["acme.crm4.dynamics.com", "acme.api.crm4.dynamics.com", "ACME.crm4.dynamics.com"])
def test_a_link_may_name_either_host_of_the_instance(host: str) -> None:
    link = f"https://{host}/api/data/v9.2/contacts?$skiptoken=1"
    responses.get("https://acme.crm4.dynamics.com/api/data/v9.2/contacts", json={"@odata.nextLink": link})
    responses.get(link, json={"value": [JANA]})
    client = Client(origin="https://acme.crm4.dynamics.com/", token=lambda forced: "t", session=transport.new_session())

    assert [page.rows for page in client.pages("contacts", budget=Budget(5))] == [[], [JANA]]


@responses.activate
@pytest.mark.parametrize("host", ["beta.crm4.dynamics.com", "acme.crm.dynamics.com", "acme.api.api.crm4.dynamics.com"])
def test_a_link_to_another_customer_gets_no_token(host: str) -> None:
    client = Client(
        origin="https://acme.api.crm4.dynamics.com", token=lambda forced: "t", session=transport.new_session()
    )

    with pytest.raises(errors.ForeignAddress):
        client.get(f"https://{host}/api/data/v9.2/contacts", budget=Budget(5))
    assert len(responses.calls) == 0


@pytest.mark.parametrize(
    "origin",
    [
        "http://acme.crm4.dynamics.com",
        "https://acme.crm4.dynamics.com/main.aspx",
        "https://user:pw@acme.crm4.dynamics.com",
        "https://acme.crm4.dynamics.com?x=1",
        "ftp://127.0.0.1",
        "acme.crm4.dynamics.com",
        "https://",
        "",
    ],
)
def test_only_an_https_origin_is_an_instance(origin: str) -> None:
    with pytest.raises(ValueError):
        Client(origin=origin, token=lambda forced: "t")


def test_a_refused_token_is_refreshed_once(dataverse: StandIn) -> None:
    dataverse.plays(error(401, ""), Reply(body=JANA))

    assert dataverse.client.get(CONTACT, budget=Budget(5)).data == JANA
    assert [seen.headers["authorization"] for seen in dataverse.seen] == ["Bearer stale", "Bearer fresh"]
    assert dataverse.forced == [False, True]


def test_a_note_refused_for_its_token_is_sent_again_even_as_a_plain_post(dataverse: StandIn) -> None:
    dataverse.plays(Reply(401), Reply(204))

    dataverse.client.create("phonecalls", {"subject": "x"}, budget=Budget(5))

    assert [seen.body for seen in dataverse.seen] == [{"subject": "x"}] * 2


def test_a_fresh_token_refused_as_well_means_sign_in(dataverse: StandIn) -> None:
    dataverse.plays(Reply(401), Reply(401), Reply(body=JANA))

    with pytest.raises(errors.SignInRequired):
        dataverse.client.get(CONTACT, budget=Budget(5))
    assert dataverse.forced == [False, True]


def test_a_token_is_forced_once_even_when_an_outage_follows(dataverse: StandIn) -> None:
    dataverse.plays(Reply(401), Reply(503), Reply(body=JANA))

    assert dataverse.client.get(CONTACT, budget=Budget(5)).data == JANA
    assert dataverse.forced == [False, True]


def test_a_stranger_is_not_asked_to_sign_in_again(dataverse: StandIn) -> None:
    dataverse.plays(error(401, "0x80072560"))

    with pytest.raises(errors.NotAMember):
        dataverse.client.get("WhoAmI", budget=Budget(5))
    assert dataverse.forced == [False]


def test_no_cookie_is_kept_or_shared(dataverse: StandIn) -> None:
    dataverse.plays(Reply(body=JANA, headers={"Set-Cookie": "ARRAffinity=abc; path=/; HttpOnly"}))

    for _ in range(2):
        dataverse.client.get(CONTACT, budget=Budget(5))

    assert [seen.headers.get("cookie") for seen in dataverse.seen] == [None, None]
    assert len(dataverse.session.cookies) == 0


def test_metrics_see_no_ids_and_no_numbers(dataverse: StandIn) -> None:
    dataverse.plays(Reply(404), Reply(), Reply())

    with pytest.raises(errors.NotFound):
        dataverse.client.get(odata.query(CONTACT, select=["fullname"]), budget=Budget(5))
    dataverse.client.get("EntityDefinitions(LogicalName='nnn_x')/Attributes?$select=A", budget=Budget(5))
    dataverse.client.get(f"{dataverse.origin}/api/data/v9.2/contacts?$skiptoken=777123456", budget=Budget(5))

    assert dataverse.measured == [
        ("GET", "contacts(…)", 404),
        ("GET", "EntityDefinitions(…)/Attributes", 200),
        ("GET", "contacts", 200),
    ]


def test_logs_name_the_request_but_neither_record_nor_token(
    dataverse: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    dataverse.plays(error(404, "0x80040217", f"contact With Id = {RECORD}", x_ms_service_request_id="77-88"))

    with caplog.at_level("DEBUG", "tenants"), pytest.raises(errors.NotFound):
        dataverse.client.get(CONTACT, budget=Budget(5))

    assert [entry.getMessage() for entry in caplog.records] == [
        "GET contacts(…): NotFound 404 0x80040217 request 77-88"
    ]


def test_connections_are_shared_between_threads(dataverse: StandIn) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: dataverse.client.get("contacts", budget=Budget(5)).status, range(40)))

    assert answers == [200] * 40


def test_one_session_serves_the_process() -> None:
    assert transport.shared_session() is transport.shared_session()
    assert transport.shared_session().trust_env is False


def test_the_session_trusts_what_the_environment_names(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("x")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert transport.new_session().verify is True

    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert transport.new_session().verify == str(bundle)
    assert transport.new_session(ca_file=__file__).verify == __file__

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with pytest.raises(ValueError, match=r"missing\.pem does not exist"):
        transport.new_session()


def test_proxies_of_the_environment_are_not_used(dataverse: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")

    assert dataverse.client.get("contacts", budget=Budget(5)).status == 200


@pytest.mark.parametrize(
    "failure", [requests.ConnectionError("x"), requests.exceptions.InvalidHeader("x"), OSError("x")]
)
@responses.activate
def test_every_failure_of_the_library_is_one_of_ours(failure: Exception) -> None:
    responses.get("https://acme.crm4.dynamics.com/api/data/v9.2/contacts", body=failure)
    client = Client(origin="https://acme.crm4.dynamics.com", token=lambda forced: "t", session=transport.new_session())

    with pytest.raises(errors.Unavailable) as caught:
        client.get("contacts", budget=Budget(5))
    assert caught.value.status is None

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from tenants.dataverse import errors

GUID = "af6d0000-0000-4000-8000-000000000001"
LACKS = (
    f"Principal user (Id={GUID}, type=8, roleCount=4, privilegeCount=783, accessMode=0), is missing prvReadContact "
    f"privilege (Id={GUID}) on OTC=2 for entity 'contact' (LocalizedName='Contact'). context.Caller={GUID}"
)
NO_DEPTH = f"Principal user (Id={GUID}) does not have ReadAccess right(s) for record with id {GUID} of entity contact"
TOO_LONG = (
    "A validation error occurred. The length of the 'subject' attribute of the 'phonecall' entity exceeded the maximum "
    "allowed length of '200'."
)
NO_PROPERTY = "Could not find a property named 'nnn_gone' on type 'Microsoft.Dynamics.CRM.account'."
UNDECLARED = (
    "An undeclared property 'parentcustomerid' which only has property annotations in the payload but no property value "
    "was found in the payload."
)


def answer(status: int, code: Any = "", message: str = "", headers: dict[str, str] | None = None, **more: bool):
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return errors.from_answer(status, headers or {}, body, **more)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "acts"),
    [
        (404, "0x8006088a", "Resource not found for the segment 'Account'.", errors.UnknownName, "us"),
        (404, "0x80060888", "Resource not found for the segment 'x'.", errors.UnknownName, "us"),
        (404, "", "No HTTP resource was found that matches the request URI '…/WhoAmI'.", errors.UnknownName, "us"),
        (400, "0x0", NO_PROPERTY, errors.UnknownName, "us"),
        (400, "", UNDECLARED, errors.UnknownName, "us"),
        (400, "0x0", "… Invalid property 'Name' was found in entity 'Microsoft…account'.", errors.UnknownName, "us"),
        (400, "0x80048d19", "Error identified in Payload provided by the user", errors.UnknownName, "us"),
        (404, "0x80040217", f"contact With Id = {GUID} Does Not Exist", errors.NotFound, "nobody"),
        (403, "0x80040220", LACKS, errors.MissingPrivilege, "admin"),
        (403, "0x80048306", NO_DEPTH, errors.MissingPrivilege, "admin"),
        (403, "0x80072560", "The user is not a member of the organization.", errors.NotAMember, "admin"),
        (401, "0x80072560", "The user is not a member of the organization.", errors.NotAMember, "admin"),
        (403, "0x80042f09", "no roles", errors.NotAMember, "admin"),
        (412, "0x80060882", "The version of the existing record doesn't match", errors.VersionMismatch, "agent"),
        (412, "0x80040237", "A record with matching key values already exists.", errors.AlreadyExists, "nobody"),
        (400, "0x80044331", TOO_LONG, errors.TooLong, "agent"),
        (400, "0x80043500", "Cannot update Closed or Cancelled Activity", errors.Closed, "us"),
        (400, "0x80040265", "Neplatné IČO 123", errors.Refused, "admin"),
        (400, "0x80048573", "leading wildcard", errors.QueryTooHeavy, "us"),
        (500, "0x80044151", "SQL timeout", errors.QueryTooHeavy, "us"),
        (429, "0x80072322", "Number of requests exceeded the limit of 6000", errors.Throttled, "nobody"),
        (503, "", "", errors.Unavailable, "nobody"),
        (500, "0x80040216", "An unexpected error occurred.", errors.Unavailable, "nobody"),
        (401, "", "", errors.SignInRequired, "agent"),
        (405, "", "", errors.Refused, "admin"),
        (501, "0x80040800", "not implemented", errors.Refused, "admin"),
        (302, "", "", errors.Unavailable, "nobody"),
    ],
)
def test_each_answer_says_who_must_act(
    status: int, code: str, message: str, kind: type[errors.DataverseError], acts: str
) -> None:
    error = answer(status, code, message)

    assert type(error) is kind
    assert (error.acts, error.status, error.code, error.detail) == (acts, status, code, message)


@pytest.mark.parametrize(
    "message", [LACKS, NO_DEPTH, TOO_LONG, f"contact With Id = {GUID} Does Not Exist", "+420777123456"]
)
def test_the_sentence_never_repeats_what_microsoft_said(message: str) -> None:
    for status in (400, 403, 404, 412, 500):
        error = answer(status, "", message)
        assert str(error) == type(error).sentence
        assert message not in repr(error)


def test_a_missing_right_is_named() -> None:
    error = answer(403, "0x80040220", LACKS)
    shallow = answer(403, "0x80048306", NO_DEPTH)

    assert isinstance(error, errors.MissingPrivilege)
    assert isinstance(shallow, errors.MissingPrivilege)
    assert (error.privilege, error.table) == ("prvReadContact", "contact")
    assert (shallow.privilege, shallow.table) == ("", "contact")


def test_a_too_long_text_names_its_column_and_limit() -> None:
    error = answer(400, "0x80044331", TOO_LONG)

    assert isinstance(error, errors.TooLong)
    assert (error.column, error.limit) == ("subject", 200)


def test_a_stale_name_is_named() -> None:
    names = [
        answer(400, "0x0", text) for text in (NO_PROPERTY, UNDECLARED, "Resource not found for the segment 'Leads'.")
    ]

    assert [error.name for error in names if isinstance(error, errors.UnknownName)] == [
        "nnn_gone", "parentcustomerid", "Leads",
    ]  # fmt: skip


def test_a_412_without_a_code_depends_on_what_was_asked() -> None:
    assert type(answer(412, created=True)) is errors.AlreadyExists
    assert type(answer(412)) is errors.VersionMismatch


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (b'{"error":{"code":"0x80040217","message":"gone"}}', "0x80040217", "gone"),
        (b'\xef\xbb\xbf{"error":{"code":"","message":"bom"}}', "", "bom"),
        (b'{"error":{"code":"-2147220969","message":"int"}}', "0x80040217", "int"),
        (b'{"error":{"code":-2147220969,"message":"int"}}', "0x80040217", "int"),
        (b'{"error":{"code":"0X80040217","message":{"lang":"en","value":"v3"}}}', "0x80040217", "v3"),
        (b'{"error":{"code":null,"message":null}}', "", ""),
        (b'{"error":"invalid_request"}', "", "invalid_request"),
        (
            b'{"Message":"Authorization has been denied for this request."}',
            "",
            "Authorization has been denied for this request.",
        ),
    ],
)
def test_every_known_shape_of_body_is_read(body: bytes, code: str, text: str) -> None:
    assert errors.read_body(body) == (code, text)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Our services aren't available</html>", b'{"error":{"co', b"[]", b"5", b"\xff" * 9, b"[" * 99999],
)
def test_other_bodies_are_nothing(body: bytes) -> None:
    assert errors.read_body(body) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Unavailable),
        (403, errors.Unavailable),
        (404, errors.Unavailable),
        (502, errors.Unavailable),
        (401, errors.SignInRequired),
        (412, errors.VersionMismatch),
        (414, errors.QueryTooHeavy),
        (429, errors.Throttled),
    ],
)
def test_a_front_ends_html_page_is_an_outage_unless_the_status_says_all(
    status: int, kind: type[errors.DataverseError]
) -> None:
    assert type(errors.from_answer(status, {}, b"<!DOCTYPE html><p>Azure</p>")) is kind


@pytest.mark.parametrize(("status", "applied"), [(500, True), (502, True), (503, True), (429, False), (400, False)])
def test_a_write_that_met_a_server_error_may_have_been_applied(status: int, applied: bool) -> None:
    assert answer(status, wrote=True).may_have_applied is applied
    assert answer(status).may_have_applied is False


@time_machine.travel(datetime(2026, 11, 22, 10, 0, tzinfo=UTC), tick=False)
@pytest.mark.parametrize(
    ("header", "meant"),
    [
        ("17", 17.0),
        ("0.5", 0.5),
        (" 3 ", 3.0),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, meant: float | None) -> None:
    assert errors.seconds(header) == meant


def test_support_gets_microsofts_request_id() -> None:
    assert answer(400, headers={"x-ms-service-request-id": "11-22"}).request_id == "11-22"
    assert answer(400, headers={"REQ_ID": "33"}).request_id == "33"

"""Every address the portal answers at, and what each person gets there.

`WINDOW`, `TOP_LEVEL`, `API`, `ACCOUNTS` and `PORTAL` map an address to its method and one status per persona. In the
window everybody asks about *jana's* call at Acme's instance, in the portal about Acme's pages.
"""

from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver

PERSONAS = ("anonymous", "jana", "bob", "eve", "alice", "ivana", "otto")
Row = tuple[str, tuple[int, ...]]


def only_jana(method: str, status: int = 200) -> Row:
    """Her own window answers; a colleague's says that there is no such call; everybody else is nobody here."""
    return method, (401, status, 404, 401, 401, 401, 401)


def agents(method: str, status: int = 200) -> Row:
    """About the asking agent, whoever that is."""
    return method, (401, status, status, 401, 401, 401, 401)


def everybody(method: str, status: int = 200) -> Row:
    return method, (status,) * 7


def members(method: str, status: int = 200, *, others: int = 302) -> Row:
    """People with a portal session; a window's session is none."""
    return method, (others, others, others, others, status, status, status)


def acmes(method: str, status: int = 200) -> Row:
    """Acme's page in the portal: for alice, and for staff; otto, Beta's admin, finds nothing; others are sent to sign in."""
    return method, (302, 302, 302, 302, status, status, 404)


WINDOW: dict[str, Row] = {
    "window:shell": everybody("GET"),
    "window:state": agents("GET"),
    "window:open": agents("POST"),
    "window:call": only_jana("GET"),
    "window:who": only_jana("GET"),
    "window:matches": only_jana("GET"),
    "window:details": only_jana("GET"),
    "window:history": only_jana("GET"),
    "window:activities": only_jana("GET"),
    "window:find": only_jana("GET"),
    "window:names": only_jana("POST"),
    "window:number": ("GET", (401, 404, 404, 401, 401, 401, 401)),  # asked without a record: nothing to show
    "window:number_add": only_jana("POST"),
    "window:about": only_jana("POST"),
    "window:forget": only_jana("POST"),
    "window:choose": only_jana("POST"),
    "window:note": only_jana("POST"),
    "window:note_send": only_jana("POST"),
    "window:note_keep": only_jana("POST"),
    "window:note_load": only_jana("POST"),
    "window:note_aside": only_jana("POST"),
    "window:note_now": only_jana("POST"),
    "window:day": agents("GET"),
    "window:day_lines": agents("GET"),
    "window:settings": agents("GET"),
    "window:quiet": agents("POST"),
    "window:follow_up_form": only_jana("GET"),
    "window:follow_up": only_jana("POST"),
    "window:follow_up_discard": only_jana("POST"),
    "window:follow_up_draft": only_jana("POST", 204),
    "window:create": only_jana("POST", 422),
    "window:close": only_jana("POST"),
    "window:painted": only_jana("POST", 204),
    "window:sign_in": everybody("POST"),
    "window:sign_in_status": ("GET", (200, 204, 200, 200, 200, 200, 200)),  # another window's attempt: begin your own
    "window:sign_in_code": ("POST", (200, 422, 200, 200, 200, 200, 200)),
}
TOP_LEVEL: dict[str, Row] = {
    "window:enter": everybody("GET", 404),
    "window:events": everybody("GET", 204),
    "window:opening": everybody("GET"),
    "window:sign_in_page": everybody("GET", 302),
    "signin:callback": everybody("GET", 400),
    "signin:done": everybody("GET", 410),
    "signin:portal": everybody("GET", 302),
    "signin:ended": everybody("GET", 410),
    "signin:consent": everybody("GET"),  # whoever holds Acme's link reads what it is for
    "signin:consent_at_microsoft": everybody("GET", 302),
    "root": everybody("GET", 302),
    "set_language": everybody("POST", 302),
    "healthz": everybody("GET"),
    "readyz": everybody("GET"),
    "metrics": everybody("GET", 404),  # needs METRICS_TOKEN
    "invitation": everybody("GET"),  # whoever holds its link reads what it is for
    "invitation_account": members("POST", 302, others=422),  # no name was typed; whoever is signed in has an account
    "invitation_sign_in": everybody("POST", 302),
    "invitation_microsoft": everybody("GET", 302),
    "invitation_accept": everybody("POST", 302),  # of a link that does not work
    "activate": everybody("GET"),  # whoever holds bob's link reads what it is for
    "activate_sign_in": everybody("GET", 302),  # and is sent to Microsoft, where only his account will do
}
API: dict[str, Row] = {
    "api:token": everybody("POST", 401),
    "api:events": everybody("POST", 401),
    "api:window_tickets": everybody("POST", 401),
    "api:lookup": everybody("POST", 401),
    "api:verify": everybody("POST", 401),
    "api:write": everybody("POST", 401),
    "api:openapi-json": everybody("GET"),
    "api:openapi-view": everybody("GET"),
    "api:api-root": everybody("GET", 404),
}
ACCOUNTS: dict[str, Row] = {
    "account_login": members("GET", 302, others=200),
    "account_request_login_code": members("GET", 302, others=200),
    "account_confirm_login_code": everybody("GET", 302),
    "account_logout": members("GET"),
    "account_inactive": everybody("GET"),
    "account_signup": members("GET", 302, others=200),  # says that accounts are given by invitation
    "account_reauthenticate": members("GET"),
    "account_change_password": members("GET"),
    "account_set_password": members("GET", 302),
    "account_reset_password": everybody("GET"),
    "account_confirm_password_reset_code": everybody("GET", 302),
    "account_complete_password_reset": everybody("GET", 302),
    "account_password_reset_completed": everybody("GET"),
    "mfa_index": everybody("GET", 302),
    "mfa_authenticate": everybody("GET", 302),
    "mfa_reauthenticate": everybody("GET", 302),  # nobody has a second factor yet
    "mfa_activate_totp": members("GET"),
    "mfa_deactivate_totp": members("GET", 404),
    "mfa_view_recovery_codes": members("GET", 404),
    "mfa_generate_recovery_codes": members("GET"),
    "mfa_download_recovery_codes": members("GET", 404),
}
PORTAL: dict[str, Row] = {
    "portal:home": ("GET", (302, 302, 302, 302, 302, 302, 302)),
    "portal:account": members("GET"),
    "portal:account_name": members("POST", 422),
    "portal:link": ("GET", (302, 302, 302, 302, 302, 302, 302)),
    "portal:unlink": ("POST", (302, 302, 302, 302, 404, 404, 404)),  # an account that nobody has linked
    "portal:connect": acmes("GET", 302),
    "portal:keep": acmes("POST", 404),  # nobody has connected yet
    "portal:disconnect": acmes("POST", 404),
    "portal:checklist": acmes("GET"),
    "portal:step_skip": acmes("POST", 302),
    "portal:step_take_back": acmes("POST", 302),
    "portal:go_live": acmes("POST", 302),
    "portal:back_to_setup": acmes("POST", 302),
    "portal:instance": acmes("POST", 422),
    "portal:instance_understood": acmes("POST"),
    "portal:from_to": acmes("POST", 302),
    "portal:colleagues": acmes("GET"),
    "portal:invite": acmes("POST", 422),
    "portal:invitation_withdraw": acmes("POST", 404),  # nobody is invited
    "portal:people": acmes("GET"),
    "portal:people_import": acmes("GET"),
    "portal:people_apply": acmes("POST", 422),
    "portal:people_export": acmes("GET"),
    "portal:people_enable": acmes("POST", 302),
    "portal:people_disable": acmes("POST", 302),
    "portal:people_send": acmes("POST", 302),
    "portal:person_add": acmes("POST", 422),
    "portal:person": acmes("GET"),
    "portal:person_window": acmes("POST", 302),
    "portal:person_send": acmes("POST", 302),
    "portal:checks": acmes("GET"),
    "portal:checks_run": acmes("POST", 302),
    "portal:checks_report": acmes("GET"),
    "portal:operation": acmes("GET"),
    "portal:guide": acmes("GET"),
    "personal:page": acmes("GET"),
    "personal:find": acmes("POST", 422),  # nothing was typed
    "personal:file": acmes("POST", 302),
    "personal:erase": acmes("POST", 302),
    "not_logged": acmes("GET"),
    "status": acmes("GET"),
    "portal:owners": acmes("GET"),
    "not_logged_give_up": acmes("POST", 302),
    "not_logged_again": acmes("POST", 302),
    "portal:operation_save": acmes("POST", 422),
    "portal:outcomes": acmes("POST"),
    "portal:forget_numbers": acmes("POST", 302),
    "portal:operation_file": acmes("GET"),
    "portal:keys": acmes("GET"),
    "portal:key_make": acmes("POST", 422),
    "portal:key_replace": acmes("POST", 404),  # a key that is none
    "portal:key_revoke": acmes("POST", 404),
    "portal:ivr": acmes("GET"),
    "portal:ivr_save": acmes("POST", 422),
    "portal:ivr_remove": acmes("POST", 302),
    "portal:ivr_report": acmes("GET"),
    "portal:ivr_certificate": acmes("GET", 404),  # there is none yet
    "portal:ivr_certificate_remove": acmes("POST", 404),
    "portal:ivr_secret_remove": acmes("POST", 404),
    "ivr_functions:page": acmes("GET"),
    "ivr_functions:new": acmes("GET"),
    "ivr_functions:edit": acmes("POST"),
    "ivr_functions:save": acmes("POST", 422),
    "ivr_functions:try": acmes("POST"),
    "ivr_functions:show": acmes("GET"),
    "ivr_functions:switch": acmes("POST", 302),
    "ivr_functions:remove": acmes("POST", 302),
    "numbers:page": acmes("GET"),
    "numbers:state": acmes("GET"),
    "numbers:switch": acmes("POST", 302),
    "numbers:now": acmes("POST", 302),
    "numbers:report": acmes("GET", 404),  # the index is off
    "numbers:file": acmes("GET", 404),
    "portal:card": acmes("GET"),
    "portal:card_edit": acmes("POST"),
    "portal:card_save": acmes("POST", 302),
    "portal:card_find": acmes("POST"),
    "portal:searched": acmes("GET"),
    "portal:searched_save": acmes("POST", 302),
    "portal:own_tables": acmes("GET"),
    "portal:own_table_move": acmes("POST", 302),
    "portal:own_table_remove": acmes("POST", 302),
    "portal:own_table_export": acmes("GET"),
    "portal:own_table_text": acmes("GET"),
    "portal:own_table_read": acmes("POST"),
    "portal:own_table_save": acmes("POST", 422),
    "portal:own_table_choose": acmes("GET"),
    "portal:own_table_columns": acmes("GET"),
    "portal:own_table_check": acmes("POST"),
    "portal:own_table_columns_save": acmes("POST", 422),
    "portal:leads": acmes("GET"),
    "portal:leads_switch": acmes("POST", 302),
}
TABLE = WINDOW | TOP_LEVEL | API | ACCOUNTS | PORTAL
STAFF_ONLY = "admin:"  # and all that Django adds under it: for everybody but staff it is a login page


def names() -> Iterator[str]:
    """The name of every address; those without one by their pattern."""
    yield from _names(get_resolver(), "")


def _names(resolver: Any, namespace: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if hasattr(entry, "url_patterns"):
            yield from _names(entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)
        else:
            yield namespace + (entry.name or str(entry.pattern))

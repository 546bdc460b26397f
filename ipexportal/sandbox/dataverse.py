"""The Dataverse Web API of one invented organization, Acme: takes a request of a member, gives the answer.

Microsoft: "Use the Microsoft Dataverse Web API". Rows live in memory; nothing here knows HTTP servers or tokens.
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ipexportal.sandbox import batch, csdl, demo_data, errors, functions, metadata, odata
from ipexportal.sandbox.customizing import ACTIONS, Customizing
from ipexportal.sandbox.definitions import Definitions
from ipexportal.sandbox.directory import ORGANIZATION_ID, User
from ipexportal.sandbox.formatting import preferences
from ipexportal.sandbox.http import Request, Response
from ipexportal.sandbox.metadata import Collection, Table
from ipexportal.sandbox.odata import Options
from ipexportal.sandbox.reading import COUNT_LIMIT, Caller, Page, Reader, context, selected
from ipexportal.sandbox.rights import Rights
from ipexportal.sandbox.store import Row, Store
from ipexportal.sandbox.tracking import Tokens, Tracker
from ipexportal.sandbox.writing import GUID, Writer

Json = dict[str, Any]
ROOT: Final = re.compile(r"/api/data/(v9\.[0-2])/(.*)", re.DOTALL)
RECORD: Final = re.compile(r"(\w+)\(([^)]*)\)(?:/(.+))?", re.DOTALL)
SET: Final = re.compile(r"(\w+)(?:/(\$count))?")
LATER: Final = ("RetrieveMetadataChanges", "RelationshipDefinitions")
FUNCTIONS: Final = ("WhoAmI", "RetrieveVersion", "RetrieveCurrentOrganization")


class Dataverse:
    """One organization. `writes` lists what was applied, as (method, path, user principal name)."""

    def __init__(self, *, records: int = 300, seed: int = 1) -> None:
        self.model = metadata.load()
        self.store = Store(self.model)
        self.rights = Rights(self.model)
        self.customizing = Customizing(self.model, self.rights)
        self.writes: list[tuple[str, str, str]] = []
        self.tokens = Tokens()
        self.organization_id = ORGANIZATION_ID
        self._described: dict[tuple[object, ...], Response] = {}
        self.refuse_leading_wildcards = False
        self.refuse_nested_parties = False
        self._lock = threading.RLock()
        demo_data.fill(self.store, records=records, seed=seed)

    def handle(self, request: Request, user: User) -> Response:
        """Answer one request of a user who has a system user in the organization."""
        with self._lock:
            return self._answered(request, user)

    # what the CRM page and tests look at and change

    def table(self, logical_name: str) -> Table | None:
        return self.model.tables.get(logical_name)

    def record(self, table: str, record_id: str) -> Row | None:
        """The stored row, without anybody's rights."""
        with self._lock:
            return self.store.get(table, record_id.lower())

    def phone_calls_about(self, record_id: str) -> list[Row]:
        """Stored phone calls whose regarding is this record, the newest first."""
        with self._lock:
            where, order = '"regardingobjectid" = ?', '"createdon" DESC'
            return list(self.store.select("phonecall", (), where, [record_id.lower()], order=order))

    def revoke(self, privilege: str, upn: str | None = None) -> None:
        """Take a privilege such as prvReadContact from one user, or from all."""
        self.rights.revoked.add((privilege, upn))

    def grant(self, privilege: str, upn: str | None = None) -> None:
        """Give back what `revoke` took."""
        self.rights.revoked.discard((privilege, upn))

    def require(self, table: str, column: str, level: str) -> None:
        """Set a column's required level: None, Recommended, ApplicationRequired or SystemRequired. Published at once."""
        self.customizing.pending.pop((table, column), None)
        self.model.change_column(table, column, required=level)

    # routing

    def _answered(self, request: Request, user: User) -> Response:
        try:
            return self._answer(request, user)
        except errors.Refused as refused:
            return refused.response()
        except RecursionError:
            return errors.error(400, "0x8004430c", "The request is nested too deeply.")

    def _answer(self, request: Request, user: User) -> Response:
        found = ROOT.fullmatch(request.path)
        if not found:
            raise errors.unknown_segment(request.path.strip("/").partition("/")[0])
        if len(request.path) + len(request.query) > odata.MAX_URL and request.method == "GET":
            return Response(414, [("Content-Type", "text/html")], b"<h2>Request URL Too Long</h2>")
        caller = Caller(user, f"{request.origin}/api/data/{found[1]}", preferences(request.headers.get("prefer", "")))
        if impersonated := {"callerobjectid", "mscrmcallerid"} & set(request.headers):
            raise errors.not_implemented(f"Impersonation ({min(impersonated)})")
        path = found[2]
        if path == "$batch":
            return batch.answer(request, lambda one: self._answered(one, user))
        if path.startswith(LATER):
            raise errors.not_implemented(re.split(r"[(/]", path)[0])
        if path in ACTIONS or (path.startswith("EntityDefinitions") and request.method != "GET"):
            return self._customize(request, path, caller)
        if path in ("", "$metadata") or path.startswith((*FUNCTIONS, "EntityDefinitions")):
            return self._about_service(request, path, caller)
        return self._records(request, path, caller)

    def _about_service(self, request: Request, path: str, caller: Caller) -> Response:
        if request.method != "GET":
            uri = f"{request.origin}{request.path}"
            raise errors.Refused(404, "", f"No HTTP resource was found that matches the request URI '{uri}'.")
        if path == "$metadata":
            return Response(200, [("Content-Type", "application/xml")], csdl.document(self.model).encode())
        if path == "":
            sets = [{"name": one, "kind": "EntitySet", "url": one} for one in sorted(self.model.sets)]
            return _json(200, {"@odata.context": f"{caller.base}/$metadata", "value": sets})
        if path.startswith("EntityDefinitions"):
            return self._description(request, path, caller)
        answer = functions.unbound(path, caller)
        if answer is None:
            raise errors.unknown_segment(path)
        if "OrganizationId" in answer:
            answer["OrganizationId"] = self.organization_id
        return _json(200, answer)

    def _description(self, request: Request, path: str, caller: Caller) -> Response:
        """Of tables, kept until the model changes: a long one takes tenths of a second to write."""
        asked = (self.model.revision, path, request.query, caller.base, caller.user.language)
        if asked not in self._described:
            answer = _json(200, Definitions(self.model, caller).answer(path, request.query))
            kept = {key: value for key, value in self._described.items() if key[0] == asked[0]}
            self._described = {**kept, asked: answer}
        return replace(self._described[asked], headers=list(self._described[asked].headers))

    def _customize(self, request: Request, path: str, caller: Caller) -> Response:
        act = self.customizing.publish if path in ACTIONS else self.customizing.change
        answer = act(request, path, caller.user)
        self.writes.append((request.method, request.path, caller.user.upn))
        return answer

    def _records(self, request: Request, path: str, caller: Caller) -> Response:
        if found := SET.fullmatch(path):
            table = self._table(found[1])
            return self._on_set(request, table, caller, count=bool(found[2]))
        found = RECORD.fullmatch(path)
        if not found:
            raise errors.unknown_segment(path.partition("/")[0])
        table = self._table(found[1])
        record_id = _key(table, found[2])
        if found[3]:
            return self._on_part(request, table, record_id, found[3], caller)
        return self._on_record(request, table, record_id, caller)

    def _table(self, entity_set: str) -> Table:
        table = self.model.sets.get(entity_set)
        if table is None:
            raise errors.unknown_segment(entity_set)
        return table

    def _reader(self, caller: Caller) -> Reader:
        return Reader(self.store, self.rights, caller, self.refuse_leading_wildcards)

    def _writer(self, caller: Caller) -> Writer:
        return Writer(self.store, self.rights, caller.user, self.refuse_nested_parties)

    # sets

    def _on_set(self, request: Request, table: Table, caller: Caller, *, count: bool) -> Response:
        if request.method == "POST" and not count:
            return self._create(request, table, caller)
        _only(request, "GET")
        options = odata.parse(request.query)
        if caller.prefer.track_changes or options.deltatoken:
            return self._tracked(
                request, Tracker(self._reader(caller), self.tokens, table, options, request.query), count
            )
        if count:
            return Response(
                200, [("Content-Type", "text/plain")], str(self._reader(caller).count(table, options)).encode()
            )
        page = self._reader(caller).page(table, options, _link(request))
        return self._listed(table, options, page, caller)

    def _listed(self, table: Table, options: Options, page: Page, caller: Caller) -> Response:
        shown: Json = {"@odata.context": context(caller, table, options, single=False)}
        if page.count is not None:
            shown["@odata.count"] = min(page.count, COUNT_LIMIT)
        if caller.prefer.wants("Microsoft.Dynamics.CRM.totalrecordcount"):
            shown["@Microsoft.Dynamics.CRM.totalrecordcount"] = shown.get("@odata.count", -1)
        if caller.prefer.wants("Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"):
            shown["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] = (page.count or 0) > COUNT_LIMIT
        shown["value"] = page.rows
        if page.next_link:
            shown["@odata.nextLink"] = page.next_link
        return _json(200, shown, applied=caller.prefer.applied)

    def _tracked(self, request: Request, tracker: Tracker, count: bool) -> Response:
        if count:
            return Response(200, [("Content-Type", "text/plain")], str(tracker.count()).encode())
        page, caller, options = tracker.page(f"{request.origin}{request.path}"), tracker.reader.caller, tracker.options
        delta = "/$delta" if options.deltatoken else ""
        shown: Json = {
            "@odata.context": context(caller, tracker.table, options, single=False) + delta,
            "value": page.rows,
        }
        links = {"@odata.nextLink": page.next_link, "@odata.deltaLink": page.delta_link}
        shown |= {name: link for name, link in links.items() if link}
        return _json(200, shown, applied=caller.prefer.applied)

    def track_changes(self, table: str, on: bool) -> None:
        """Switch a table's change tracking on or off; raises ValueError for a table that is not there."""
        if table not in self.model.tables:
            raise ValueError(f"There is no table {table}.")
        self.model.change_table(table, change_tracking=on)

    def expire_delta_tokens(self) -> None:
        """End every delta token and every link to further pages of changes given so far."""
        with self._lock:
            self.tokens.expire(self.store.version)
            self.store.next_version()

    def _create(self, request: Request, table: Table, caller: Caller) -> Response:
        options = _representation(request, table)
        record_id = self._writer(caller).create(table, _body(request, table))
        return self._written(request, table, record_id, options, caller, created=True)

    def _written(
        self, request: Request, table: Table, record_id: str, options: Options, caller: Caller, *, created: bool
    ) -> Response:
        self.writes.append((request.method, request.path, caller.user.upn))
        if not caller.prefer.representation:
            address = f"{caller.base}/{table.entity_set}({record_id})"
            return Response(204, [("OData-Version", "4.0"), ("OData-EntityId", address), ("Location", address)])
        shown = {"@odata.context": context(caller, table, options, single=True)}
        shown |= self._reader(caller).one(table, record_id, options)
        return _json(201 if created else 200, shown, applied=caller.prefer.applied)

    # records

    def _on_record(self, request: Request, table: Table, record_id: str, caller: Caller) -> Response:
        acts: dict[str, Callable[[Request, Table, str, Caller], Response]] = {
            "GET": self._read,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }
        if request.method not in acts:
            _only(request, "GET", "PATCH", "DELETE")
        return acts[request.method](request, table, record_id, caller)

    def _read(self, request: Request, table: Table, record_id: str, caller: Caller) -> Response:
        options = odata.parse(request.query)
        shown = self._reader(caller).one(table, record_id, options)
        known = request.headers.get("if-none-match", "")
        if known == shown["@odata.etag"] and not options.expand and not caller.prefer.annotations:
            return Response(304, [("OData-Version", "4.0")])
        single = {"@odata.context": context(caller, table, options, single=True)}
        return _json(200, single | shown, applied=caller.prefer.applied)

    def _patch(self, request: Request, table: Table, record_id: str, caller: Caller) -> Response:
        options = _representation(request, table)
        created = self._writer(caller).upsert(
            table,
            record_id,
            _body(request, table),
            _version(request.headers.get("if-match", "")),
            _version(request.headers.get("if-none-match", "")),
        )
        return self._written(request, table, record_id, options, caller, created=created)

    def _delete(self, request: Request, table: Table, record_id: str, caller: Caller) -> Response:
        self._writer(caller).delete(table, record_id, _version(request.headers.get("if-match", "")))
        self.writes.append((request.method, request.path, caller.user.upn))
        return Response(204, [("OData-Version", "4.0")])

    # parts of a record: one property, a navigation property, a bound function

    def _on_part(self, request: Request, table: Table, record_id: str, part: str, caller: Caller) -> Response:
        name, _, rest = part.partition("/")
        if part.startswith("Microsoft.Dynamics.CRM.") and table.logical_name == "systemuser":
            return self._bound_function(request, part.removeprefix("Microsoft.Dynamics.CRM."), record_id, caller)
        if rest not in ("", "$count"):
            raise errors.not_implemented(f"'{rest}' after a navigation property")
        if name in table.collections:
            return self._members(request, table, record_id, table.collections[name], caller, count=rest == "$count")
        if name in table.navigation and not rest:
            _only(request, "GET")
            target = self._reader(caller).target_of(table, record_id, table.navigation[name])
            return Response(204, [("OData-Version", "4.0")]) if target is None else self._read(request, *target, caller)
        column = table.properties.get(name)
        if column is None or rest:
            raise errors.unknown_segment(name)
        return self._property(request, table, record_id, name, caller)

    def _bound_function(self, request: Request, name: str, record_id: str, caller: Caller) -> Response:
        _only(request, "GET")
        parts = {"model": self.model, "store": self.store, "rights": self.rights}
        answer = functions.bound(name, request.query, record_id, caller, **parts)  # type: ignore[arg-type]
        if answer is None:
            raise errors.unknown_segment(f"Microsoft.Dynamics.CRM.{name}")
        return _json(200, answer)

    def _members(
        self, request: Request, table: Table, record_id: str, collection: Collection, caller: Caller, *, count: bool
    ) -> Response:
        _only(request, "GET")
        reader, options = self._reader(caller), odata.parse(request.query)
        reader.record(table, record_id, [table.id_column])
        other, within = self.model[collection.table], reader.members_of(table, record_id, collection)
        if count:
            number = reader.count(other, options, within=within)
            return Response(200, [("Content-Type", "text/plain")], str(number).encode())
        return self._listed(other, options, reader.page(other, options, _link(request), within=within), caller)

    def _property(self, request: Request, table: Table, record_id: str, name: str, caller: Caller) -> Response:
        if request.method in ("PUT", "DELETE"):
            value = _body(request, table).get("value") if request.method == "PUT" else None
            self._writer(caller).update(table, record_id, {name: value}, "*")
            self.writes.append((request.method, request.path, caller.user.upn))
            return Response(204, [("OData-Version", "4.0")])
        _only(request, "GET", "PUT", "DELETE")
        value = self._reader(caller).one(table, record_id, Options(select=(name,)))[name]
        if value is None:
            return Response(204, [("OData-Version", "4.0")])
        address = f"{caller.base}/$metadata#{table.entity_set}({record_id})/{name}"
        return _json(200, {"@odata.context": address, "value": value})


def _key(table: Table, text: str) -> str:
    named = re.fullmatch(r"(\w+)=(.+)", text)
    if named and named[1] == table.id_column:
        text = named[2]
    elif named:
        message = f"The specified key attributes are not a defined key for the {table.logical_name} entity"
        raise errors.Refused(400, "0x80060890", message)
    if not GUID.fullmatch(text):
        raise errors.Refused(400, "0x80060888", "Bad Request - Error in query syntax.")
    return text.lower()


def _representation(request: Request, table: Table) -> Options:
    """What to show of a written record, checked before anything is written; `$expand` is ignored there."""
    options = Options(select=odata.parse(request.query).select)
    selected(table, options.select)
    return options


def _body(request: Request, table: Table) -> Json:
    try:
        body = json.loads(request.body)
    except ValueError as problem:
        raise errors.payload(table.entity_set, f"The payload is not valid JSON: {problem}.") from problem
    if not isinstance(body, dict):
        raise errors.payload(table.entity_set, "A JSON object was expected.")
    return body


def _version(header: str) -> str:
    return "" if header == "null" else header


def _only(request: Request, *methods: str) -> None:
    if request.method not in methods:
        message = f"The requested resource does not support http method '{request.method}'."
        raise errors.Refused(405, "", message)


def _link(request: Request) -> str:
    """The request's address up to where the next page's token goes, byte for byte."""
    kept = "&".join(part for part in request.query.split("&") if part and not part.startswith("$skiptoken="))
    return f"{request.origin}{request.path}?{kept}{'&' if kept else ''}"


def _json(status: int, body: Json, *, applied: str = "") -> Response:
    headers = [("Content-Type", errors.JSON), ("OData-Version", "4.0")]
    if applied:
        headers.append(("Preference-Applied", applied))
    return Response(status, headers, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())

"""Creating, changing and deleting records, with the Web API's rules about bodies, keys and versions.

Microsoft: "Create a table row", "Update and delete table rows", "Perform conditional operations", table reference
"Phone Call (PhoneCall)".
"""

import math
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ipexportal.sandbox import activities, demo_data, errors
from ipexportal.sandbox.directory import BUSINESS_UNIT_ID, User, members
from ipexportal.sandbox.metadata import Collection, Column, Model, Navigation, Table
from ipexportal.sandbox.rights import Rights
from ipexportal.sandbox.sql import stored_moment
from ipexportal.sandbox.store import Row, Store

Json = dict[str, Any]
GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
REFERENCE: Final = re.compile(r"(?:https?://[^/]+/api/data/v9\.\d)?/?(\w+)\(([^)]*)\)")
NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
PARTIES: Final = re.compile(r"(phonecall|task|appointment)_activity_parties")
ACCESS_TEAM: Final = 1
CLOSED: Final = "Cannot update Closed or Cancelled Activity"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Parsed:
    """A body understood: columns to store, the records it binds to, and records to create beside it."""

    values: Row
    bound: list[tuple[Table, str]]
    parties: list[Row] | None
    children: list[tuple[Collection, list[Json]]]


@dataclass(slots=True)
class Writer:
    """Writes for one caller. `refuse_nested_parties` is an organization whose upserts take no parties."""

    store: Store
    rights: Rights
    user: User
    refuse_nested_parties: bool = False

    @property
    def model(self) -> Model:
        return self.store.model

    # the three acts

    def create(self, table: Table, body: Json, record_id: str = "") -> str:
        """Returns the new record's id: the caller's, from the address or the body, else a new one."""
        self.rights.require(self.user, "Create", table)
        if table.logical_name == "activityparty":
            raise errors.Refused(405, "0x80060888", "The create message is not supported for activityparty entities.")
        _not_a_view(table)
        parsed = Body(self, table, creating=True).parse(body)
        given = parsed.values.pop(table.id_column, None)
        record_id = record_id or given or str(uuid.uuid4())
        if self.store.get(table.logical_name, record_id, [table.id_column]) is not None:
            raise errors.duplicate()
        self._check_bound(table, parsed)
        row = {**self._defaults(table), **parsed.values, table.id_column: record_id}
        self._own(table, row)
        self._check_new_state(table, row, parsed.values)
        complete_name(table, row)
        self.store.insert(table.logical_name, [row])
        self._write_parties(table, record_id, row, parsed.parties or [])
        try:
            self._create_children(table, record_id, parsed)
        except errors.Refused:
            self.store.delete(table.logical_name, record_id)  # all or nothing
            raise
        return record_id

    def update(self, table: Table, record_id: str, body: Json, if_match: str = "") -> None:
        """Raises `Refused` 404, 412 and whatever rules the change breaks."""
        row = self._writable(table, record_id, "Write", if_match)
        parsed = Body(self, table, creating=False).parse(body)
        parsed.values.pop(table.id_column, None)
        self._check_bound(table, parsed)
        changes = self._state_change(table, record_id, row, parsed.values)
        if "ownerid" in changes and changes["ownerid"] != row.get("ownerid"):
            self.rights.check(self.user, "Assign", table, record_id, row.get("ownerid"))
            self._check_owner(table, changes["ownerid"], changes["ownerid__type"])
            is_user = changes["ownerid__type"] == "systemuser"
            changes["owninguser"] = changes["ownerid"] if is_user else None
            changes["owningteam"] = None if is_user else changes["ownerid"]
        changes |= self._stamp(table)
        merged = {**row, **changes}
        complete_name(table, merged, changes)
        self.store.update(table.logical_name, record_id, changes)
        if parsed.parties is not None or (table.is_activity and {"ownerid", "regardingobjectid"} & set(changes)):
            self._write_parties(table, record_id, merged, parsed.parties)

    def delete(self, table: Table, record_id: str, if_match: str = "") -> None:
        self._writable(table, record_id, "Delete", if_match)
        self.store.delete(table.logical_name, record_id)
        if table.is_activity:
            self._drop_parties(record_id, keep=())

    def upsert(self, table: Table, record_id: str, body: Json, if_match: str, if_none_match: str) -> bool:
        """PATCH on a key: returns whether it created the record."""
        exists = self.store.get(table.logical_name, record_id, [table.id_column]) is not None
        if if_none_match == "*" and exists:
            raise errors.duplicate()
        if exists or if_match:
            self.update(table, record_id, body, if_match)
            return False
        if self.refuse_nested_parties and any(PARTIES.fullmatch(name) for name in body):
            raise errors.Refused(400, "0x80040203", "Deep insert is not supported for an upsert request.")
        self.create(table, body, record_id)
        return True

    # rules

    def _writable(self, table: Table, record_id: str, verb: str, if_match: str) -> Row:
        self.rights.require(self.user, verb, table)
        _not_a_view(table)
        row = self.store.get(table.logical_name, record_id)
        if row is None:
            raise errors.missing(table.logical_name, record_id)
        self.rights.check(self.user, verb, table, record_id, row.get("ownerid"))
        if if_match not in ("", "*") and if_match != f'W/"{row["versionnumber"]}"':
            raise errors.other_version()
        return row

    def _check_bound(self, table: Table, parsed: Parsed) -> None:
        """Linking needs Append here and AppendTo there (Microsoft: "Security roles and privileges")."""
        for target, target_id in parsed.bound:
            owner_column = ["ownerid"] if target.user_owned else []
            row = self.store.get(target.logical_name, target_id, [target.id_column, *owner_column])
            if row is None:
                raise errors.missing(target.logical_name, target_id)
            if target.user_owned:
                self.rights.require(self.user, "Append", table)
                self.rights.check(self.user, "AppendTo", target, target_id, row.get("ownerid"))

    def _defaults(self, table: Table) -> Row:
        row: Row = {}
        for name in ("donotphone", "donotemail", "isbilled", "isworkflowcreated", "leftvoicemail"):
            if name in table.columns:
                row[name] = 0
        if table.logical_name == "phonecall":
            row["directioncode"] = 1
        if table.is_activity:
            row["prioritycode"] = 1
        if table.logical_name in ("account", "contact", "lead"):
            row["transactioncurrencyid"] = demo_data.CURRENCY_ID
        return row

    def _own(self, table: Table, row: Row) -> None:
        stamp = self._stamp(table)
        row |= {**stamp, "createdon": stamp["modifiedon"], "createdby": self.user.systemuser_id}
        if not table.user_owned:
            return
        if row.get("ownerid") not in (None, self.user.systemuser_id):
            self.rights.require(self.user, "Assign", table)
            self._check_owner(table, row["ownerid"], row["ownerid__type"])
        else:
            row |= {"ownerid": self.user.systemuser_id, "ownerid__type": "systemuser"}
        is_user = row["ownerid__type"] == "systemuser"
        row |= {"owninguser" if is_user else "owningteam": row["ownerid"], "owningbusinessunit": BUSINESS_UNIT_ID}

    def _check_owner(self, table: Table, owner_id: str, kind: str) -> None:
        """An owner is active and may read the table; a team owns only if it is of that sort (Microsoft: "Assign rows")."""
        if kind == "team":
            team = self.store.get("team", owner_id, ["teamtype"]) or {}
            if team.get("teamtype") == ACCESS_TEAM:
                raise errors.Refused(400, "0x80040203", "An access team cannot own records.")
            return
        owner = next((one for one in members() if one.systemuser_id == owner_id), None)
        if owner is None:
            return
        if owner.upn in self.rights.disabled:
            raise errors.Refused(403, "0x80040225", f"The user with SystemUserId={owner_id} is disabled")
        self.rights.require(owner, "Read", table)

    def _stamp(self, table: Table) -> Row:
        if "modifiedon" not in table.columns:
            return {}
        return {"modifiedon": now(), "modifiedby": self.user.systemuser_id}

    def _check_new_state(self, table: Table, row: Row, given: Row) -> None:
        state = table.columns.get("statecode")
        if state is None or not state.options:
            return
        row["statecode"] = 0
        default = state.option(0)
        status = given.get("statuscode") or (default.default_status if default else None)
        self._check_pair(table, str(row[table.id_column]), 0, status)
        row["statuscode"] = status

    def _check_pair(self, table: Table, record_id: str, state: int, status: int | None) -> None:
        reasons = table.columns["statuscode"]
        option = reasons.option(status) if status is not None else None
        if option is not None and option.state not in (None, state):
            names = {one.value: one.labels.get(1033, "") for one in table.columns["statecode"].options}
            raise errors.Refused(
                400,
                "0x80048408",
                f"{status} is not a valid status code for state code {table.schema_name}State.{names.get(state, state)} "
                f"on {table.logical_name} with Id {record_id}.",
            )

    def _state_change(self, table: Table, record_id: str, row: Row, given: Row) -> Row:
        closed = table.is_activity and row["statecode"] != 0
        if closed and "statecode" not in given:
            raise errors.Refused(400, "0x80043500", CLOSED)
        if "statecode" not in given and "statuscode" not in given:
            return dict(given)
        state: int = given["statecode"] if given.get("statecode") is not None else row["statecode"]
        option = table.columns["statecode"].option(state)
        default = option.default_status if option else None
        status = given.get("statuscode", default if "statecode" in given else row["statuscode"])
        self._check_pair(table, record_id, state, status)
        return {**given, "statecode": state, "statuscode": status}

    # parties and children

    def _write_parties(self, table: Table, record_id: str, row: Row, parties: list[Row] | None) -> None:
        """Replace the parties given by the caller (None: leave them) and the two that Dataverse keeps itself."""
        if not table.is_activity:
            return
        self._drop_parties(record_id, keep=() if parties is not None else range(1, 8))
        own = (
            [(8, row.get("regardingobjectid__type"), row.get("regardingobjectid"))]
            if row.get("regardingobjectid")
            else []
        )
        own.append((9, row["ownerid__type"], row["ownerid"]))
        rows = [
            {**demo_data.party(record_id, table.logical_name, *one), "activitypartyid": str(uuid.uuid4())}
            for one in own
        ]
        for one in parties or []:
            fixed = {"activityid": record_id, "activityid__type": table.logical_name, "instancetypecode": 0}
            rows.append({"activitypartyid": str(uuid.uuid4()), **one, **fixed})
        self.store.insert("activityparty", rows)

    def _drop_parties(self, record_id: str, *, keep: Any) -> None:
        columns = ["activitypartyid", "participationtypemask"]
        for row in list(self.store.select("activityparty", columns, '"activityid" = ?', [record_id])):
            if row["participationtypemask"] not in keep:
                self.store.delete("activityparty", row["activitypartyid"])

    def _create_children(self, table: Table, record_id: str, parsed: Parsed) -> None:
        for collection, bodies in parsed.children:
            other = self.model[collection.table]
            back = next(
                nav
                for nav in other.navigation.values()
                if nav.column == collection.column and table.logical_name in nav.targets
            )
            for body in bodies:
                self.create(other, {**body, f"{back.name}@odata.bind": f"/{table.entity_set}({record_id})"})


def _not_a_view(table: Table) -> None:
    if table.logical_name == activities.ALL:
        message = f"The requested operation is not supported for {table.logical_name} entities."
        raise errors.Refused(405, "0x80060888", message)


def complete_name(table: Table, row: Row, changes: Row | None = None) -> None:
    """Full names are computed from first and last name."""
    if table.name_column != "fullname" or table.columns["fullname"].valid != "r":
        return
    changes = row if changes is None else changes
    if "firstname" in changes or "lastname" in changes:
        parts = [row.get("firstname"), row.get("lastname")]
        changes["fullname"] = " ".join(part for part in parts if part) or None


@dataclass(slots=True)
class Body:
    """Understands one JSON body for a table, or refuses it as Dataverse does."""

    writer: Writer
    table: Table
    creating: bool

    def parse(self, body: Json) -> Parsed:
        parsed = Parsed({}, [], None, [])
        for name, value in body.items():
            if name.endswith("@odata.bind"):
                self._bind(name.removesuffix("@odata.bind"), value, parsed)
            elif name.startswith("@"):
                continue
            elif "@" in name:
                self._annotation(name.partition("@")[0], body)
            elif name in self.table.collections:
                self._collection(self.table.collections[name], value, parsed)
            elif name in self.table.navigation and (isinstance(value, dict) or value is None):
                self._nested(name, value, parsed)
            else:
                self._value(name, value, parsed)
        return parsed

    def _annotation(self, name: str, body: Json) -> None:
        if name not in body:
            raise errors.undeclared(self.table.entity_set, name)

    def _bind(self, name: str, value: Any, parsed: Parsed) -> None:
        navigation = self.table.navigation.get(name)
        if navigation is None and name in self.table.collections:
            raise errors.not_implemented("Associating records through a collection on create")
        if navigation is None:
            raise errors.undeclared(self.table.entity_set, name)
        column = self.table.columns[navigation.column]
        if value is None:
            self._store(column, None, None, parsed)
            return
        target, target_id = self._reference(navigation, value)
        parsed.bound.append((target, target_id))
        self._store(column, target_id, target.logical_name, parsed)

    def _store(self, column: Column, value: str | None, target: str | None, parsed: Parsed) -> None:
        if ("c" if self.creating else "u") not in column.valid:
            return  # what may not be written is ignored, not refused
        parsed.values[column.logical_name] = value
        if len(column.targets) != 1:
            parsed.values[f"{column.logical_name}__type"] = target

    def _reference(self, navigation: Navigation, value: Any) -> tuple[Table, str]:
        found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        model = self.writer.model
        target = model.sets.get(found[1]) if found else None
        if found and target is None:
            raise errors.payload(self.table.entity_set, f"Resource not found for the segment '{found[1]}'.")
        if not found or target is None or not GUID.fullmatch(found[2]):
            raise errors.payload(self.table.entity_set, f"Invalid URI '{value}' in odata.bind of '{navigation.name}'.")
        if target.logical_name not in navigation.targets:
            wanted = " or ".join(navigation.targets)
            message = f"The entity set '{found[1]}' does not fit '{navigation.name}', which expects {wanted}."
            raise errors.payload(self.table.entity_set, message)
        return target, found[2].lower()

    def _collection(self, collection: Collection, value: Any, parsed: Parsed) -> None:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise errors.payload(self.table.entity_set, f"'{collection.name}' must be an array of objects.")
        if PARTIES.fullmatch(collection.name):
            parsed.parties = [self._party(one, parsed) for one in value]
        elif self.creating and collection.column:
            parsed.children.append((collection, value))
        else:
            message = f"Deep update of navigation properties is not allowed. Property: {collection.name}"
            raise errors.payload(self.table.entity_set, message)

    def _party(self, body: Json, parsed: Parsed) -> Row:
        table = self.writer.model["activityparty"]
        party = Body(self.writer, table, creating=True).parse(body)
        if party.values.get("participationtypemask") is None:
            raise errors.Refused(400, "0x80040b06", "The activity party has no participationtypemask.")
        if not {"partyid", "unresolvedpartyname", "addressused"} & set(party.values):
            raise errors.Refused(400, "0x80043506", "The activity party names nobody.")
        parsed.bound += [(target, one) for target, one in party.bound if target.logical_name != "systemuser"]
        for target, one in party.bound:
            if (
                target.logical_name == "systemuser"
                and self.writer.store.get("systemuser", one, ["systemuserid"]) is None
            ):
                raise errors.missing("systemuser", one)
        return party.values

    def _nested(self, name: str, value: Any, parsed: Parsed) -> None:
        if value is None:
            self._store(self.table.columns[self.table.navigation[name].column], None, None, parsed)
            return
        raise errors.not_implemented(f"Creating '{name}' together with this record")

    def _value(self, name: str, value: Any, parsed: Parsed) -> None:
        column = self.table.properties.get(name)
        if column is None:
            raise errors.invalid_property(name, self.table.logical_name)
        if column.is_lookup:
            message = (
                "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
            )
            raise errors.Refused(400, "0x80060888", message)
        stored = None if value is None else self._checked(column, value)
        if ("c" if self.creating else "u") in column.valid or name == self.table.id_column:
            parsed.values[name] = stored

    def _checked(self, column: Column, value: Any) -> Any:
        match column.edm:
            case "Edm.String":
                return self._text(column, value)
            case "Edm.Boolean" if isinstance(value, bool):
                return int(value)
            case "Edm.Int32" | "Edm.Int64":
                return self._whole(column, value)
            case "Edm.Decimal" | "Edm.Double":
                return self._number(column, value)
            case "Edm.Guid" if isinstance(value, str) and GUID.fullmatch(value):
                return value.lower()
            case "Edm.Date" if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d(T.*)?", value):
                return stored_moment(value)[:10] if len(value) == 10 else value[:10]
            case "Edm.DateTimeOffset" if isinstance(value, str):
                return stored_moment(value)
        raise errors.invalid_value(value, column.edm)

    def _text(self, column: Column, value: Any) -> str | None:
        if not isinstance(value, str):
            raise errors.invalid_value(value, column.edm)
        if found := NOT_XML.search(value):
            message = f"{found[0]!a}, hexadecimal value 0x{ord(found[0]):02X}, is an invalid character."
            raise errors.Refused(400, "0x80040203", message)
        if column.max_length is not None and len(value.encode("utf-16-le")) // 2 > column.max_length:
            raise errors.too_long(column.logical_name, self.table.logical_name, column.max_length)
        return value or None  # Dataverse keeps no empty texts

    def _whole(self, column: Column, value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise errors.invalid_value(value, column.edm)
        if column.options and column.option(value) is None:
            allowed = ",".join(str(option.value) for option in column.options)
            raise errors.out_of_range(value, column.logical_name, self.table.logical_name, allowed)
        self._check_range(column, value)
        return value

    def _number(self, column: Column, value: Any) -> float:
        try:
            number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise errors.invalid_value(value, column.edm)
        self._check_range(column, number)
        return number

    def _check_range(self, column: Column, value: float) -> None:
        low = -2147483648 if column.minimum is None and column.edm == "Edm.Int32" else column.minimum
        high = 2147483647 if column.maximum is None and column.edm == "Edm.Int32" else column.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            raise errors.out_of_range(value, column.logical_name, self.table.logical_name, f"{low} to {high}")

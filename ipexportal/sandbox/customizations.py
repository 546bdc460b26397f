"""What the published metadata lacks for activities, and what Acme added to its own organization.

Activities: Microsoft, table references "Phone Call (PhoneCall)", "Task", "Appointment" and "Activity (ActivityPointer)".
The `nnn_` table and columns are invented after the guide that IPEX's customers follow.
"""

from typing import Any, Final

Raw = dict[str, Any]

UNKNOWN_LENGTH: Final = 1250
LABELS: Final[dict[str, tuple[str, str]]] = {
    "phonecall": ("Phone Call", "Phone Calls"),
    "task": ("Task", "Tasks"),
    "appointment": ("Appointment", "Appointments"),
    "activitypointer": ("Activity", "Activities"),
    "activityparty": ("Activity Party", "Activity Parties"),
    "systemuser": ("User", "Users"),
    "businessunit": ("Business Unit", "Business Units"),
    "organization": ("Organization", "Organizations"),
    "role": ("Security Role", "Security Roles"),
    "transactioncurrency": ("Currency", "Currencies"),
}
ACTIVITY_COLUMNS: Final[dict[str, Raw]] = {
    "activityid": {"schema": "ActivityId", "label": "Activity", "required": "SystemRequired"},
    "subject": {"label": "Subject", "max_length": 200, "required": "ApplicationRequired", "format_name": "Text"},
    "description": {"type": "Memo", "label": "Description", "max_length": 2000, "format_name": "TextArea"},
    "category": {"schema": "Category", "label": "Category", "max_length": 250, "format_name": "Text"},
    "subcategory": {"schema": "Subcategory", "label": "Sub-Category", "max_length": 250, "format_name": "Text"},
    "actualstart": {"schema": "ActualStart", "label": "Actual Start", "format": "DateAndTime"},
    "actualend": {"schema": "ActualEnd", "label": "Actual End", "format": "DateAndTime"},
    "scheduledstart": {"schema": "ScheduledStart", "label": "Start Date", "format": "DateAndTime"},
    "scheduledend": {"schema": "ScheduledEnd", "label": "Due", "format": "DateAndTime"},
    "actualdurationminutes": {
        "schema": "ActualDurationMinutes",
        "label": "Duration",
        "min": 0,
        "max": 2147483647,
        "format": "Duration",
    },
    "regardingobjectid": {
        "label": "Regarding",
        "targets": ["account", "contact", "lead", "nnn_mylead"],
    },
    "ownerid": {"label": "Owner", "required": "SystemRequired"},
    "createdon": {"label": "Created On", "format": "DateAndTime"},
    "modifiedon": {"label": "Modified On", "format": "DateAndTime"},
    "createdby": {"label": "Created By"},
    "modifiedby": {"label": "Modified By"},
    "prioritycode": {
        "schema": "PriorityCode",
        "label": "Priority",
        "options": {
            "0": {"label": "Low", "label_cs": "Nízká"},
            "1": {"label": "Normal", "label_cs": "Normální"},
            "2": {"label": "High", "label_cs": "Vysoká"},
        },
    },
    "activitytypecode": {"schema": "ActivityTypeCode", "label": "Activity Type", "type": "EntityName", "valid": "r"},
    "isbilled": {"schema": "IsBilled", "label": "Is Billed"},
    "isworkflowcreated": {"schema": "IsWorkflowCreated", "label": "Is Workflow Created"},
}
STATES: Final[dict[str, tuple[Raw, Raw]]] = {
    "phonecall": (
        {
            "0": {"label": "Open", "label_cs": "Otevřeno", "default_status": 1},
            "1": {"label": "Completed", "label_cs": "Dokončeno", "default_status": 2},
            "2": {"label": "Canceled", "label_cs": "Zrušeno", "default_status": 3},
        },
        {
            "1": {"label": "Open", "label_cs": "Otevřeno", "state": 0},
            "2": {"label": "Made", "label_cs": "Uskutečněno", "state": 1},
            "3": {"label": "Canceled", "label_cs": "Zrušeno", "state": 2},
            "4": {"label": "Received", "label_cs": "Přijato", "state": 1},
        },
    ),
    "task": (
        {
            "0": {"label": "Open", "label_cs": "Otevřeno", "default_status": 2},
            "1": {"label": "Completed", "label_cs": "Dokončeno", "default_status": 5},
            "2": {"label": "Canceled", "label_cs": "Zrušeno", "default_status": 6},
        },
        {
            "2": {"label": "Not Started", "label_cs": "Nezahájeno", "state": 0},
            "3": {"label": "In Progress", "label_cs": "Probíhá", "state": 0},
            "4": {"label": "Waiting on someone else", "label_cs": "Čeká na někoho jiného", "state": 0},
            "5": {"label": "Completed", "label_cs": "Dokončeno", "state": 1},
            "6": {"label": "Canceled", "label_cs": "Zrušeno", "state": 2},
            "7": {"label": "Deferred", "label_cs": "Odloženo", "state": 0},
        },
    ),
    "appointment": (
        {
            "0": {"label": "Open", "label_cs": "Otevřeno", "default_status": 1},
            "1": {"label": "Completed", "label_cs": "Dokončeno", "default_status": 3},
            "2": {"label": "Canceled", "label_cs": "Zrušeno", "default_status": 4},
            "3": {"label": "Scheduled", "label_cs": "Naplánováno", "default_status": 5},
        },
        {
            "1": {"label": "Free", "label_cs": "Volno", "state": 0},
            "2": {"label": "Tentative", "label_cs": "Nezávazně", "state": 0},
            "3": {"label": "Completed", "label_cs": "Dokončeno", "state": 1},
            "4": {"label": "Canceled", "label_cs": "Zrušeno", "state": 2},
            "5": {"label": "Busy", "label_cs": "Zaneprázdněn", "state": 3},
            "6": {"label": "Out of Office", "label_cs": "Mimo kancelář", "state": 3},
        },
    ),
    "activitypointer": (
        {
            "0": {"label": "Open", "label_cs": "Otevřeno", "default_status": 1},
            "1": {"label": "Completed", "label_cs": "Dokončeno", "default_status": 2},
            "2": {"label": "Canceled", "label_cs": "Zrušeno", "default_status": 3},
            "3": {"label": "Scheduled", "label_cs": "Naplánováno", "default_status": 4},
        },
        {
            "1": {"label": "Open", "label_cs": "Otevřeno", "state": 0},
            "2": {"label": "Completed", "label_cs": "Dokončeno", "state": 1},
            "3": {"label": "Canceled", "label_cs": "Zrušeno", "state": 2},
            "4": {"label": "Scheduled", "label_cs": "Naplánováno", "state": 3},
        },
    ),
}
PHONE_CALL_COLUMNS: Final[dict[str, Raw]] = {
    "phonenumber": {"schema": "PhoneNumber", "label": "Phone Number", "max_length": 200, "format_name": "Phone"},
    "leftvoicemail": {"schema": "LeftVoiceMail", "label": "Left Voice Mail"},
    "directioncode": {
        "schema": "DirectionCode",
        "label": "Direction",
        "options": {
            "0": {"label": "Incoming", "label_cs": "Příchozí"},
            "1": {"label": "Outgoing", "label_cs": "Odchozí"},
        },
    },
}
PARTY_TARGETS: Final = ["account", "contact", "lead", "systemuser"]
OTHER_COLUMNS: Final[dict[str, dict[str, Raw]]] = {
    "systemuser": {
        "systemuserid": {"schema": "SystemUserId", "label": "User", "required": "SystemRequired"},
        "fullname": {"label": "Full Name", "max_length": 200},
        "domainname": {"schema": "DomainName", "label": "User Name", "max_length": 1024},
        "internalemailaddress": {"schema": "InternalEMailAddress", "label": "Primary Email", "max_length": 100},
        "azureactivedirectoryobjectid": {"schema": "AzureActiveDirectoryObjectId", "label": "Azure AD Object ID"},
        "applicationid": {"schema": "ApplicationId", "label": "Application ID"},
        "isdisabled": {"schema": "IsDisabled", "label": "Status", "valid": "r"},
        "accessmode": {
            "type": "Picklist",
            "schema": "AccessMode",
            "label": "Access Mode",
            "options": {
                "0": {"label": "Read-Write"},
                "1": {"label": "Administrative"},
                "2": {"label": "Read"},
                "3": {"label": "Support User"},
                "4": {"label": "Non-interactive"},
                "5": {"label": "Delegated Admin"},
            },
        },
        "mobilephone": {"format_name": "Phone", "max_length": 64},
    },
    "activityparty": {
        "participationtypemask": {
            "type": "Picklist",
            "schema": "ParticipationTypeMask",
            "label": "Participation Type",
            "options": {
                str(value): {"label": label}
                for value, label in enumerate(
                    [
                        "Sender",
                        "To Recipient",
                        "CC Recipient",
                        "BCC Recipient",
                        "Required attendee",
                        "Optional attendee",
                        "Organizer",
                        "Regarding",
                        "Owner",
                        "Resource",
                        "Customer",
                    ],
                    start=1,
                )
            },
        },
        "addressused": {"schema": "AddressUsed", "label": "Address", "max_length": 500, "valid": "rcu"},
        "unresolvedpartyname": {
            "type": "String",
            "schema": "UnresolvedPartyName",
            "label": "Unresolved Party Name",
            "max_length": 160,
        },
        "partyid": {"schema": "PartyId", "label": "Party", "targets": PARTY_TARGETS},
        "activityid": {
            "schema": "ActivityId",
            "label": "Activity",
            "targets": ["phonecall", "task", "appointment"],
            "valid": "rcu",
        },
    },
    "role": {"name": {"max_length": 100, "label": "Name"}, "roleid": {"schema": "RoleId", "label": "Role"}},
    "businessunit": {"name": {"max_length": 160, "label": "Name"}},
}
MONEY: Final[Raw] = {"type": "Money", "precision": 2, "min": -922337203685477.0, "max": 922337203685477.0}
WHOLE: Final[Raw] = {"type": "Integer", "min": -2147483648, "max": 2147483647, "format": "None"}
DAY: Final[Raw] = {"type": "DateTime", "format": "DateOnly", "behavior": "DateOnly"}


def _text(schema: str, english: str, czech: str, length: int = 100, **more: Any) -> Raw:
    return {
        "type": "String",
        "schema": schema,
        "label": english,
        "label_cs": czech,
        "max_length": length,
        "format_name": "Text",
        "custom": True,
        **more,
    }


def _own(base: Raw, schema: str, english: str, czech: str) -> Raw:
    return {**base, "schema": schema, "label": english, "label_cs": czech, "custom": True}


CUSTOM_COLUMNS: Final[dict[str, dict[str, Raw]]] = {
    "account": {
        "nnn_myorderscount": _own(WHOLE, "nnn_myOrdersCount", "Number of orders", "Počet objednávek"),
        "nnn_mylastorderdate": _own(DAY, "nnn_myLastOrderDate", "Last order", "Poslední objednávka"),
        "nnn_turnover": _own(MONEY, "nnn_Turnover", "Turnover this year", "Obrat za rok"),
        "nnn_servicecontract": _text("nnn_ServiceContract", "Service contract", "Servisní smlouva", 200),
    },
    "contact": {"nnn_pin": _text("nnn_Pin", "PIN", "PIN", 20)},
    "lead": {"description": {"required": "None"}},  # as Microsoft delivers it; the source's organization demands it
}
MY_LEAD_COLUMNS: Final[dict[str, Raw]] = {
    "nnn_myleadid": {
        "type": "Uniqueidentifier",
        "schema": "nnn_myLeadId",
        "label": "Service request",
        "label_cs": "Servisní požadavek",
        "required": "SystemRequired",
        "valid": "rc",
    },
    "nnn_name": _text("nnn_Name", "Name", "Název", 160),
    "nnn_myphone1": _text("nnn_myPhone1", "Phone", "Telefon", 60, format_name="Phone"),
    "nnn_myphone2": _text("nnn_myPhone2", "Other phone", "Další telefon", 60, format_name="Phone"),
    "nnn_contactname": _text("nnn_contactName", "Contact name", "Jméno kontaktu"),
    "nnn_organizationname": _text("nnn_organizationName", "Organization name", "Název organizace", 160),
    "nnn_myorderscount": _own(WHOLE, "nnn_myOrdersCount", "Number of orders", "Počet objednávek"),
    "nnn_mylastorderdate": _own(DAY, "nnn_myLastOrderDate", "Last order", "Poslední objednávka"),
    "nnn_serial": _text("nnn_Serial", "Serial number", "Výrobní číslo", 40),
    "nnn_description": {**_text("nnn_Description", "Description", "Popis", 4000), "type": "Memo"},
    "nnn_source": _text("nnn_Source", "Source", "Zdroj", 40),
    "nnn_customerid": {
        "type": "Customer",
        "schema": "nnn_CustomerId",
        "label": "Customer",
        "label_cs": "Zákazník",
        "targets": ["account", "contact"],
        "custom": True,
    },
    "statecode": {
        "type": "State",
        "schema": "statecode",
        "label": "Status",
        "label_cs": "Stav",
        "required": "SystemRequired",
        "valid": "ru",
        "options": {
            "0": {"label": "Active", "label_cs": "Aktivní", "default_status": 1},
            "1": {"label": "Inactive", "label_cs": "Neaktivní", "default_status": 2},
        },
    },
    "statuscode": {
        "type": "Status",
        "schema": "statuscode",
        "label": "Status Reason",
        "label_cs": "Důvod stavu",
        "options": {
            "1": {"label": "Active", "label_cs": "Aktivní", "state": 0},
            "2": {"label": "Inactive", "label_cs": "Neaktivní", "state": 1},
        },
    },
}
SHARED_COLUMNS: Final = [
    "createdon",
    "createdby",
    "createdonbehalfby",
    "modifiedon",
    "modifiedby",
    "modifiedonbehalfby",
    "ownerid",
    "owninguser",
    "owningteam",
    "owningbusinessunit",
    "versionnumber",
    "importsequencenumber",
    "overriddencreatedon",
    "timezoneruleversionnumber",
    "utcconversiontimezonecode",
]
CZECH_OPTIONS: Final[dict[str, str]] = {
    "Active": "Aktivní",
    "Inactive": "Neaktivní",
    "Open": "Otevřeno",
    "Qualified": "Kvalifikován",
    "Disqualified": "Diskvalifikován",
    "New": "Nový",
    "Contacted": "Kontaktován",
    "Male": "Muž",
    "Female": "Žena",
    "Web": "Web",
    "Other": "Jiný",
}


def complete(raw: dict[str, Raw]) -> None:
    """Fill in the gaps of the derived tables and add Acme's own, in place."""
    for name, (label, plural) in LABELS.items():
        raw[name].update(label=label, plural=plural)
    for name in STATES:
        _complete_activity(raw[name], name)
    for name, columns in {**OTHER_COLUMNS, **CUSTOM_COLUMNS}.items():
        for column, extra in columns.items():
            raw[name]["columns"].setdefault(column, {}).update(extra)
    raw["nnn_mylead"] = _my_lead(raw["account"])
    _add_regarding(raw)
    _translate_options(raw)
    _limit_texts(raw)


def _complete_activity(table: Raw, name: str) -> None:
    columns = table["columns"]
    extras = {**ACTIVITY_COLUMNS, **(PHONE_CALL_COLUMNS if name == "phonecall" else {})}
    for column, extra in extras.items():
        if name != "activitypointer" or column in columns:
            columns.setdefault(column, {}).update(extra)
    if name == "activitypointer":  # a name of a table, which the Web API shows of this table only
        columns["activitytypecode"].update(type="String", max_length=64)
    states, reasons = STATES[name]
    columns["statecode"].update(schema="StateCode", label="Activity Status", options=states, valid="ru")
    columns["statecode"]["required"] = "SystemRequired"
    columns["statuscode"].update(schema="StatusCode", label="Status Reason", options=reasons)
    if name == "phonecall":
        columns["from"] = _party_list("From", "Call From")
        columns["to"] = _party_list("To", "Call To")


def _party_list(schema: str, label: str) -> Raw:
    return {
        "type": "PartyList",
        "schema": schema,
        "label": label,
        "required": "ApplicationRequired",
        "targets": PARTY_TARGETS,
        "valid": "rcu",
        "logical": True,
    }


def _my_lead(account: Raw) -> Raw:
    shared = {name: account["columns"][name] for name in SHARED_COLUMNS}
    kept = {"createdby", "createdonbehalfby", "modifiedby", "modifiedonbehalfby"}
    kept |= {"ownerid", "owninguser", "owningteam", "owningbusinessunit"}
    navigation = {
        name: {**one, "reverse": f"{one['column']}_nnn_mylead", "relationship": f"{one['column']}_nnn_mylead"}
        for name, one in account["navigation"].items()
        if name in kept
    }
    for target in ("account", "contact"):
        navigation[f"nnn_CustomerId_{target}"] = {
            "column": "nnn_customerid",
            "table": target,
            "reverse": f"nnn_{target}_myLead_CustomerId",
            "relationship": f"nnn_{target}_myLead_CustomerId",
            "custom": True,
        }
    return {
        "schema_name": "nnn_myLead",
        "entity_set": "nnn_myleads",
        "id_column": "nnn_myleadid",
        "name_column": "nnn_name",
        "type_code": 10650,
        "ownership": "UserOwned",
        "is_activity": False,
        "has_activities": True,
        "change_tracking": False,
        "label": "My Lead",
        "plural": "My Leads",
        "columns": {**MY_LEAD_COLUMNS, **shared},
        "navigation": navigation,
        "collections": {},
        "custom": True,
    }


def _add_regarding(raw: dict[str, Raw]) -> None:
    """What switching activities on for a custom table adds: a look-up on each activity table and its reverse."""
    for activity, plural in (("phonecall", "PhoneCalls"), ("task", "Tasks"), ("appointment", "Appointments")):
        reverse = f"nnn_mylead_{plural}"
        name = f"regardingobjectid_nnn_mylead_{activity}"
        raw[activity]["navigation"][name] = {
            "column": "regardingobjectid",
            "table": "nnn_mylead",
            "reverse": reverse,
            "relationship": reverse,
            "custom": True,
        }
        raw["nnn_mylead"]["collections"][reverse] = {"table": activity, "partner": name}
    for target in ("account", "contact"):
        reverse = f"nnn_{target}_myLead_CustomerId"
        raw[target]["collections"][reverse] = {"table": "nnn_mylead", "partner": f"nnn_CustomerId_{target}"}


def _translate_options(raw: dict[str, Raw]) -> None:
    for table in raw.values():
        for column in table["columns"].values():
            for option in column.get("options", {}).values():
                if option.get("label") in CZECH_OPTIONS:
                    option.setdefault("label_cs", CZECH_OPTIONS[option["label"]])


def _limit_texts(raw: dict[str, Raw]) -> None:
    """The CSDL does not tell lengths; metadata always has one."""
    for table in raw.values():
        for column in table["columns"].values():
            if column["type"] in ("String", "Memo"):
                column.setdefault("max_length", UNKNOWN_LENGTH)

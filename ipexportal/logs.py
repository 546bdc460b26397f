"""One JSON object per line. Query strings never get here: phone numbers travel in them. Nor do personal links.

Nobody logs a key, a token or a number on purpose; what a library or a database says of an error is searched for them.
"""

import json
import logging
import re

QUERY = re.compile(r"\?[^\s\"']*")
PERSONAL_LINK = re.compile(r"(?<=/)(activate|invitation|consent|window/open)/[\w.~-]{8,}/?[^\s\"']*")
SECRET = re.compile(r"\bipx_\w{4,}[\w.~-]*|\beyJ[\w-]{8,}[\w.~-]*|(?<=Bearer )[\w.~+/=-]+|(?<=Basic )[\w+/=-]{8,}")
NUMBER = re.compile(r"(?<![\w.-])\+?(?:\d{9,15}|\d{3} \d{3} \d{3})(?![\w-])")
VALUES = re.compile(r"(?<=DETAIL:)[^\n]*")  # PostgreSQL quotes the row


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": _without_secrets(record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = _without_secrets(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def _without_secrets(text: str) -> str:
    text = PERSONAL_LINK.sub(r"\1/…", QUERY.sub("?…", text))
    return NUMBER.sub("…", SECRET.sub("…", VALUES.sub(" …", text)))

"""One JSON object per line. Query strings never get here: phone numbers travel in them. Nor do personal links."""

import json
import logging
import re

QUERY = re.compile(r"\?[^\s\"']*")
PERSONAL_LINK = re.compile(r"(?<=/)(activate|invitation)/[\w-]+\.[^\s\"']+")


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
    return PERSONAL_LINK.sub(r"\1/…", QUERY.sub("?…", text))

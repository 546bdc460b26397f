"""One JSON object per line. Query strings never get here: phone numbers travel in them."""

import json
import logging
import re

QUERY = re.compile(r"\?[^\s\"']*")


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": QUERY.sub("?…", record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = QUERY.sub("?…", self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)

"""One look-up at a time with PowerPlatform-Dataverse-Client, as peer.mjs: a line of JSON in, one out. Needs peer.lock."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient


class Known:
    """A credential that has its token already."""

    def get_token(self, *scopes, **options):
        return AccessToken(os.environ["TOKEN"], int(time.time()) + 3600)


def ask(client, query):
    rows = client.records.list(
        query["table"],
        filter=query["filter"],
        select=query["select"],
        top=query["top"],
        include_annotations="*",
    )
    return [[query["set"], row[query["key"]]] for row in rows]


def look_up(client, pool, queries):
    started = time.perf_counter()
    asked = [pool.submit(ask, client, query) for query in queries]
    found = [row for future in asked for row in future.result()]
    return {"ms": 1000 * (time.perf_counter() - started), "found": found}


def main():
    with DataverseClient(os.environ["SERVER"], Known()) as client, ThreadPoolExecutor(8) as pool:
        for line in sys.stdin:
            try:
                answer = look_up(client, pool, json.loads(line)["queries"])
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), flush=True)


main()

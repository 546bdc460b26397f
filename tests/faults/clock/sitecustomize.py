"""Python imports this before anything else of a process whose PYTHONPATH leads here: its wall clock is wrong."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(os.environ["CLOCK_SHIFT"])), tick=True).start()

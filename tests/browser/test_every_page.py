"""Every page once in Chromium, in one width: no error in its scripts, nothing that its policy forbids, the right status."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_no_page_does_what_its_policy_forbids() -> None:
    command = [sys.executable, "-m", "tests.browser.screenshots", "--quick"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    closing = said.stdout.splitlines()[-1:] or [said.stderr]
    assert (said.returncode, closing[0].endswith(" 0 things wrong.")) == (0, True), said.stdout + said.stderr
    assert int(closing[0].split()[0]) >= 40

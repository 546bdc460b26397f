#!/usr/bin/env python
"""Django's command-line entry point."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ipexportal.settings")
    if sys.argv[1:2] == ["benchmark"]:
        from ipexportal.benchmarks import environment

        environment.prepare()
    if sys.argv[1:2] == ["sandbox"]:
        from ipexportal import standalone

        standalone.fill_in()
    if sys.argv[1:2] == ["demo"]:
        from ipexportal import demo_environment

        demo_environment.prepare(sys.argv[2:])
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

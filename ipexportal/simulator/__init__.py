"""The demo's Communicator: a soft-phone page with the CRM window beside it, and the exchange behind it.

Only the demo has it. The exchange really posts webhooks and asks for tickets over HTTP, with keys like any other's.
"""

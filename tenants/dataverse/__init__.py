"""A client of Microsoft Dataverse's Web API (v9.2), independent of Django and of the rest of this product.

client = Client(origin="https://org.crm4.dynamics.com", token=lambda fresh: …)
answer = client.get(odata.query(odata.record("contacts", id), select=["fullname"]), budget=Budget(2))
"""

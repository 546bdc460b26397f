"""`$metadata`: the service's CSDL document for the tables that the sandbox hosts."""

from xml.sax.saxutils import quoteattr

from ipexportal.sandbox.metadata import Model, Table


def document(model: Model) -> str:
    """A CSDL document: entity types with properties and navigation properties, and the entity sets."""
    types = "".join(_entity_type(table) for table in model)
    sets = "".join(
        f'<EntitySet Name={quoteattr(table.entity_set)} EntityType="Microsoft.Dynamics.CRM.{table.logical_name}" />'
        for table in model
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        '<Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
        f'<EntityType Name="crmbaseentity" Abstract="true" />{types}'
        f'<EntityContainer Name="System">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>'
    )


def _entity_type(table: Table) -> str:
    properties = "".join(f'<Property Name="{name}" Type="{column.edm}" />' for name, column in table.properties.items())
    single = "".join(
        f'<NavigationProperty Name="{one.name}" Type="mscrm.{_type(one.table)}" />' for one in table.navigation.values()
    )
    many = "".join(
        f'<NavigationProperty Name="{one.name}" Type="Collection(mscrm.{one.table})" />'
        for one in table.collections.values()
    )
    key = f'<Key><PropertyRef Name="{table.id_column}" /></Key>'
    return (
        f'<EntityType Name="{table.logical_name}" BaseType="mscrm.crmbaseentity">{key}{properties}{single}{many}'
        "</EntityType>"
    )


def _type(table: str) -> str:
    return "crmbaseentity" if table == "owner" else table

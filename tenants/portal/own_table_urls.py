"""Addresses of own tables and leads, inside a customer's."""

from django.urls import path

from tenants.portal import leads, own_table, own_table_choice

urlpatterns = [
    path("own-tables/", own_table.page, name="own_tables"),
    path("own-tables/move/", own_table.move, name="own_table_move"),
    path("own-tables/remove/", own_table.remove, name="own_table_remove"),
    path("own-tables/export/<slug:kind>/", own_table.export, name="own_table_export"),
    path("own-tables/text/", own_table.text, name="own_table_text"),
    path("own-tables/text/read/", own_table.read, name="own_table_read"),
    path("own-tables/text/save/", own_table.save, name="own_table_save"),
    path("own-tables/choose/", own_table_choice.choose, name="own_table_choose"),
    path("own-tables/columns/", own_table_choice.columns, name="own_table_columns"),
    path("own-tables/columns/check/", own_table_choice.check, name="own_table_check"),
    path("own-tables/columns/save/", own_table_choice.save, name="own_table_columns_save"),
    path("leads/", leads.page, name="leads"),
    path("leads/switch/", leads.switch, name="leads_switch"),
]

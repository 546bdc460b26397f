"""Addresses of the self-service pages. `code` is the customer's public code."""

from django.urls import include, path

from tenants.portal import (
    account,
    checklist,
    checks,
    colleagues,
    connection,
    from_to,
    home,
    instance,
    microsoft,
    owners,
    settings,
    system_account,
    system_credentials,
)

app_name = "portal"
urlpatterns = [
    path("", home.home, name="home"),
    path("<uuid:code>/people/", include("tenants.portal.people_urls")),
    path("<uuid:code>/", include("tenants.portal.own_table_urls")),
    path("<uuid:code>/card/", include("tenants.portal.card_urls")),
    path("account/microsoft/link/", microsoft.link, name="link"),
    path("account/microsoft/<uuid:code>/unlink/", microsoft.unlink, name="unlink"),
    path("<uuid:code>/microsoft/connect/", connection.connect, name="connect"),
    path("<uuid:code>/microsoft/keep/", connection.keep, name="keep"),
    path("<uuid:code>/microsoft/disconnect/", connection.disconnect, name="disconnect"),
    path("account/", account.show, name="account"),
    path("account/name/", account.rename, name="account_name"),
    path("<uuid:code>/", checklist.page, name="checklist"),
    path("<uuid:code>/steps/<slug:key>/skip/", checklist.skip, name="step_skip"),
    path("<uuid:code>/steps/<slug:key>/take-back/", checklist.take_back, name="step_take_back"),
    path("<uuid:code>/live/", checklist.go_live, name="go_live"),
    path("<uuid:code>/live/take-back/", checklist.back_to_setup, name="back_to_setup"),
    path("<uuid:code>/instance/", instance.save, name="instance"),
    path("<uuid:code>/instance/understood/", instance.understand, name="instance_understood"),
    path("<uuid:code>/from-to/", from_to.relax, name="from_to"),
    path("<uuid:code>/colleagues/", colleagues.page, name="colleagues"),
    path("<uuid:code>/colleagues/invite/", colleagues.invite, name="invite"),
    path("<uuid:code>/colleagues/<uuid:invitation>/withdraw/", colleagues.withdraw, name="invitation_withdraw"),
    path("<uuid:code>/checks/", checks.page, name="checks"),
    path("<uuid:code>/checks/run/", checks.run, name="checks_run"),
    path("<uuid:code>/checks/report/", checks.report, name="checks_report"),
    path("<uuid:code>/operation/", settings.page, name="operation"),
    path("<uuid:code>/operation/save/", settings.save, name="operation_save"),
    path("<uuid:code>/operation/owners/", owners.page, name="owners"),
    path("<uuid:code>/operation/outcomes/", settings.outcomes, name="outcomes"),
    path("<uuid:code>/operation/forget/", settings.forget, name="forget_numbers"),
    path("<uuid:code>/operation/file/", settings.file, name="operation_file"),
    path("<uuid:code>/ivr/", system_account.page, name="ivr"),
    path("<uuid:code>/ivr/save/", system_account.save, name="ivr_save"),
    path("<uuid:code>/ivr/remove/", system_account.remove, name="ivr_remove"),
    path(
        "<uuid:code>/ivr/certificates/<uuid:certificate>/public/", system_credentials.download, name="ivr_certificate"
    ),
    path(
        "<uuid:code>/ivr/certificates/<uuid:certificate>/remove/",
        system_credentials.remove_certificate,
        name="ivr_certificate_remove",
    ),
    path("<uuid:code>/ivr/secrets/<slug:place>/remove/", system_credentials.remove_secret, name="ivr_secret_remove"),
    path("<uuid:code>/ivr/report/", system_account.report, name="ivr_report"),
]

"""What was sent to whom, invitations, and how an e-mail looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import emails, post
from tenants.admin.rows import Shown, staff
from tenants.models import Invitation, OutgoingMail

if TYPE_CHECKING:
    from tenants.admin.rows import Rows

HIDDEN = "•••"
PREVIEW = {  # mail programs want styles inside the page; scripts, forms and other servers stay away
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


@admin.register(Invitation)
class InvitationAdmin(Shown):
    list_display = ("email", "tenant", "invited_by", "created_at", "expires_at", "accepted_at")
    list_filter = (("accepted_at", admin.EmptyFieldListFilter), "tenant")
    search_fields = ("email", "tenant__name", "tenant__slug")
    list_select_related = ("tenant",)


@admin.register(OutgoingMail)
class OutgoingMailAdmin(Shown):
    list_display = ("created_at", "kind", "tenant", "recipient", "state", "attempts", "last_error", "sent_at")
    list_filter = ("state", "kind", "tenant")
    search_fields = ("agent__email", "agent__name", "user__email", "invitation__email", "tenant__name", "tenant__slug")
    list_select_related = ("tenant", "agent", "user", "invitation")
    fields = (
        "kind", "tenant", "recipient", "language", "state", "attempts", "last_error", "created_at", "next_try_at",
        "sent_at", "preview", "code",
    )  # fmt: skip
    readonly_fields = ("recipient", "preview")
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("tenants.change_outgoingmail")

    def get_urls(self) -> list[Any]:
        shown = self.admin_site.admin_view(self.show)
        return [path("<int:pk>/preview/", shown, name="tenants_outgoingmail_preview"), *super().get_urls()]

    @admin.display(description=gettext_lazy("recipient"))
    def recipient(self, mail: OutgoingMail) -> str:
        return str(mail.agent or mail.invitation or mail.user or mail.tenant.contact_email)

    @admin.display(description=gettext_lazy("preview"))
    def preview(self, mail: OutgoingMail) -> str:
        address = reverse("admin:tenants_outgoingmail_preview", args=[mail.pk])
        return format_html(
            '<a href="{}" target="_blank" rel="noopener">{}</a>', address, _("Show as it would be sent now")
        )

    def show(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page as mail programs get it, but with a link that leads nowhere. Its styles are inside, scripts never run."""
        mail = self.get_object(request, str(pk))
        if mail is None or not self.has_view_permission(request, mail):
            raise Http404
        try:
            page = str(emails.compose(mail, preview=True).alternatives[0][0])
        except (emails.NotWanted, ValueError) as error:
            self.message_user(request, _("This e-mail would not be sent now: %(code)s.") % {"code": error})
            return redirect("admin:tenants_outgoingmail_change", pk)
        return HttpResponse(page, headers=PREVIEW)

    @admin.action(description=gettext_lazy("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, rows: Rows) -> None:
        for mail in rows.select_related("tenant", "agent__tenant"):
            try:
                post.again(mail, by=staff(request))
            except post.TooSoon as error:
                self.message_user(request, f"{self.recipient(mail)}: {error}", messages.WARNING)
            else:
                sentence = _("%(agent)s: the e-mail is on its way.") % {"agent": self.recipient(mail)}
                self.message_user(request, sentence)

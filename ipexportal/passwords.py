"""What we ask of a password, in our words."""

from __future__ import annotations

from django.contrib.auth.password_validation import CommonPasswordValidator, MinimumLengthValidator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class LongEnough(MinimumLengthValidator):
    def get_error_message(self) -> str:
        sentence = ngettext(
            "This password is too short. It needs at least %(number)d character.",
            "This password is too short. It needs at least %(number)d characters.",
            self.min_length,
        )
        return sentence % {"number": self.min_length}


class NotCommon(CommonPasswordValidator):
    def get_error_message(self) -> str:
        return _("This password is too common, so it would be guessed.")

"""The pages that a person sees while signing in to the sandbox. Nothing here is Microsoft's design or logo."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from ipexportal.sandbox.directory import User
from ipexportal.sandbox.entra_errors import Report
from ipexportal.sandbox.pages import POLICY, choose_language, hidden, page, policy_with_script

__all__ = ["POLICY", "approve", "consent", "form_post", "pick_an_account", "signed_out", "trouble"]

_WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "pick": "Pick an account",
        "to": "to continue to {client}",
        "stand_in": "A stand-in for Microsoft sign-in. Every account is invented; no password is needed.",
        "cancel": "Cancel",
        "approve": "Approve sign-in request",
        "approve_hint": "This account needs a second factor. Here a click stands for the phone.",
        "approve_button": "Approve",
        "consent": "Permissions requested",
        "consent_hint": "Review for your organization: the application works in Dynamics 365 as the person who is signed in.",
        "accept": "Accept as {name}",
        "trouble": "Sign-in did not work",
        "another": "Use another account",
        "signed_out": "You signed out of your account",
        "continue": "Continue",
    },
    "cs": {
        "pick": "Vyberte účet",
        "to": "a pokračujte do aplikace {client}",
        "stand_in": "Náhrada přihlášení Microsoft. Všechny účty jsou vymyšlené, heslo není potřeba.",
        "cancel": "Zrušit",
        "approve": "Schvalte přihlášení",
        "approve_hint": "Tento účet potřebuje druhé ověření. Místo telefonu tu stačí kliknout.",
        "approve_button": "Schválit",
        "consent": "Žádost o oprávnění",
        "consent_hint": "Posuďte za celou organizaci: aplikace pracuje v Dynamics 365 jako přihlášený uživatel.",
        "accept": "Přijmout jako {name}",
        "trouble": "Přihlášení se nepodařilo",
        "another": "Použít jiný účet",
        "signed_out": "Odhlásili jste se",
        "continue": "Pokračovat",
    },
    "sk": {
        "pick": "Vyberte konto",
        "to": "a pokračujte do aplikácie {client}",
        "stand_in": "Náhrada prihlásenia Microsoft. Všetky kontá sú vymyslené, heslo netreba.",
        "cancel": "Zrušiť",
        "approve": "Schváľte prihlásenie",
        "approve_hint": "Toto konto potrebuje druhé overenie. Namiesto telefónu tu stačí kliknúť.",
        "approve_button": "Schváliť",
        "consent": "Žiadosť o povolenia",
        "consent_hint": "Posúďte za celú organizáciu: aplikácia pracuje v Dynamics 365 ako prihlásený používateľ.",
        "accept": "Prijať ako {name}",
        "trouble": "Prihlásenie sa nepodarilo",
        "another": "Použiť iné konto",
        "signed_out": "Odhlásili ste sa",
        "continue": "Pokračovať",
    },
}
_NOTES: Final[dict[str, dict[str, str]]] = {
    "cs": {
        "System Administrator": "správkyně systému",
        "sees the whole organization": "vidí celou organizaci",
        "sees only his own records": "vidí jen své záznamy",
        "disabled account": "zakázaný účet",
        "not a member of the organization": "není v organizaci",
        "second factor required": "chce druhé ověření",
        "refuses consent": "odmítne souhlas",
        "may not create leads": "nesmí zakládat potenciální zákazníky",
        "another company's directory": "adresář jiné firmy",
    },
    "sk": {
        "System Administrator": "správkyňa systému",
        "sees the whole organization": "vidí celú organizáciu",
        "sees only his own records": "vidí len svoje záznamy",
        "disabled account": "zakázané konto",
        "not a member of the organization": "nie je v organizácii",
        "second factor required": "chce druhé overenie",
        "refuses consent": "odmietne súhlas",
        "may not create leads": "nesmie zakladať potenciálnych zákazníkov",
        "another company's directory": "adresár inej firmy",
    },
}
_SUBMIT: Final = "document.forms[0].submit()"


def _words(accepted: str) -> tuple[str, dict[str, str]]:
    language = choose_language(accepted, tuple(_WORDS), "en")
    return language, _WORDS[language]


def _initials(name: str) -> str:
    return "".join(part[0] for part in name.split()[:2]).upper()


def _person(user: User, *, hinted: bool, language: str) -> str:
    chosen = " class=hinted autofocus" if hinted else ""
    note = f" · {_NOTES.get(language, {}).get(user.note, user.note)}" if user.note else ""
    return (
        f'<li><button name="user" value="{escape(user.upn)}"{chosen}><span class="initials" aria-hidden="true">'
        f'{escape(_initials(user.name))}</span><span class="name">{escape(user.name)}</span>'
        f'<span class="quiet">{escape(user.upn + note)}</span></button></li>'
    )


def pick_an_account(
    *,
    people: Iterable[User],
    client_name: str,
    directory: str,
    hint: str,
    parameters: Mapping[str, str],
    action: str,
    language: str,
) -> str:
    """The list of accounts, the hinted one first; every button carries the whole request on."""
    code, words = _words(language)
    ordered = sorted(people, key=lambda user: user.upn != hint)
    listed = "".join(_person(user, hinted=user.upn == hint, language=code) for user in ordered)
    place = f" · {directory}" if directory else ""
    body = (
        f"<h1>{words['pick']}</h1><p>{escape(words['to'].format(client=client_name) + place)}</p>"
        f'<form method="post" action="{escape(action)}">{hidden(dict(parameters))}'
        f'<ul class="people">{listed}</ul>'
        f'<button name="cancel" value="1">{words["cancel"]}</button></form>'
        f'<p class="quiet"><br>{words["stand_in"]}</p>'
    )
    return page(words["pick"], body, language=code)


def approve(user: User, parameters: Mapping[str, str], *, action: str, language: str) -> str:
    """The second factor: one more click."""
    code, words = _words(language)
    body = (
        f"<h1>{words['approve']}</h1><p>{escape(user.upn)}</p><p>{words['approve_hint']}</p>"
        f'<form method="post" action="{escape(action)}">{hidden({**parameters, "user": user.upn})}'
        f'<button class="primary" name="approve" value="1">{words["approve_button"]}</button> '
        f'<button name="cancel" value="1">{words["cancel"]}</button></form>'
    )
    return page(words["approve"], body, language=code)


def consent(
    admins: Iterable[User],
    *,
    client_name: str,
    directory: str,
    parameters: Mapping[str, str],
    action: str,
    language: str,
) -> str:
    """Consent for a whole directory, by one of its admins."""
    code, words = _words(language)
    accept = " ".join(
        f'<button class="primary" name="user" value="{escape(user.upn)}">'
        f"{escape(words['accept'].format(name=user.name))}</button>"
        for user in admins
    )
    place = f" · {directory}" if directory else ""
    body = (
        f"<h1>{words['consent']}</h1><p>{escape(client_name + place)}</p><p>{words['consent_hint']}</p>"
        f'<p class="quiet">{escape(parameters.get("scope", ""))}</p>'
        f'<form method="post" action="{escape(action)}">{hidden(dict(parameters))}{accept} '
        f'<button name="cancel" value="1">{words["cancel"]}</button></form>'
        f'<p class="quiet"><br>{words["stand_in"]}</p>'
    )
    return page(words["consent"], body, language=code)


def trouble(report: Report, *, again: str, language: str) -> str:
    """A refusal that only the person can see, with Entra's identifiers; `again` is where another account is chosen."""
    code, words = _words(language)
    link = f'<p><a href="{escape(again)}">{words["another"]}</a></p>' if again else ""
    sentence = f"AADSTS{report.refusal.code}: {report.refusal.sentence}"
    body = (
        f'<h1>{words["trouble"]}</h1><p class="bad">{escape(sentence)}</p>{link}'
        f'<p class="quiet">Correlation ID: {escape(report.correlation_id)}<br>Trace ID: {report.trace_id}<br>'
        f"Timestamp: {report.timestamp}</p>"
    )
    return page(words["trouble"], body, language=code)


def signed_out(language: str) -> str:
    """Where sign-out ends when no address to return to was given."""
    code, words = _words(language)
    return page(words["signed_out"], f"<h1>{words['signed_out']}</h1>", language=code)


def form_post(action: str, answer: dict[str, str]) -> tuple[str, str]:
    """response_mode=form_post: a page that posts itself, and the policy that lets it."""
    words = _WORDS["en"]
    body = (
        f'<form method="post" action="{escape(action)}">{hidden(answer)}'
        f'<button class="primary">{words["continue"]}</button></form><script>{_SUBMIT}</script>'
    )
    return page(words["continue"], body, language="en"), policy_with_script(_SUBMIT)

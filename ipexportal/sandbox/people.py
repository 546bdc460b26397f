"""Invented Czech and Slovak people, firms and the ways in which they write down telephone numbers."""

import itertools
import random
from collections.abc import Iterator
from typing import Final


def _words(text: str, separator: str = " ") -> tuple[str, ...]:
    return tuple(text.split(separator))


NBSP: Final = "\u00a0"
MEN: Final = _words(
    "Jiří Jan Petr Josef Pavel Martin Tomáš Jaroslav Miroslav Zdeněk Václav Michal František Jakub Milan Karel Lukáš "
    "David Vladimír Ondřej Ladislav Roman Marek Stanislav Daniel Radek Antonín Vojtěch Filip Adam Matěj Dominik"
)
WOMEN: Final = _words(
    "Jana Marie Eva Hana Anna Lenka Kateřina Lucie Věra Alena Petra Veronika Jaroslava Tereza Martina Michaela Jitka "
    "Helena Ludmila Zdeňka Ivana Monika Zuzana Markéta Eliška Barbora Jarmila Kristýna Dana Simona Adéla Natálie"
)
SURNAMES: Final = _words(
    "Novák/Nováková Svoboda/Svobodová Novotný/Novotná Dvořák/Dvořáková Černý/Černá Procházka/Procházková "
    "Kučera/Kučerová Veselý/Veselá Horák/Horáková Němec/Němcová Marek/Marková Pokorný/Pokorná Pospíšil/Pospíšilová "
    "Hájek/Hájková Král/Králová Jelínek/Jelínková Růžička/Růžičková Beneš/Benešová Fiala/Fialová Sedláček/Sedláčková "
    "Doležal/Doležalová Zeman/Zemanová Kolář/Kolářová Navrátil/Navrátilová Čermák/Čermáková Vaněk/Vaňková Urban/Urbanová "
    "Blažek/Blažková Kříž/Křížová Kovář/Kovářová Kratochvíl/Kratochvílová Bartoš/Bartošová Vlček/Vlčková Polák/Poláková "
    "Musil/Musilová Kopecký/Kopecká Šimek/Šimková Konečný/Konečná Malý/Malá Čech/Čechová Štěpánek/Štěpánková "
    "Holub/Holubová Soukup/Soukupová Šťastný/Šťastná Mareš/Marešová Moravec/Moravcová Tichý/Tichá Valenta/Valentová "
    "Kováč/Kováčová Varga/Vargová Tóth/Tóthová Horváth/Horváthová Baláž/Balážová Hudák/Hudáková Ševčík/Ševčíková"
)
FIRM_STEMS: Final = _words(
    "Stavby Elektro Kovo Servis Auto Agro Dřevo Tisk Pekárna Potraviny Nábytek Zahrada Doprava Instalace Klima Sklo "
    "Plasty Textil Hotel Lékárna Optika Účetnictví Reality Pila Truhlářství Výtahy Čerpadla Solar Izolace Zámečnictví"
)
FIRM_PLACES: Final = _words(
    "Morava Vysočina Haná Polabí Šumava Beskydy Brno Praha Ostrava Plzeň Olomouc Zlín Jihlava Tábor Kladno Liberec "
    "Pardubice Náchod Trutnov Cheb Písek Třebíč Znojmo Břeclav Vsetín Nitra Žilina Trnava Prešov Košice Martin Poprad"
)
FORMS: Final = ("s.r.o.", "s.r.o.", "s.r.o.", "a.s.", "spol. s r.o.", "v.o.s.", "z.s.")
JOBS: Final = _words(
    "jednatel|obchodní ředitelka|nákupčí|účetní|vedoucí provozu|technik|asistentka|majitel|stavbyvedoucí|skladník|recepční",
    "|",
)
MOBILE: Final = tuple(
    str(prefix) for prefix in (*range(601, 609), *range(702, 709), *range(720, 740), *range(770, 780))
)
FIXED: Final = ("224", "233", "257", "541", "543", "585", "596", "377", "387", "466", "485", "567", "577")
SLOVAK: Final = ("903", "905", "907", "910", "911", "915", "918", "940", "948")
RESERVED: Final = frozenset(
    {"777123456", "224551111", "224551112", "602111222", "604218330", "605333444", "608777111", "222333444"}
)
# how often, and how: {a}{b}{c} are the groups of three digits, {o} another number
CZECH_SPELLINGS: Final = (
    (30, "{a} {b} {c}"),
    (17, "{a}{b}{c}"),
    (19, "+420 {a} {b} {c}"),
    (14, "+420{a}{b}{c}"),
    (2, "00420 {a} {b} {c}"),
    (1, "00420{a}{b}{c}"),
    (2, "420{a}{b}{c}"),
    (2, "{a}-{b}-{c}"),
    (1, "{a}/{b}{c}"),
    (1, "{a}.{b}.{c}"),
    (2, "{a} {b0} {b1} {c1}"),
    (1, "(+420) {a} {b} {c}"),
    (1, "+420 {a}-{b}-{c}"),
    (1, "+420 (0) {a} {b} {c}"),
    (1, f"{{a}}{NBSP}{{b}}{NBSP}{{c}}"),
    (1, f"+420{NBSP}{{a}}{NBSP}{{b}}{NBSP}{{c}}"),
    (1, "{a} {b} {c} linka 12"),
    (1, "{a} {b} {c}, {o}"),
    (1, "tel. {a} {b} {c}"),
    (1, "{a} {b} {c} (večer)"),
)
SLOVAK_SPELLINGS: Final = (
    (4, "+421 {a} {b} {c}"),
    (3, "0{a} {b} {c}"),
    (2, "+421{a}{b}{c}"),
    (2, "0{a}/{b} {c}"),
    (1, "00421 {a} {b} {c}"),
)


class People:
    """An endless, repeatable supply; the same seed gives the same people."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._spellings = _deck(CZECH_SPELLINGS, self.random)
        self._slovak_spellings = _deck(SLOVAK_SPELLINGS, self.random)
        self._taken = set(RESERVED)

    def name(self) -> tuple[str, str]:
        """First name and surname."""
        man, woman = self.random.choice(SURNAMES).split("/")
        if self.random.random() < 0.5:
            return self.random.choice(MEN), man
        return self.random.choice(WOMEN), woman

    def firm(self) -> str:
        pick = self.random.choice
        return f"{pick(FIRM_STEMS)} {pick(FIRM_PLACES)} {pick(FORMS)}"

    def number(self, prefixes: tuple[str, ...] = MOBILE) -> str:
        """Nine digits that nobody has yet."""
        while True:
            digits = f"{self.random.choice(prefixes)}{self.random.randrange(10**6):06d}"
            if digits not in self._taken:
                self._taken.add(digits)
                return digits

    def spelled(self, digits: str, *, slovak: bool = False) -> str:
        """The number as somebody typed it."""
        template = next(self._slovak_spellings if slovak else self._spellings)
        a, b, c = digits[:3], digits[3:6], digits[6:]
        parts = {"a": a, "b": b, "c": c, "b0": digits[3:5], "b1": digits[5:7], "c1": digits[7:]}
        other = self.number() if "{o}" in template else ""
        return template.format(**parts, o=other)

    def mobile(self) -> str:
        if self.random.random() < 0.1:
            return self.spelled(self.number(SLOVAK), slovak=True)
        return self.spelled(self.number())

    def fixed_line(self) -> str:
        return self.spelled(self.number(FIXED))


def _deck(weighted: tuple[tuple[int, str], ...], source: random.Random) -> Iterator[str]:
    """Every spelling in its share, so that none is missing from a few hundred records."""
    cards = [text for weight, text in weighted for _ in range(weight)]
    source.shuffle(cards)
    return itertools.cycle(cards)

"""What the window shows, as plain values that its templates read.

The verbs build these (look-up, records, notes, calls); the templates decide nothing but how they look.
Every text is already in the agent's language and every time is aware; templates bring it to local time.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zlib import crc32

type Tone = Literal["info", "ok", "warn", "bad"]
type Shape = Literal["person", "company", "record"]  # circle, square, square with the table's icon
type CallState = Literal["idle", "ringing", "answered", "ended", "missed", "elsewhere"]
type Direction = Literal["incoming", "outgoing"]
type CallerKind = Literal["number", "withheld", "internal", "own", "unreadable"]
type NoteStatus = Literal["empty", "draft", "queued", "writing", "written", "refused"]
type FollowUpStatus = Literal["begun", "queued", "written", "refused"]
type SignInStep = Literal["ready", "waiting", "code", "expired", "done"]
type MatchStep = Literal["one", "many", "unknown", "failed", "searching"]
type Act = Literal["", "sign-in", "retry", "tab"]
type RowKind = Literal["live", "missed", "elsewhere", "draft", "waiting", "refused", "written", "unnoted", "done"]
type DayFilter = Literal["all", "unnoted", "waiting"]


def initials(name: str) -> str:
    """At most two letters for an avatar: "Jana Horáková" → "JH", "Elektro Vysočina a.s." → "EV"."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper()


def _digest(*shown: object) -> str:
    return format(crc32(repr(shown).encode("utf-8", "surrogatepass")), "x")


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What happened, what we did about it, who must act; at most one button. Never a code alone."""

    title: str
    text: str = ""
    tone: Tone = "warn"
    act: Act = ""
    code: str = ""  # for support, under "Details"


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One configured extra field with its formatted value. Empty ones are left out by who builds them."""

    label: str
    value: str
    link: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Details:
    """The extra fields of the record: four at once, the rest on demand."""

    fields: tuple[Field, ...] = ()
    problem: Problem | None = None

    @property
    def more(self) -> int:
        return len(self.fields) - 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """One record that holds the caller's number, as this agent may read it."""

    table: str  # logical name
    id: str
    name: str
    table_label: str  # "Contact", from the customer's metadata
    company: str = ""  # second line: the person's company, a record's number
    shape: Shape = "person"
    reason: str = ""  # one or two whole sentences: why it is here and why at this place
    active: bool = True
    remembered: bool = False
    owned: bool = False  # by this agent
    link: str = ""  # deep link into the CRM
    details: Details | None = None  # what came with the search
    has_company: bool = False  # whose fields are still to be asked for, in a slot of its own
    flags: tuple[str, ...] = ()  # "Do not phone", in words
    by_name: bool = False  # chosen by name: the record does not hold the number

    @property
    def initials(self) -> str:
        return initials(self.name)

    @property
    def spoken(self) -> str:
        return ", ".join(part for part in (self.name, self.company) if part)


@dataclass(frozen=True, kw_only=True, slots=True)
class Matches:
    """The answer of a look-up so far, ranked. `pending` and `failed` name tables by their labels."""

    found: tuple[Match, ...] = ()
    chosen: Match | None = None  # the agent's or the remembered choice, or the only match
    old: tuple[Match, ...] = ()  # inactive records when there is nothing else: shown before a new one is created
    nobody: bool = False  # the agent said "none of them"
    pending: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    problem: Problem | None = None  # set when nothing at all could be read
    hidden: tuple[str, ...] = ()  # tables with a record of this number that the agent may not read

    @property
    def step(self) -> MatchStep:
        """Which of the five pictures the body shows."""
        if self.chosen is not None:
            return "one"
        if self.nobody:
            return "unknown"
        if self.found:
            return "many"
        if self.problem is not None or self.failed:
            return "failed"
        return "searching" if self.pending else "unknown"

    @property
    def look_again(self) -> int:
        """Seconds after which the window asks anew; 0 when there is nothing to wait for."""
        if self.step == "failed":
            return 5 if self.problem and self.problem.act == "retry" else 0
        return 1 if self.pending or self.step == "searching" else 0

    @property
    def about(self) -> str:
        """Whom the card shows, as `Call.about` says it once that is noted; "" when nobody."""
        return f"{self.chosen.table}:{self.chosen.id}" if self.chosen else ""

    @property
    def holders(self) -> int:
        """How many records hold the number."""
        return sum(not match.by_name for match in self.found)

    @property
    def last_key(self) -> int:
        return min(9, len(self.found))

    @property
    def seen(self) -> str:
        """What the agent already sees, so that looking on answers only with news."""
        return ".".join([self.step, str(len(self.found)), str(len(self.pending)), str(len(self.failed))])


@dataclass(frozen=True, kw_only=True, slots=True)
class PastCall:
    """One earlier phone call of the record, newest first."""

    at: datetime
    text: str
    direction: Direction = "incoming"
    missed: bool = False
    owner: str = ""  # a colleague's name
    link: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    calls: tuple[PastCall, ...] = ()
    more: str = ""  # address of the whole list in the CRM
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """Something planned about the record."""

    kind: Literal["task", "appointment", "phonecall"]
    subject: str
    due_at: datetime | None = None
    overdue: bool = False
    owner: str = ""  # a colleague's name
    link: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Activities:
    """What is planned about the record, those due first come first."""

    planned: tuple[Activity, ...] = ()
    more: str = ""  # address of the record in the CRM, when there are others
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateOption:
    """A kind of record the agent could create. `refused` says in a sentence why not, then it stays disabled."""

    table: str
    label: str  # "New contact"
    shape: Shape = "person"
    icon: str = "table"  # name in static/icons.svg
    key: str = ""  # one upper-case letter
    refused: str = ""
    code: str = ""  # 128 random bits that name the tab waiting for the record


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who is on the other side, before anybody looked into the CRM."""

    kind: CallerKind
    display: str = ""  # "+420 777 123 456", or what the exchange sent when it is no number
    e164: str = ""
    about: str = ""  # "mobile, Czechia"
    today: int = 0  # calls with this number today, this one included


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """One stop on the caller's way through the voice menu. `answers` are (what was asked, what the caller said)."""

    title: str
    text: str = ""
    tone: Literal["", "ok", "bad"] = ""
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """What the caller knew; `how` is a whole sentence."""

    text: str
    how: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """The call bar and the strip: one call as its leg of this agent stands."""

    code: str
    state: CallState
    caller: Caller
    direction: Direction = "incoming"
    queue: str = ""
    line: str = ""
    since: datetime | None = None  # ringing since, answered since
    seconds: int | None = None  # length of an ended call
    elsewhere: str = ""  # who answered, when that is known
    private: bool = False  # announced by the agent's own page: nobody tells when it ends
    path: tuple[Stop, ...] = ()  # through the voice menu
    verified: Verified | None = None
    about: str = ""  # whom this agent chose, so that their other windows notice

    @property
    def live(self) -> bool:
        return self.state in {"ringing", "answered"}

    @property
    def can_be_closed(self) -> bool:
        return self.private or not self.live


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    code: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Aside:
    """What the agent typed into the same note in another window, before the text that is the note now."""

    page: str
    text: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """The agent's own note of this call and where it has got to."""

    text: str = ""
    outcome: str = ""
    revision: int = 0
    asides: tuple[Aside, ...] = ()
    status: NoteStatus = "empty"
    at: datetime | None = None  # saved, waiting since, written at
    troubled: bool = False  # something stands in its way
    reason: str = ""  # what that is, in a sentence, unless the body says it already
    surplus: int = 0  # UTF-16 code units over the column's limit
    theirs: str = ""  # the CRM's text, when somebody else changed it there
    conflict: bool = False
    link: str = ""  # the phone call in the CRM
    editable: bool = True  # False: the text is in the CRM only, and can be fetched


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """A task that the agent planned after this call, and where it has got to."""

    code: str
    due_at: datetime | None = None  # None: not said yet
    status: FollowUpStatus = "queued"
    waiting_since: datetime | None = None
    troubled: bool = False
    reason: str = ""  # what stands in its way, in a sentence, unless the body says it already
    link: str = ""  # the task in the CRM
    subject: str = ""  # of one that was only begun


@dataclass(frozen=True, kw_only=True, slots=True)
class Time:
    """A time that the form for a task offers. `value` is what it sends."""

    kind: Literal["today", "tomorrow", "week"]
    at: datetime
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The form for a task, as it was offered or as the agent filled it in. `when` is a `Time.value`, or "other"."""

    form: str
    subject: str = ""
    description: str = ""
    when: str = ""
    day: str = ""  # of another time, as the browser sends it
    clock: str = ""
    times: tuple[Time, ...] = ()
    mistakes: dict[str, str] = field(default_factory=dict)
    refused: str = ""  # code of the one that is being changed
    begun: bool = False  # some of it was typed before
    reason: str = ""  # why that one was refused
    about: str = ""  # name of the record it will belong to
    limits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Handover:
    """What a colleague wrote before handing the call over; read-only here."""

    author: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One call of the agent's day: time and number from our own rows, the name as their own look-up kept it."""

    code: str
    at: datetime
    who: str
    kind: RowKind = "done"
    direction: Direction = "incoming"
    missed: bool = False
    status: str = ""  # what is unfinished: "no note", "waiting for Microsoft", "nobody answered"
    waiting: bool = False
    text: str = ""  # second line: the note's beginning, the company, who answered
    in_crm: bool = False  # the note's text is in the CRM only
    label: str = ""  # one word on what became of it
    seconds: int | None = None
    since: datetime | None = None  # of a call under way
    e164: str = ""  # whom to call back


@dataclass(frozen=True, kw_only=True, slots=True)
class Unwritten:
    """A note or a task that is not in the CRM yet, of any day: why, and what can be done."""

    code: str  # of its call
    at: datetime
    who: str
    task: str = ""  # its code, if it is one
    text: str = ""
    why: str = ""
    refused: bool = False
    can_be_sent: bool = True  # False: it has to be changed first


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """Today's calls, newest first, and the notes of all days that wait."""

    rows: tuple[Row, ...] = ()
    waiting: tuple[Unwritten, ...] = ()
    filter: DayFilter = "all"
    more: bool = False  # than are listed
    not_before: datetime | None = None  # Microsoft asked us to wait until then
    signed_in: bool = True
    now: str = ""  # the call the window shows

    @property
    def unnoted(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.kind == "unnoted")

    @property
    def listed(self) -> tuple[Row, ...]:
        return self.unnoted if self.filter == "unnoted" else self.rows

    @property
    def lines_in_crm(self) -> bool:
        return self.filter != "waiting" and any(row.in_crm for row in self.listed)

    @property
    def seen(self) -> str:
        """What the agent already sees, so that an answer comes only with news."""
        return _digest(self.rows, self.waiting, self.not_before, self.signed_in)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignIn:
    """One attempt to sign in, as the frame shows it. `address` is the top-level page that the click opens."""

    code: str = ""
    step: SignInStep = "ready"
    address: str = ""
    proof: str = ""  # that it is this very window which asks how far it is
    expects: str = ""  # the account the window belongs to, "" when anybody of the customer may sign in
    seconds: int = 0  # how much longer the attempt or the typed code is good
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Idle:
    """The day in short. `today` counts its calls, `earlier` the notes of other days that wait."""

    unfinished: tuple[Row, ...] = ()
    latest: tuple[Row, ...] = ()
    today: int = 0
    earlier: int = 0

    @property
    def seen(self) -> str:
        return _digest(self.unfinished, self.latest, self.today, self.earlier)


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """The whole window at one moment. `call` is the one shown; `others` go into the strip, newest first."""

    agent_name: str
    agent_line: str = ""
    agent_account: str = ""  # e-mail or UPN expected at the sign-in
    signed_in: bool = True
    sign_in_expired: bool = False
    quiet: str = "ring"  # when a card comes up: "ring", "answer", "hand"
    known: bool = True  # names can be shown: signed in, or read before the sign-in expired
    problem: Problem | None = None  # stands in the way of everything
    call: Call | None = None
    others: tuple[Call, ...] = ()
    note: Note = field(default_factory=Note)
    follow_ups: tuple[FollowUp, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    handover: Handover | None = None
    idle: Idle = field(default_factory=Idle)

    @property
    def strip_key(self) -> str:
        return ".".join(f"{call.code}-{call.state}" for call in self.others)

    @property
    def chips(self) -> tuple[Outcome, ...]:
        """Up to four stand side by side; of more, three, and the rest in a list."""
        return self.outcomes if len(self.outcomes) <= 4 else self.outcomes[:3]

    @property
    def other_outcomes(self) -> tuple[Outcome, ...]:
        return self.outcomes[len(self.chips) :]

    @property
    def body_key(self) -> str:
        """Changes when the body must be drawn anew; a mere change from ringing to answered leaves it alone."""
        if self.call is None:
            return f"idle-{self.signed_in:d}-{self.quiet}-{self.idle.seen}"
        return f"{self.call.code}-{self.signed_in:d}-{self.handover is not None:d}"

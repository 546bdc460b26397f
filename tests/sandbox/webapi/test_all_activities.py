"""`activitypointers`: every activity is one of its rows. Microsoft: table reference "Activity (ActivityPointer)"."""

from urllib.parse import quote

from ipexportal.sandbox.demo_data import record_id
from tests.sandbox.webapi.people import Person

HORAKOVA = record_id("contact", "Jana Horáková")


def open_about_horakova(person: Person) -> list[tuple[str, str]]:
    condition = quote(f"_regardingobjectid_value eq {HORAKOVA} and (statecode eq 0 or statecode eq 3)")
    query = f"$select=subject,activitytypecode,scheduledend&$filter={condition}&$orderby=scheduledend%20asc"
    return [(row["activitytypecode"], row["subject"]) for row in person.get("activitypointers", query).rows]


def test_tasks_and_appointments_are_listed_together_those_without_a_date_first(jana: Person) -> None:
    assert open_about_horakova(jana) == [
        ("task", "Zjistit zájem o druhé čerpadlo"),
        ("task", "Poslat nabídku na prodloužení smlouvy"),
        ("appointment", "Prohlídka čerpadla"),
    ]


def test_a_new_phone_call_is_among_them_at_once(writing_jana: Person) -> None:
    about = {"regardingobjectid_contact_phonecall@odata.bind": f"/contacts({HORAKOVA})"}
    writing_jana.post("phonecalls", {"subject": "Zavolat zpět", "scheduledend": "2030-01-01T08:00:00Z"} | about)
    assert open_about_horakova(writing_jana)[-1] == ("phonecall", "Zavolat zpět")


def test_who_reads_own_activities_only_sees_no_others(bob: Person) -> None:
    assert open_about_horakova(bob) == []


def test_it_is_read_only(writing_jana: Person) -> None:
    task = record_id("task", "Jana Horáková/Poslat nabídku na prodloužení smlouvy")
    refused = [
        writing_jana.post("activitypointers", {"subject": "x"}),
        writing_jana.patch(f"activitypointers({task})", {"subject": "x"}),
        writing_jana.ask("DELETE", f"activitypointers({task})"),
    ]
    assert [answer.error[:2] for answer in refused] == [(405, "0x80060888")] * 3

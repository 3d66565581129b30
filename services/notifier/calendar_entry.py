"""A downtime as an iCalendar object (RFC 5545), to be mailed as a scheduling message (RFC 5546 and 6047)."""

from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress

from services.notifier.domain.mail_content import CalendarEntry, CalendarMethod


def calendar_of(entry: CalendarEntry, *, organizer: str, attendee: str, made_at: datetime) -> str:
    """The text of the calendar object, with its lines ended and folded as the format wants."""
    cancelled = entry.method is CalendarMethod.CANCEL
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", made_at.astimezone(UTC))
    event.add("dtstart", entry.start.astimezone(UTC))
    event.add("dtend", entry.end.astimezone(UTC))
    event.add("summary", entry.summary)
    event.add("description", entry.description)
    event.add("location", entry.location)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    event.add("organizer", vCalAddress(f"mailto:{organizer}"))
    invited = vCalAddress(f"mailto:{attendee}")
    invited.params["RSVP"] = "FALSE"
    event.add("attendee", invited)
    calendar = Calendar()
    calendar.add("prodid", "-//Drydock//notifier//EN")
    calendar.add("version", "2.0")
    calendar.add("method", entry.method.value)
    calendar.add_component(event)
    return str(calendar.to_ical(), "utf-8")

"""News of a guest: in order, bounded, and with an end that is always told."""

from voip.gateway.guests.gazette import MAX_NEWS, Gazette
from voip.gateway.guests.news import Connected, GuestEnded, GuestPressed
from voip.signalling.messages import HangupReason

END = GuestEnded(HangupReason.LOST, "gone", by_guest=False)


async def test_news_are_read_in_order_until_the_end() -> None:
    gazette = Gazette()
    for news in (Connected(), GuestPressed("1"), END, GuestPressed("2")):
        gazette.tell(news)

    assert [each async for each in gazette.read()] == [
        Connected(),
        GuestPressed("1"),
        END,
    ]


async def test_the_end_is_told_where_nobody_reads() -> None:
    gazette = Gazette()
    for number in range(2 * MAX_NEWS):
        gazette.tell(GuestPressed(str(number % 10)))
    gazette.tell(END)
    read = [each async for each in gazette.read()]

    assert (len(read), read[-1]) == (MAX_NEWS, END)

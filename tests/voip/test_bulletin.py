"""News that nobody reads takes no more memory than it may."""

from voip.bulletin import MAX_NEWS, MAX_UNREAD_FILES, Bulletin
from voip.news import FileArrived, News, Warned


async def unread(bulletin: Bulletin, count: int) -> list[News]:
    return [await bulletin.next() for _ in range(count)]


async def test_news_is_read_in_order() -> None:
    bulletin = Bulletin()
    for sentence in ("one", "two"):
        bulletin.tell(Warned(sentence))

    assert await unread(bulletin, 2) == [Warned("one"), Warned("two")]


async def test_the_oldest_news_gives_way() -> None:
    bulletin = Bulletin()
    for number in range(MAX_NEWS + 10):
        bulletin.tell(Warned(str(number)))
    news = await unread(bulletin, MAX_NEWS)

    assert (news[0], news[-1]) == (Warned("10"), Warned(str(MAX_NEWS + 9)))


async def test_files_beyond_a_few_are_dropped_with_a_word() -> None:
    bulletin = Bulletin()
    for number in range(MAX_UNREAD_FILES + 1):
        bulletin.tell(FileArrived(str(number), b"..."))
    news = await unread(bulletin, MAX_UNREAD_FILES + 1)
    bulletin.tell(FileArrived("next", b"..."))

    assert [type(each) for each in news] == [FileArrived] * MAX_UNREAD_FILES + [Warned]
    assert await unread(bulletin, 1) == [FileArrived("next", b"...")]


async def test_a_file_that_gave_way_unread_leaves_room_for_another() -> None:
    bulletin = Bulletin()
    for number in range(MAX_UNREAD_FILES):
        bulletin.tell(FileArrived(str(number), b"..."))
    for number in range(MAX_NEWS):
        bulletin.tell(Warned(str(number)))
    bulletin.tell(FileArrived("next", b"..."))
    news = await unread(bulletin, MAX_NEWS)

    assert news[-1] == FileArrived("next", b"...")

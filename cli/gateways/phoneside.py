"""Who talks with a telephone of ours: a contact, or whoever sits here."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cli.output import escape, is_for_programs, show
from cli.view import sentence
from voip.conversation import Conversation
from voip.endpoint import Endpoint
from voip.gateway.bridge import Bridge, Port
from voip.gateway.joined import Joined
from voip.gateway.sip.call import CallOver
from voip.gateway.sip.connecting import connect
from voip.gateway.sip.leg import SipLeg
from voip.gateway.sip.telephone import Telephone
from voip.media.plan import MediaPlan
from voip.news import News, format_json
from voip.upkeep import VaultKeeper

Hold = Callable[[Telephone], Awaitable[CallOver]]
"""Makes or takes a call, once its leg is announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One telephone call, its leg announced; `came` if they called."""

    telephone: Telephone
    joined: Joined
    bridge: Bridge
    port: Port
    came: SipLeg | None


class Side:
    """Who talks with the telephone: a contact, or whoever sits here.

    Attributes:
        contact: by alias; empty for nobody.
        has_video: pictures are wanted.
        endpoint: who we are to contacts; None where none takes part.
        store: what that endpoint knows; likewise.
    """

    def __init__(
        self,
        endpoint: Endpoint | None,
        contact: str,
        plan: Callable[[], MediaPlan],
        *,
        video: bool,
        store: VaultKeeper | None = None,
    ) -> None:
        self.contact = contact
        self.has_video = video
        self.endpoint = endpoint
        self.store = store
        self._plan = plan

    @property
    def is_empty(self) -> bool:
        """Whether nobody is there to take a call of a telephone."""
        return self.endpoint is not None and not self.contact

    async def talk(self, call: Call, hold: Hold) -> CallOver:
        """Hold a call to its end."""
        if self.endpoint is not None:
            return await connect(
                self.endpoint,
                self.contact,
                call.telephone,
                lambda: hold(call.telephone),
                joined=call.joined,
                bridge=call.bridge,
                tell=_tell_news,
                gone=None if call.came is None else call.came.finished(),
                video=self.has_video,
            )
        call.port.open()
        async with asyncio.TaskGroup() as tasks:
            attaching = call.bridge.attach(call.port, self._plan())
            attached = tasks.create_task(attaching)
            over = await hold(call.telephone)
            attached.cancel()
        return over


def _tell_news(conversation: Conversation, news: News) -> None:
    told = sentence(news)
    if told or is_for_programs():
        lines = [f"{escape(conversation.alias)}: {told}"] if told else []
        show({**format_json(news), "alias": conversation.alias}, *lines)

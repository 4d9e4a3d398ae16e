"""How a test gets a guest to each screen of the page, with a host it plays itself."""

from dataclasses import replace

from tests.voip.gateway.page.browsers import Tab, click, until, until_screen
from tests.voip.gateway.page.host import Host
from voip.gateway.guests.messages import Accept, Offer
from voip.signalling.legs import (
    LegKind,
    Legs,
    LegsAck,
    LegStage,
    ListedLeg,
    Mark,
)
from voip.signalling.messages import Confirm, State

PHONE = ListedLeg(
    2,
    LegKind.SIP,
    mark=Mark.NOT_ENCRYPTED,
    host="pbx.example",
    name="reception",
)
SUBMIT = "document.querySelector('[type=submit]')"


async def ask_to_join(tab: Tab, host: Host, name: str = "Bob") -> None:
    """Open the link and press the button."""
    await tab.open(host.link)
    await until_screen(tab, "join")
    await tab.ask(f"document.getElementById('name').value = {name!r}")
    await tab.ask(f"{SUBMIT}.click()")


async def at_the_door(tab: Tab, host: Host) -> Confirm:
    """Get as far as the host being asked."""
    await ask_to_join(tab, host)
    confirm = await host.hear(Confirm)
    await until_screen(tab, "door")
    return confirm


async def in_the_call(tab: Tab, host: Host) -> Confirm:
    """Get as far as an offer of media, which nobody answers here."""
    confirm = await at_the_door(tab, host)
    await host.say(Accept())
    await host.hear(State)
    await host.hear(Offer)
    await until_screen(tab, "call")
    return confirm


async def ended(tab: Tab) -> str:
    """Wait for the end of the call; give what the page says about it."""
    await until_screen(tab, "ended")
    text: str = await tab.ask("document.getElementById('ended').innerText")
    return text


async def told(tab: Tab, text: str) -> None:
    """Wait until the page's live region says something."""
    await until(tab, f"document.getElementById('news').textContent.includes({text!r})")


async def telephone(tab: Tab, host: Host) -> None:
    """Have a telephone in the call, to which the guest agreed."""
    await host.say(Legs(1, (PHONE,)))
    await until_screen(tab, "notice")
    await click(tab, "accept-legs")
    await host.hear(LegsAck)
    await host.say(Legs(2, (replace(PHONE, stage=LegStage.JOINED),)))
    await host.hear(LegsAck)

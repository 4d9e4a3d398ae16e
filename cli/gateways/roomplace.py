"""Where somebody is in a room: endpoint, devices, screen, and the page for guests."""

from dataclasses import KW_ONLY, dataclass

from cli.gateways.larger import Made, Server, larger_room
from cli.stage import Stage
from voip.endpoint import Endpoint
from voip.gateway.counts import GatewayCounts
from voip.gateway.guests.server import BrowserGateway
from voip.gateway.rooms.larger import LargerRoom
from voip.gateway.rooms.mesh import MeshRoom
from voip.media.connect.config import IceConfig
from voip.media.plan import MediaPlan
from voip.upkeep import VaultKeeper


@dataclass(frozen=True, slots=True)
class Place:
    """What a room is held with.

    Attributes:
        endpoint: our place on the network.
        store: whose address book it is.
        plan: microphone, speaker, camera, window; closed by the room.
        ice: how to be found.
        video: show our picture from the start.
        stage: where pictures are drawn, if on the terminal.
        counted: figures of the process.
        gateway: where browser guests come in; None: none do.
    """

    endpoint: Endpoint
    store: VaultKeeper
    plan: MediaPlan
    _: KW_ONLY
    ice: IceConfig
    video: bool
    stage: Stage | None
    counted: GatewayCounts
    gateway: BrowserGateway | None = None

    def mesh(self, group_id: bytes, *, is_opener: bool = False) -> MeshRoom:
        """Give our place in a room without a server; `is_opener`, nobody is there."""
        return MeshRoom(
            self.endpoint,
            self.store,
            plan=self.plan,
            group_id=group_id,
            is_opener=is_opener,
            video=self.video,
            guests=self.gateway is not None,
            counted=self.counted,
        )

    def larger(
        self, group_id: bytes, server: Server, made: Made | None = None
    ) -> LargerRoom:
        """Give our place in a room over a server; `made`, if we made it."""
        return larger_room(
            self.endpoint,
            self.store,
            self.plan,
            server,
            ice=self.ice,
            video=self.video,
            guests=self.gateway is not None,
            group_id=group_id,
            ticket=None if made is None else made.ticket,
            secret="" if made is None else made.secret,
            counted=self.counted,
        )

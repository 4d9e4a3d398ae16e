from voip.signalling.link import PATIENCE_S
from voip.signalling.store import STORE_S, Store
from voip.signalling.store_redis import RedisStore
from voip.signalling.store_sqlite import SqliteStore


def test_every_engine_is_a_store() -> None:
    """The type checker looks; what they do is the contract's to test."""
    stores: list[type[Store]] = [SqliteStore, RedisStore]

    assert len(stores) == 2


def test_a_client_waits_longer_than_the_store_may_take() -> None:
    """Or it would leave before it hears that it should slow down."""
    assert STORE_S < PATIENCE_S

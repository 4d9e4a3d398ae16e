"""Publishing releases: one private folder, from which a public one is uploaded.

::

    setup    what a repository begins with            keys      who can sign here, now
    lint     what is weak about it                    metadata  the door to python-tuf
    steps    where a publication stands               folder    what lies where
    claims   what the log is told                     run       one publication
    draft    new versions of roles, unsigned          upkeep    refreshing, freshness

A change is drafted, signed by whoever has the keys, logged, tried out and uploaded.
Each step can be killed and repeated. Formats: docs/formats/publisher.md.
"""

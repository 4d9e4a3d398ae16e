"""Rules import rules: no module outside the map of I/O imports one inside it."""

import grimp

from tests.io_map import (
    CHECKOUT,
    PACKAGES,
    carrier_patterns,
    module_name,
    sources,
)


def test_no_rules_module_imports_a_carrier() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)

    assert _offences(graph) == []


def test_a_rules_module_that_imports_a_carrier_is_found() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    graph.add_import(importer="voip.wire", imported="cli.main")

    assert _offences(graph) == ["voip.wire -> cli.main"]


def test_every_line_of_the_map_names_a_file() -> None:
    stale = [
        pattern
        for pattern in carrier_patterns()
        if pattern.startswith(PACKAGES) and not list(CHECKOUT.glob(pattern))
    ]

    assert stale == []


def _offences(graph: grimp.ImportGraph) -> list[str]:
    """List direct imports only: by induction over them, no rules reach a carrier."""
    carriers = {module_name(path) for path in sources(carriers=True)}
    return [
        f"{rules} -> {carrier}"
        for rules in map(module_name, sources(carriers=False))
        for carrier in sorted(graph.find_modules_directly_imported_by(rules))
        if carrier in carriers
    ]

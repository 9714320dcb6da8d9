from abaco.domain.tenant import Tenant
from abaco.ports import Store


def test_a_tenant_is_found_as_it_was_put(store: Store) -> None:
    store.tenants.put(Tenant("DEV", "https://dev.test"))
    store.tenants.put(Tenant("IPLANT"))
    assert store.tenants.find("DEV") == Tenant("DEV", "https://dev.test")
    assert store.tenants.find("IPLANT") == Tenant("IPLANT", None)


def test_putting_a_tenant_again_changes_its_base_url(store: Store) -> None:
    store.tenants.put(Tenant("DEV", "https://old.test"))
    store.tenants.put(Tenant("DEV", "https://new.test"))
    assert store.tenants.find("DEV") == Tenant("DEV", "https://new.test")


def test_an_unknown_tenant_is_none(store: Store) -> None:
    assert store.tenants.find("NOBODY") is None


def test_a_tenant_is_matched_in_any_case(store: Store) -> None:
    store.tenants.put(Tenant("DEV-Develop", None, "key"))
    store.tenants.put(Tenant("DEV"))
    for name in ("DEV-DEVELOP", "dev-develop", "DEV-Develop"):
        assert store.tenants.match(name) == Tenant("DEV-Develop", None, "key")
    assert store.tenants.match("dev-") is None
    assert store.tenants.match("") is None


def test_no_tenant_stands_for_one_of_the_very_name(store: Store) -> None:
    """Ids may not differ in case only, but those that the first version took may be there."""
    store.tenants.put(Tenant("DEV"))
    store.tenants.put(Tenant("dev"))
    assert [store.tenants.match(name) for name in ("dev", "DEV")] == [Tenant("dev"), Tenant("DEV")]


def test_tenants_are_listed_by_id(store: Store) -> None:
    for name in ("B", "A"):
        store.tenants.put(Tenant(name))
    assert store.tenants.all() == [Tenant("A"), Tenant("B")]

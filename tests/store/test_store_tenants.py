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

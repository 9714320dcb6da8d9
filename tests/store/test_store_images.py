from store.scene import NOW, later

from abaco.ports import ImageRecord, Store

TEST = ImageRecord("docker.io/abacosamples/test:latest", "sha256:1", "archive", NOW)


def test_an_image_is_found_by_its_name(store: Store) -> None:
    store.images.put(TEST)
    assert store.images.find(TEST.name) == TEST
    assert store.images.find("unknown") is None


def test_putting_an_image_again_moves_the_name(store: Store) -> None:
    store.images.put(TEST)
    moved = ImageRecord(TEST.name, "sha256:2", "registry", later(days=1))
    store.images.put(moved)
    assert store.images.find(TEST.name) == moved
    assert store.images.all() == [moved]


def test_all_images_are_listed_by_name(store: Store) -> None:
    names = ["b/two:1", "a/one:1", "c/three:1"]
    for name in names:
        store.images.put(ImageRecord(name, "sha256:1", "archive", NOW))
    assert [record.name for record in store.images.all()] == sorted(names)

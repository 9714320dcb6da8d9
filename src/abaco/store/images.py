"""Names of images and the digests they stand for."""

from sqlalchemy import select

from abaco.ports import ImageRecord
from abaco.store.database import Database
from abaco.store.tables import images

__all__ = ["Images"]


class Images:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, record: ImageRecord) -> None:
        values = {"digest": record.digest, "source": record.source, "created_at": record.created_at}
        insertion = self._database.upsert(images).values(name=record.name, **values)
        with self._database.write() as connection:
            connection.execute(insertion.on_conflict_do_update(index_elements=["name"], set_=values))

    def find(self, name: str) -> ImageRecord | None:
        with self._database.read() as connection:
            row = connection.execute(select(images).where(images.c.name == name)).one_or_none()
        return ImageRecord(*row) if row else None

    def all(self) -> list[ImageRecord]:
        with self._database.read() as connection:
            return [ImageRecord(*row) for row in connection.execute(select(images).order_by(images.c.name))]

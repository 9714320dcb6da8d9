"""Full-text indexes of actors and logs, kept by the database itself, and what searches need for JSON.

Triggers (SQLite) and generated columns (PostgreSQL) change an index in the transaction that changes its row, whoever
writes it. A log is indexed when its execution ends, not each time some output arrives. Of each row the first 200,000
characters are indexed: a tsvector holds no more. The word `endoffield` keeps phrases from running over two fields.
Whoever changes what is indexed rebuilds the index: a row is taken out of it by the same words it was put in with.
"""

# ruff: noqa: S608 - the statements are made of the names above them

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MAX = 200_000
_TEXTS = (
    *("id", "owner", "image", "name", "description", "type", "link", "webhook", "queue", "mem_limit"),
    *("cron_schedule", "tasdir", "status", "status_message"),
)
_JSON = ("hints", "default_environment", "state")
_GAP = "' endoffield '"


def upgrade() -> None:
    connection = op.get_bind()
    statements = _postgresql() if connection.dialect.name == "postgresql" else _sqlite()
    for statement in statements:
        connection.exec_driver_sql(statement)


def _joined(texts: list[str]) -> str:
    return f" || {_GAP} || ".join(f"coalesce({text}, '')" for text in texts)


def _sqlite() -> list[str]:
    """Tables of words without the texts. A log's rowid is not stable, hence the number of its execution."""

    def actor(row: str) -> str:
        nested = [
            f"(SELECT group_concat(value, {_GAP}) FROM json_tree({row}.{name}) WHERE type = 'text')" for name in _JSON
        ]
        return f"substr({_joined([*(f'{row}.{name}' for name in _TEXTS), *nested])}, 1, {_MAX})"

    def log(row: str, verb: str = "") -> str:
        into, first = ("log_words, rowid", f"'{verb}', ") if verb else ("rowid", "")
        return (
            f"INSERT INTO log_words ({into}, text) SELECT {first}seq, substr({row}.text, 1, {_MAX}) FROM executions "
            f"WHERE id = {row}.execution_id AND {row}.expires_at IS NOT NULL AND {row}.text <> '';"
        )

    added = f"INSERT INTO actor_words (rowid, text) VALUES (new.seq, {actor('new')});"
    removed = f"INSERT INTO actor_words (actor_words, rowid, text) VALUES ('delete', old.seq, {actor('old')});"
    differs = " OR ".join(f"old.{name} IS NOT new.{name}" for name in (*_TEXTS, *_JSON))
    finished = "JOIN logs ON execution_id = id WHERE expires_at IS NOT NULL AND text <> ''"
    tokenizer = 'tokenize = "unicode61 remove_diacritics 0"'
    return [
        f"CREATE VIRTUAL TABLE actor_words USING fts5(text, content = '', {tokenizer})",
        f"CREATE VIRTUAL TABLE log_words USING fts5(text, content = '', {tokenizer})",
        f"CREATE TRIGGER actor_words_added AFTER INSERT ON actors BEGIN {added} END",
        f"CREATE TRIGGER actor_words_changed AFTER UPDATE ON actors WHEN {differs} BEGIN {removed} {added} END",
        f"CREATE TRIGGER actor_words_removed AFTER DELETE ON actors BEGIN {removed} END",
        f"CREATE TRIGGER log_words_added AFTER INSERT ON logs BEGIN {log('new')} END",
        f"CREATE TRIGGER log_words_changed AFTER UPDATE ON logs BEGIN {log('old', 'delete')} {log('new')} END",
        f"CREATE TRIGGER log_words_removed AFTER DELETE ON logs BEGIN {log('old', 'delete')} END",
        f"INSERT INTO actor_words (rowid, text) SELECT seq, {actor('actors')} FROM actors",
        f"INSERT INTO log_words (rowid, text) SELECT seq, substr(text, 1, {_MAX}) FROM executions {finished}",
    ]


def _postgresql() -> list[str]:
    """`abaco_json` refuses what jsonb cannot hold: one odd value of one user must not fail everybody's search."""
    actor = f"abaco_tsvector({_joined([*_TEXTS, *(f'abaco_strings({name})' for name in _JSON)])})"
    log = "CASE WHEN expires_at IS NOT NULL THEN abaco_tsvector(text) END"
    # Bodies after RETURN are bound to what they call, whatever the search path of a restore is.
    function = "CREATE FUNCTION {} IMMUTABLE PARALLEL SAFE "
    strings = """jsonb_path_query(abaco_json(document), 'strict $.** ? (@.type() == "string")')"""
    # Every mark that divides words becomes a blank: what PostgreSQL takes for paths or addresses it leaves whole.
    marks = r"""E'!"#$%%&\'()*+,-./:;<=>?@[\\]^_`{|}~', repeat(' ', 32)"""
    return [
        function.format("abaco_json(document text) RETURNS jsonb")
        + r"RETURN CASE WHEN strpos(document, '\u0000') = 0 THEN document::jsonb END",
        function.format("abaco_strings(document text) RETURNS text")
        + f"RETURN (SELECT string_agg(one #>> '{{}}', {_GAP}) FROM {strings} one)",
        function.format("abaco_tsvector(document text) RETURNS tsvector")
        + f"RETURN to_tsvector('simple'::regconfig, translate(left(document, {_MAX}), {marks}))",
        function.format("abaco_values(document text, path text[]) RETURNS SETOF jsonb") + "LANGUAGE sql BEGIN ATOMIC "
        "WITH found AS MATERIALIZED (SELECT abaco_json(document) #> path AS value) "
        "SELECT value FROM found WHERE value IS NOT NULL UNION ALL "
        "SELECT jsonb_array_elements(value) FROM found WHERE jsonb_typeof(value) = 'array'; END",
        f"ALTER TABLE actors ADD COLUMN words tsvector GENERATED ALWAYS AS ({actor}) STORED",
        f"ALTER TABLE logs ADD COLUMN words tsvector GENERATED ALWAYS AS ({log}) STORED",
        "CREATE INDEX actor_words ON actors USING gin (words)",
        "CREATE INDEX log_words ON logs USING gin (words)",
    ]

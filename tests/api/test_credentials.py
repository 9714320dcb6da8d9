"""Who is let in: bearer tokens of users, and of running executions."""

from datetime import timedelta

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from abaco.services.users import Users

from .asgi import result_of
from .world import SECRET, World


def require_fault(response: httpx.Response) -> None:
    """What a gateway says of a bad token: clients refresh theirs on these words."""
    body = response.json()
    assert response.status_code == 401
    assert body["fault"]["code"] == 900901
    assert body["fault"]["message"] == "Invalid Credentials"
    assert (body["status"], body["result"]) == ("error", None)
    assert response.headers["x-abaco-error-code"] == "invalid_credentials"


@pytest.mark.parametrize(
    "headers", [[], [("Authorization", "")], [("Authorization", "Bearer")], [("Authorization", "Basic YTpi")]]
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/actors"), ("POST", "/actors"), ("POST", "/actors/ID/messages")])
def test_without_credentials_is_a_plain_401(
    world: World, headers: list[tuple[str, str]], method: str, path: str
) -> None:
    response = world.http.send(method, path, headers=headers)
    world.require_refused(response, 401, "No credentials")
    assert response.headers["x-abaco-error-code"] == "not_authenticated"


@pytest.mark.parametrize("token", ["unknown", "a.b.c", "..", "\u00e9\u00ff.\u00e9.\u00e9", "W10.W10.W10", "x" * 5000])
@pytest.mark.parametrize(("method", "path"), [("GET", "/actors"), ("POST", "/v3/actors/ID/messages")])
def test_a_bad_token_is_the_401_of_a_gateway(world: World, token: str, method: str, path: str) -> None:
    before = world.everything()
    response = world.http.send(method, path, token=token, json="hi")
    require_fault(response)
    assert world.everything() == before


def test_a_token_may_expire(world: World) -> None:
    token = Users(world.store, world.clock).issue_token("DEV", "ada", timedelta(seconds=60))
    assert world.http.send("GET", "/actors", token=token).status_code == 200
    world.clock.advance(seconds=60)
    require_fault(world.http.send("GET", "/actors", token=token))


def test_the_scheme_is_written_in_any_case(world: World) -> None:
    response = world.http.send("GET", "/actors", headers=[("Authorization", f"bearer  {world.tokens['ada']} ")])
    assert result_of(response) == []


@pytest.mark.parametrize(
    ("key", "header"),
    [
        (b"another key, of 32 bytes at least", {"alg": "HS256"}),
        (SECRET, {"alg": "HS512"}),
    ],
)
def test_a_forged_execution_token_is_refused(world: World, key: bytes, header: dict[str, str]) -> None:
    actor = world.actor(stateless=False)
    world.message(actor)
    claim = world.claim(actor)
    claims = {
        "sub": "ada",
        "tenant": "DEV",
        "actor": claim.actor.id,
        "execution": claim.execution_id,
        "attempt": 1,
        "state_only": False,
        "exp": 4_000_000_000,
    }
    token = jwt.encode(header, claims, OctKey.import_key(key), algorithms=[header["alg"]])
    require_fault(world.http.send("GET", "/actors", token=token))


@pytest.mark.parametrize("claims", [{}, {"exp": None}, {"exp": "late"}, {"exp": 4_000_000_000, "sub": "ada"}])
def test_a_signed_token_with_other_claims_is_refused(world: World, claims: dict[str, object]) -> None:
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
    require_fault(world.http.send("GET", "/actors", token=token))


class TestExecutionTokens:
    def test_opens_the_state_of_its_own_actor(self, world: World) -> None:
        actor, other = world.actor(stateless=False), world.actor(stateless=False)
        world.message(actor)
        token = world.execution_token(world.claim(actor))
        written = world.http.send("POST", f"{actor}/state", token=token, json=[1])
        assert result_of(written)["state"] == [1]
        for path in (other, f"{other}/state", actor, f"{actor}/messages", f"{actor}/executions", "/actors/v2"):
            response = world.http.send("GET", path, token=token)
            world.require_refused(response, 400, "limited to the state and the files of its own actor")
        for path in (f"{other}/state", f"{actor}/messages", "/actors/v2"):
            before = world.everything()
            response = world.http.send("POST", path, token=token, json={"image": "abacosamples/test"})
            world.require_refused(response, 400, "limited to the state and the files of its own actor")
            assert world.everything() == before

    def test_what_it_writes_is_staged_until_the_execution_closes(self, world: World) -> None:
        actor = world.actor(stateless=False, state={"n": 0})
        world.message(actor)
        claim = world.claim(actor)
        token = world.execution_token(claim)
        result_of(world.http.send("POST", f"{actor}/state", token=token, json={"n": 1}))
        assert result_of(world.http.send("GET", f"{actor}/state", token=token)) == {"state": {"n": 1}}
        assert world.get(f"{actor}/state") == {"state": {"n": 0}}
        assert world.get(actor)["state"] == {"n": 0}
        world.close(claim)
        assert world.get(f"{actor}/state") == {"state": {"n": 1}}

    def test_is_refused_after_its_attempt(self, world: World) -> None:
        actor = world.actor(stateless=False)
        world.message(actor)
        claim = world.claim(actor)
        token = world.execution_token(claim)
        world.close(claim)
        before = world.everything()
        require_fault(world.http.send("POST", f"{actor}/state", token=token, json=1))
        require_fault(world.http.send("GET", f"{actor}/state", token=token))
        assert world.everything() == before

    def test_is_refused_once_another_attempt_runs(self, world: World) -> None:
        actor = world.actor(stateless=False)
        world.message(actor)
        first = world.execution_token(world.claim(actor))
        world.store.claims.reclaim("engine1", world.clock.now(), 5)
        second = world.execution_token(world.claim(actor))
        require_fault(world.http.send("GET", f"{actor}/state", token=first))
        assert world.http.send("GET", f"{actor}/state", token=second).status_code == 200

    def test_expires(self, world: World) -> None:
        actor = world.actor(stateless=False)
        world.message(actor)
        token = world.execution_token(world.claim(actor))
        world.clock.advance(hours=2)
        require_fault(world.http.send("GET", f"{actor}/state", token=token))

    def test_of_the_owner_does_what_the_owner_may(self, world: World) -> None:
        actor, other = world.actor(stateless=False, token=True), world.actor(stateless=False)
        world.message(actor)
        token = world.execution_token(world.claim(actor), owner_token=True)
        assert len(result_of(world.http.send("GET", "/actors", token=token))) == 2
        posted = result_of(world.http.send("POST", f"{other}/messages", token=token, json="hi"))
        assert posted["msg"] == "hi"
        result_of(world.http.send("POST", f"{other}/state", token=token, json=7))
        assert world.get(f"{other}/state") == {"state": 7}

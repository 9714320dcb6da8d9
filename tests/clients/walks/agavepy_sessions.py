"""agavepy's helpers for sessions, what it does when a token has expired, and that wrong credentials are refused."""

import getpass
import os

import requests
from agavepy.agave import Agave

API_SERVER, AUTHORITY = os.environ["API_SERVER"], os.environ["AUTHORITY"]
USERNAME, PASSWORD = os.environ["USERNAME"], os.environ["PASSWORD"]
getpass.getpass = lambda prompt="": PASSWORD  # what a user types

ag = Agave(api_server=API_SERVER, username=USERNAME, tenant_id=None)
ag.init(tenantsurl=API_SERVER + "/tenants")
assert ag.tenant_id, "the tenant of this server is found by its address"
assert ag.list_tenants(tenantsurl=API_SERVER + "/tenants")[ag.tenant_id]["url"] == API_SERVER

ag.clients_create("session", "of a notebook")
assert ag.api_key
assert ag.api_secret
ag.clients_list()
ag.clients_subscribtions()
ag.get_access_token()
assert ag.token
assert ag.refresh_token
first = ag.token
ag.created_at, ag.expires_in = "0", "0"
ag.refresh_tokens()
assert ag.token != first

ag.save_configs("sessions")
again = Agave(api_server=API_SERVER)
again.load_configs("sessions")
assert again.token == ag.token

# A token that is worthless: refreshed on the way, and the call repeated.
client = Agave(api_server=API_SERVER, username=USERNAME, password=PASSWORD, verify=AUTHORITY)
client.clients.create(body={"clientName": "refreshing", "description": "for a token that expires"})
before = client.token.token_info["access_token"]
requests.post(
    API_SERVER + "/revoke", data={"token": before}, auth=(client.api_key, client.api_secret), verify=AUTHORITY
).raise_for_status()
assert client.actors.list() == []
assert client.token.token_info["access_token"] != before

# Without a way to refresh, it is an error.
try:
    Agave(api_server=API_SERVER, token="0000000000", verify=AUTHORITY).actors.list()
except Exception as error:
    print("refused:", error)
else:
    raise AssertionError("a made-up token was accepted")

# A name that is taken, a wrong password.
for password, name in ((PASSWORD, "refreshing"), ("wrong", "other")):
    try:
        Agave(api_server=API_SERVER, username=USERNAME, password=password, verify=AUTHORITY).clients.create(
            body={"clientName": name}
        )
    except requests.HTTPError as error:
        assert 400 <= error.response.status_code < 500
        assert error.response.json()["status"] == "error"
    else:
        raise AssertionError(f"{name} was created")

client.clients.delete(clientName="refreshing")
ag.clients_delete("session")
assert client.clients.list() == []

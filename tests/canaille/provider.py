"""An office's directory for the tests: Canaille, a real OpenID provider, with a few people in it.

    provider.py PORT RETURN

Tells "ready" when it answers. Each start makes another key. RETURN is where `sohoa` has its people
come back to; `khac` is another office's client.
"""

import datetime
import os
import sys

# The tests speak to it without TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "true"

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.backends.memory.backend import MemoryBackend
from joserfc import jwk
from werkzeug.serving import make_server

# Canaille's store in memory answers with what fits any of several filters, where those in files
# answer with what fits all: a code that nobody has would be another of the client's.
fitting_any = MemoryBackend.do_query


def fitting_all(self, model, *args, **filters):
    """What fits every filter."""
    each = [{one.id: one for one in fitting_any(self, model, **{name: value})}
            for name, value in filters.items()]
    if not each:
        return fitting_any(self, model)
    return [one for id, one in each[0].items() if all(id in others for others in each[1:])]


MemoryBackend.do_query = fitting_all

PEOPLE = ["can-bo", "nguoi-la", "quan-tri"]

port, returns_to = int(sys.argv[1]), sys.argv[2]
key = jwk.generate_key("RSA", 2048)
key.ensure_kid()
app = create_app(
    {
        "SECRET_KEY": os.urandom(24).hex(),
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [key.as_dict(private=True)]},
    }
)


def client(name, redirect):
    """Registers one that people need not be asked about."""
    made = models.Client(
        client_id=name,
        client_name=name,
        client_uri="http://127.0.0.1",
        client_secret=f"{name} & bí mật",
        client_id_issued_at=datetime.datetime.now(datetime.timezone.utc),
        redirect_uris=[redirect],
        grant_types=["authorization_code"],
        response_types=["code"],
        scope=["openid", "profile"],
        token_endpoint_auth_method="client_secret_basic",
    )
    Backend.instance.save(made)
    made.audience = [made]
    Backend.instance.save(made)


with app.app_context():
    for name in PEOPLE:
        person = models.User(
            user_name=f"s-{name}",
            display_name=name,
            formatted_name=name,
            family_name=name,
            emails=[f"{name}@example.vn"],
            password="bốn con trâu trắng",
        )
        Backend.instance.save(person)
    client("sohoa", returns_to)
    client("khac", "https://khac.example.vn/return")

server = make_server("127.0.0.1", port, app, threaded=True)
print("ready", flush=True)
server.serve_forever()

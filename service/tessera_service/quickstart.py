# SPDX-License-Identifier: Apache-2.0
"""What `tessera serve --quickstart` prints: a service token and lines that work when they are pasted into a shell, one
after the other. The README shows the same lines. And what `tessera serve --dev` prints of the demo that it makes."""

from typing import NamedTuple

PERMISSIONS = ("token.generate", "token.introspect", "token.revoke")
SUBJECT = "quickstart"
TTL_SECONDS = 3600
DEMO_TENANT = "demo"
DEMO_USER = "demo"

# Every step is one command; what a later one needs is taken out of the answer with sed.
STEPS = (
    (
        "Issue a pair of tokens for alice",
        """\
curl -s "$TESSERA/v1/token" -H "Authorization: Bearer $SERVICE" -H "X-Tenant-ID: $TENANT" -H "X-Request-ID: demo-1" \\
  -H "Content-Type: application/json" -d '{"sub": "alice", "scope": "read:profile"}' | tee issued.json; echo
ACCESS=$(sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/' issued.json)
REFRESH=$(sed 's/.*"refresh_token": *"\\([^"]*\\)".*/\\1/' issued.json); rm issued.json""",
    ),
    (
        "Is the access token alive?",
        """\
curl -s "$TESSERA/v1/token/introspect" -H "Authorization: Bearer $SERVICE" -H "X-Tenant-ID: $TENANT" \\
  -H "X-Request-ID: demo-2" -H "Content-Type: application/json" -d "{\\"token\\": \\"$ACCESS\\"}"; echo""",
    ),
    (
        "Exchange the refresh token for a new pair",
        """\
curl -s -X POST "$TESSERA/v1/token/refresh" -H "Authorization: Bearer $REFRESH" -H "X-Tenant-ID: $TENANT" \\
  -H "X-Request-ID: demo-3"; echo""",
    ),
    (
        "Log alice out: with the access token, her session ends",
        """\
curl -s -X POST "$TESSERA/v1/token/revoke" -H "Authorization: Bearer $ACCESS" -H "X-Tenant-ID: $TENANT" \\
  -H "X-Request-ID: demo-4" -w '%{http_code}\\n'""",
    ),
    (
        "Now the same question is answered with no",
        """\
curl -s "$TESSERA/v1/token/introspect" -H "Authorization: Bearer $SERVICE" -H "X-Tenant-ID: $TENANT" \\
  -H "X-Request-ID: demo-5" -H "Content-Type: application/json" -d "{\\"token\\": \\"$ACCESS\\"}"; echo""",
    ),
    (
        "The public keys, for services that verify tokens themselves",
        """\
curl -s "$TESSERA/.well-known/jwks.json"; echo""",
    ),
)


def render_quickstart(*, base_url: str, token: str, tenant: str) -> str:
    """The whole text; every line is a shell command or a comment."""
    lines = [
        "# A service token for an hour, and what to do with it. Paste these lines into another shell:",
        f"TESSERA={base_url}",
        f"TENANT={tenant}",
        f"SERVICE={token}",
    ]
    for title, command in STEPS:
        lines += ["", f"# {title}", command]
    return "\n".join(lines) + "\n"


class Demo(NamedTuple):
    """What `tessera serve --dev` makes once: its secrets are shown that once."""

    username: str
    password: str
    access_key_id: str
    secret_access_key: str


def render_demo(demo: Demo, *, base_url: str) -> str:
    """The whole text; every line is a shell command or a comment."""
    headers = f'-H "X-Tenant-ID: {DEMO_TENANT}" -H "X-Request-ID: demo-1" -H "Content-Type: application/json"'
    return f"""\
# A tenant, a user and an access key to try things with, made now and shown this once. Paste into another shell:
TESSERA={base_url}

# Sign in as {demo.username}
curl -s "$TESSERA/v1/token" {headers} \\
  -d '{{"grant_type": "password", "username": "{demo.username}", "password": "{demo.password}"}}'; echo

# Exchange the access key for a session token
curl -s "$TESSERA/session-token/create" -H "Content-Type: application/json" \\
  -d '{{"access_key_id": "{demo.access_key_id}", "secret_access_key": "{demo.secret_access_key}"}}'; echo
"""

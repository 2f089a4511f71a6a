# SPDX-License-Identifier: Apache-2.0
"""What `tessera serve --quickstart` prints: a service token and lines that work when they are pasted into a shell, one
after the other. The README shows the same lines."""

PERMISSIONS = ("token.generate", "token.introspect", "token.revoke")
SUBJECT = "quickstart"
TTL_SECONDS = 3600

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

# SPDX-License-Identifier: Apache-2.0
"""Tokens of every kind. Four of them are alive, each in its own slots; all others are dead everywhere."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from attacks import Forge
from surfaces.auth.calls import call
from surfaces.auth.people import add_user, by_name
from surfaces.gateway import calls as gateway
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig
from surfaces.session_token.keys import claims_of, make_key, open_token
from tessera_service.surfaces.auth.operations import LOGIN

ACCESS, REFRESH, SERVICE, SESSION = "access", "refresh", "service", "session"
TYPES = {ACCESS: "at+jwt", REFRESH: "rt+jwt", SERVICE: "at+jwt", SESSION: "st+jwt"}
PERMISSIONS = ("session.read:any", "session.revoke:any", "token.generate", "token.introspect", "token.revoke")
UNKNOWN = "01930000-0000-7000-8000-000000000000"

_STRANGER = Forge(
    rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ),
    kid="theirs",
)


class Token(NamedTuple):
    """`kind`: as which it works, None for one that is dead. `session_id`: of a service token some session's. `cause`:
    why it is dead, where a surface may tell that from the rest."""

    text: str
    subject: str
    session_id: str
    kind: str | None = None
    cause: str | None = None


class Base(NamedTuple):
    """Live sessions that dead tokens claim to be of."""

    pair: Token
    refresh: Token
    session: Token

    def vouching_for(self, kind: str) -> Token:
        """The session that a token of that kind would have."""
        return self.session if kind == SESSION else self.pair


Live = Callable[[Rig, str], Awaitable[Token]]
"""Makes a token, in that tenant."""


class Forges(NamedTuple):
    """Who signs: we, and somebody else."""

    rig: Rig
    ours: Forge
    theirs: Forge


Dead = Callable[[Forges, Base], str]


async def make_base(rig: Rig) -> Base:
    pair = await access_of_token(rig, TENANT)
    refresh = await rig.issue(f"user-{next(rig.numbers)}")
    token = Token(refresh["refresh_token"], "", refresh["session_id"], REFRESH)
    return Base(pair, token, await session_token(rig, TENANT))


async def access_of_token(rig: Rig, tenant_id: str) -> Token:
    subject, operator = f"user-{next(rig.numbers)}", await rig.service_bearer(*PERMISSIONS, tenant_id=tenant_id)
    body = {"sub": subject, "permissions": list(PERMISSIONS)}
    answer = await rig.post("/v1/token", body, bearer=operator, tenant_id=tenant_id)
    pair = answer.json()["data"]
    return Token(pair["access_token"], subject, pair["session_id"], ACCESS)


async def access_of_gateway(rig: Rig, tenant_id: str) -> Token:
    subject, operator = f"user-{next(rig.numbers)}", await rig.service_bearer(*PERMISSIONS, tenant_id=tenant_id)
    body = gateway.body(subject, permissions=list(PERMISSIONS))
    made = (await gateway.send(rig, "POST", "", body, bearer=operator)).json()
    return Token(made["token"], subject, made["session_id"], ACCESS)


async def access_of_auth(rig: Rig, tenant_id: str) -> Token:
    """Of a user who holds the permissions."""
    name = f"user-{next(rig.numbers)}"
    user = await add_user(rig, name, tenant_id=tenant_id, permissions=PERMISSIONS)
    answer = await call(rig, LOGIN, by_name(name), tenant_id=tenant_id)
    pair = answer.json()["data"]
    return Token(pair["access_token"], user.user_id, pair["session_id"], ACCESS)


async def refresh(rig: Rig, tenant_id: str) -> Token:
    subject = f"user-{next(rig.numbers)}"
    pair = await rig.issue(subject, tenant_id=tenant_id)
    return Token(pair["refresh_token"], subject, pair["session_id"], REFRESH)


async def service(rig: Rig, tenant_id: str) -> Token:
    return Token(await rig.mint(*PERMISSIONS, tenant_id=tenant_id), "gateway", UNKNOWN, SERVICE)


async def session_token(rig: Rig, tenant_id: str) -> Token:
    subject = f"user-{next(rig.numbers)}"
    text = await open_token(rig, await make_key(rig, subject=subject, tenant_id=tenant_id))
    return Token(text, subject, str(claims_of(text)["sid"]), SESSION)


LIVE: dict[str, Live] = {
    "access of the token surface": access_of_token,
    "access of the gateway surface": access_of_gateway,
    "access of the auth surface": access_of_auth,
    "refresh": refresh,
    "service": service,
    "session": session_token,
}


def claims(rig: Rig, base: Base, kind: str, **others: object) -> dict[str, Any]:
    """What a token of that kind would say, of a live session where it has one."""
    of = base.vouching_for(kind)
    named: dict[str, Any] = {"sub": of.subject, "permissions": list(PERMISSIONS)}
    if kind != SERVICE:
        named["sid"] = of.session_id
    return rig.claims(kind, **(named | others))


def forged(kind: str, *, typ: str | None = None, **others: object) -> Dead:
    """Under our own signature, but no such token was ever issued; `typ`: another header than the kind's own."""

    def make(forges: Forges, base: Base) -> str:
        header = {**forges.ours.header, "typ": typ or TYPES[kind]}
        return forges.ours.sign(header, claims(forges.rig, base, kind, **others))

    return make


def by_a_stranger(kind: str, *, kid: str | None = None, **others: object) -> Dead:
    """Signed by another key, under our key's id unless `kid` says whose."""

    def make(forges: Forges, base: Base) -> str:
        header = {**forges.ours.header, "typ": TYPES[kind], "kid": kid or forges.ours.kid}
        return forges.theirs.sign(header, claims(forges.rig, base, kind, **others))

    return make


def lost(kind: str) -> Dead:
    """Right in everything, but the store knows nothing of it."""
    return forged(kind) if kind == SERVICE else forged(kind, sid=UNKNOWN)


def _every_dead() -> dict[str, Dead]:
    dead: dict[str, Dead] = {"nothing of a token": lambda _forges, _base: "aaaa.bbbb.cccc"}
    for kind, own in TYPES.items():
        dead[f"{kind} signed by another key"] = by_a_stranger(kind)
        dead[f"{kind} of another issuer and key"] = by_a_stranger(kind, kid="theirs", iss="https://other.example")
        dead[f"{kind} of another issuer"] = forged(kind, iss="https://other.example")
        dead[f"{kind} for another audience"] = forged(kind, aud="other")
        dead[f"lost {kind}"] = lost(kind)
        for typ in ("at+jwt", "rt+jwt", "st+jwt", "JWT"):
            if typ != own:
                dead[f"{kind} as {typ}"] = forged(kind, typ=typ)
    return dead


def session_that_no_key_opened(forges: Forges, base: Base) -> str:
    """The session is alive, but none that session tokens have."""
    return forged(SESSION, sid=base.pair.session_id, sub=base.pair.subject)(forges, base)


UNOPENED = "session that no key opened"
DEAD = {**_every_dead(), UNOPENED: session_that_no_key_opened}


async def make_all(rig: Rig, base: Base) -> dict[str, Token]:
    """One of every kind, by its name; those of another tenant are alive there."""
    tokens = {name: await make(rig, TENANT) for name, make in LIVE.items()}
    for name, make in LIVE.items():
        foreign = await make(rig, OTHER_TENANT)
        tokens[f"{name}, of another tenant"] = foreign._replace(kind=None, cause=f"foreign {foreign.kind}")
    forges = Forges(rig, rig.forge, _STRANGER)
    for name, forge in DEAD.items():
        of = base.session if "session" in name else base.pair
        cause = name if name.startswith("lost") or name == UNOPENED else None
        tokens[name] = Token(forge(forges, base), of.subject, of.session_id, cause=cause)
    return tokens

"""Web links of entities, and the ways to reach a group or user."""

import re
from typing import cast

import strawberry
from strawberry import Parent

from graph_api.catalog import entity as catalog

_LINKABLE = re.compile("(?:https?|mailto|tel|slack|msteams):|/|[^:]*$", re.IGNORECASE)


@strawberry.type(description="A web link of an entity, or a way to reach a group or user.")
class WebLink:
    url: str = strawberry.field(description="http, https or mailto.")
    title: str | None = strawberry.field(description="What to call it.")
    icon: str | None = strawberry.field(description="The name of an icon.")
    type: str | None = strawberry.field(description="A free category.")


def email_of(root: Parent[catalog.Entity]) -> str | None:
    """Return what spec.profile of a group or user says."""
    profile = root.declaring.spec.get("profile") if root.declaring else None
    email = profile.get("email") if isinstance(profile, dict) else None
    return email if isinstance(email, str) and email else None


def contacts_of(root: Parent[catalog.Entity]) -> list[WebLink]:
    """Return the ways to reach it, e-mail first."""
    email = email_of(root)
    mail = [WebLink(url=f"mailto:{email}", title=email, icon="email", type="email")] if email else []
    return mail + web_links_of(root)


def web_links_of(root: Parent[catalog.Entity]) -> list[WebLink]:
    """Return the links that a browser may follow: portals make anchors of them, where a `javascript:` would run."""
    links = root.declaring.links if root.declaring else ()
    rows = [{"title": None, "icon": None, "type": None, **link} for link in links if _LINKABLE.match(link["url"])]
    return [
        WebLink(url=cast("str", row["url"]), title=row["title"], icon=row["icon"], type=row["type"]) for row in rows
    ]

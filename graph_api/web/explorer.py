"""The page that a browser gets at /graphql: GraphiQL from its CDN, or our own console where that is out of reach."""

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.http.ides import get_graphql_ide_html

from graph_api.web.accept import GRAPHQL_RESPONSE, HTML, JSON, accepted, preferred

EXAMPLES = [
    (
        "What breaks if this changes?",
        """# How far, how hard, through what, and whom to tell.
query Impact {
  impact(of: ["resource:default/postgres-core"], first: 20) {
    totalCount
    completeness { complete reasons }
    edges {
      distance
      severity
      node { ref title tier }
    }
    notify { affected owner { ref title } }
    unownedCount
  }
}""",
    ),
    (
        "Who owns this, and how do we know?",
        """query Owners {
  entity(ref: "component:default/checkout") {
    ref
    title
    owners {
      role
      primary
      how
      state
      entity { ref title }
      evidence { source location }
    }
  }
}""",
    ),
    (
        "What does nobody own?",
        """query OwnershipGaps {
  ownershipGaps(first: 20) {
    totalCount
    edges {
      reasons
      node { ref title tier }
    }
  }
}""",
    ),
]
"""(title, query): the console's buttons and GraphiQL's first tabs."""

CDN = "https://unpkg.com"
_ASSET = re.compile(r"<(script|link)\s[^>]*?(?:src|href)=\"(" + CDN + r"[^\"]+)\"\s+integrity=\"([^\"]+)\"")


class ExplorerPage:
    """Gives browsers the page, which holds nothing of the catalog; everything else goes on to the app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = explorer_response() if scope["method"] == "GET" and _wants_page(scope) else self.app
        await app(scope, receive, send)


def _wants_page(scope: Scope) -> bool:
    wanted = preferred(accepted(scope), (JSON, GRAPHQL_RESPONSE, HTML))
    return wanted == HTML and "query" not in Request(scope).query_params


def explorer_response() -> Response:
    page, policy = _page()
    headers = {
        "content-security-policy": policy,
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
    return HTMLResponse(page, headers=headers)


@cache
def _page() -> tuple[str, str]:
    """The page, and the Content-Security-Policy that lets its own script run and no other."""
    folder = files(__package__) / "explorer_page"
    page, style, script = [(folder / f"explorer.{kind}").read_text("utf-8") for kind in ("html", "css", "js")]
    settings = {
        "examples": [{"title": title, "query": query} for title, query in EXAMPLES],
        "assets": graphiql_assets(),
    }
    # `</script>` inside the JSON would end its element.
    page = page.replace("/*style*/", style).replace("/*settings*/", json.dumps(settings).replace("<", "\\u003c"))
    return page.replace("/*script*/", script), _policy(script)


def graphiql_assets() -> list[dict[str, str]]:
    """The files of the GraphiQL that this Strawberry is made for, with their checksums."""
    return [
        {"element": element, "url": url, "integrity": integrity}
        for element, url, integrity in _ASSET.findall(get_graphql_ide_html())
    ]


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'sha256-{digest}' {CDN}",
            f"style-src 'unsafe-inline' {CDN}",
            f"font-src data: {CDN}",
            "img-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )

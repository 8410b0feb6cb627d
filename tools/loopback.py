"""Serves recorded answers of a tool's API on 127.0.0.1, to try how the tool is read online.

    python tools/loopback.py FOLDER [--port 8020]

The answer to `/orgs/shop/repos` is the file `orgs/shop/repos.json` below FOLDER, further pages are `repos.2.json` and
so on; what is not there is answered with 404. Any token is good, but there must be one.
"""

from pathlib import Path

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

HOST = "127.0.0.1"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path))
@click.option("--port", default=8020, show_default=True)
def main(folder: Path, port: int) -> None:
    async def answer(request: Request) -> Response:
        return _answer(folder, request)

    routes = [Route("/{path:path}", answer, methods=["GET", "POST"])]
    click.echo(f"{folder} is answered at http://{HOST}:{port}; Ctrl+C ends it")
    uvicorn.run(Starlette(routes=routes), host=HOST, port=port, log_level="warning")


def _answer(folder: Path, request: Request) -> Response:
    if "authorization" not in request.headers:
        return JSONResponse({"message": "Requires authentication"}, status_code=401)
    path, page = request.path_params["path"], int(request.query_params.get("page", 1))
    file = _page(folder, path, page)
    if file is None:
        return JSONResponse({"message": "Not Found"}, status_code=404)
    more = _page(folder, path, page + 1)
    following = request.url.include_query_params(page=page + 1)
    return FileResponse(file, headers={"Link": f'<{following}>; rel="next"'} if more else {})


def _page(folder: Path, path: str, number: int) -> Path | None:
    """The file of a page; never one outside the folder."""
    file = (folder / f"{path}.json" if number == 1 else folder / f"{path}.{number}.json").resolve()
    return file if file.is_relative_to(folder) and file.is_file() else None


if __name__ == "__main__":
    main()

"""The pages: built files of the front end, behind the sign-in."""

from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from ioc.api.deps import Settings, find_subject
from ioc.api.sign_in import enter_wall
from ioc.auth.policy import Permission, Role
from ioc.errors import NotFound

router = APIRouter(include_in_schema=False)

FILES = Path(__file__).parent.parent / "_frontend"

PAGES = {
    "/": "index.html",
    "/console": "console.html",
    "/m": "m.html",
    "/agency": "agency.html",
    "/admin": "admin.html",
    "/login": "login.html",
}

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'; object-src 'none'"
)

HOMES = {Role.LEADER: "/m", Role.AGENCY: "/agency"}


def _file(name: str, *, lasting: bool) -> Response:
    path = (FILES / name).resolve()
    if not path.is_relative_to(FILES.resolve()) or not path.is_file():
        raise NotFound("there is no such file")
    caching = "public, max-age=31536000, immutable" if lasting else "no-cache"
    return FileResponse(path, headers={"Cache-Control": caching})


@router.get("/assets/{name:path}")
async def built_file(name: str) -> Response:
    """A file whose name changes with its content."""
    return _file(f"assets/{name}", lasting=True)


@router.get("/w/{token}")
async def wall(request: Request, token: str, config: Settings) -> Response:
    """Open the wall as a kiosk."""
    return await enter_wall(request, token, config)


@router.get("/login")
async def login_page() -> Response:
    """The sign-in page."""
    return _file(PAGES["/login"], lasting=False)


@router.get("/")
@router.get("/console")
@router.get("/m")
@router.get("/agency")
@router.get("/admin")
async def page(request: Request) -> Response:
    """A page of the product; who is not signed in goes to the sign-in first."""
    subject = await find_subject(request)
    path = request.url.path
    if subject is None or subject.role is Role.FEED:
        asked = f"{path}?{request.url.query}" if request.url.query else path
        return RedirectResponse(f"/login?next={quote(asked)}", 303)
    if path == "/console" and not subject.may(Permission.CONSOLE):
        return RedirectResponse(HOMES.get(subject.role, "/"), 303)
    if path == "/admin" and not subject.may(Permission.USER_MANAGE):
        return RedirectResponse(HOMES.get(subject.role, "/"), 303)
    return _file(PAGES[path], lasting=False)


@router.get("/{name}")
async def root_file(name: str) -> Response:
    """Small files that browsers ask for at the root, such as the icon and the manifest."""
    if name.endswith(".html"):
        raise NotFound("there is no such file")
    return _file(name, lasting=False)

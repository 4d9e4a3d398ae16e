"""Serves the files of the page, with their headers, and nothing else.

Carrier; what the files are is `pages`' to say.
"""

from aiohttp import web

from voip.gateway.guests import pages


class Site:
    """The page of one gateway.

    Attributes:
        pages: what is served, by path.
    """

    def __init__(self, *, is_secure: bool) -> None:
        """Read the page; `is_secure`: browsers reach it over HTTPS.

        Raises:
            RefusedError: it is not the one of this version.
        """
        self.pages = pages.read_pages()
        pages.check_pages(self.pages)
        self._headers = pages.headers(self.pages, is_secure=is_secure)

    def serve(self, application: web.Application) -> None:
        """Answer for every file, and dress every answer of the application."""
        for path in self.pages:
            application.router.add_get(path, self._page)
        application.on_response_prepare.append(self._dress)

    async def _dress(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Put the page's headers on every answer, errors included."""
        response.headers.update(self._headers)
        response.headers["Server"] = "ringfence"

    async def _page(self, request: web.Request) -> web.Response:
        page = self.pages[request.path]
        answer = web.Response(
            body=page.body, headers={"Content-Type": page.content_type}
        )
        answer.enable_compression()  # no secret is in it whose length could tell
        return answer

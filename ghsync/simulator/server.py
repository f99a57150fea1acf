"""The simulated GitHub as a web application: its REST API, and its GraphQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ghsync.simulator.exchange import Exchange
from ghsync.simulator.graphql.answer import answer
from ghsync.simulator.refusals import Refused, not_found
from ghsync.simulator.rest.inquiry import Inquiry, Result
from ghsync.simulator.rest.routes import Endpoint, endpoints
from ghsync.simulator.site import Site
from ghsync.simulator.viewer import Integration, Nobody, Person, Viewer

if TYPE_CHECKING:
    from ghsync.simulator.budgets import Pool
    from ghsync.simulator.faults import Faults
    from ghsync.simulator.keys import Keys
    from ghsync.simulator.payload import Json
    from ghsync.simulator.world import World

METHODS = ["DELETE", "GET", "PATCH", "POST", "PUT"]

Serve = Callable[[Request], Awaitable[Response]]


def create_server(world: World, keys: Keys, faults: Faults | None = None, *, keeps_time: bool = False) -> Starlette:
    """The application before a world; its `state.site` is what tests turn and look at."""
    site = (
        Site(world, keys, keeps_time=keeps_time) if faults is None else Site(world, keys, faults, keeps_time=keeps_time)
    )
    app = Starlette(
        routes=[
            Route("/graphql", _graphql(site), methods=["POST"]),
            *(Route(each.path, _rest(site, each), methods=[each.method]) for each in endpoints()),
            Route("/{path:path}", _nothing(site), methods=METHODS),
        ]
    )
    app.router.redirect_slashes = False
    app.state.site = site
    return app


def _rest(site: Site, endpoint: Endpoint) -> Serve:
    async def serve(request: Request) -> Response:
        def answering(viewer: Viewer, body: Json, _pool: Pool) -> Result:
            address = request.scope["raw_path"].decode()
            query = dict(request.query_params)
            return endpoint.handle(Inquiry(site, viewer, request.path_params, query, address, body))

        return await Exchange(site, request, "core").answer(answering, free=endpoint.free)

    return serve


def _graphql(site: Site) -> Serve:
    async def serve(request: Request) -> Response:
        def answering(viewer: Viewer, body: Json, pool: Pool) -> Result:
            if isinstance(viewer, Nobody | Integration):
                raise Refused(401, "This endpoint requires you to be authenticated.")
            query, variables = body.get("query"), body.get("variables") or {}
            if not isinstance(query, str):
                message = "A query attribute must be specified and must be a string."
                return Result({"errors": [{"message": message}]})
            answered = answer(
                site.world,
                viewer,
                query,
                variables,
                budget=pool,
                limits=site.graphql_limits,
                lacks=site.graphql_lacks,
                scopes=viewer.scopes if isinstance(viewer, Person) else None,
            )
            pool.spend(answered.cost)
            return Result(answered.payload, answered.status)

        return await Exchange(site, request, "graphql").answer(answering)

    return serve


def _nothing(site: Site) -> Serve:
    async def serve(request: Request) -> Response:
        def answering(_viewer: Viewer, _body: Json, _pool: Pool) -> Result:
            raise not_found()

        return await Exchange(site, request, "core").answer(answering)

    return serve

"""Operations that read: GET, and HEAD beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http.response import HttpResponseBase
from ninja import Router

View = Callable[..., HttpResponseBase]
Register = Callable[[View], View]


def reader(router: Router) -> Callable[..., Register]:
    """A decorator for the operations of ``router`` that read."""

    def get(path: str, **described: Any) -> Register:
        """Register a view for GET, and for HEAD, of which the documentation says nothing more."""

        def register(view: View) -> View:
            router.get(path, **described)(view)
            router.api_operation(["HEAD"], path, include_in_schema=False)(view)
            return view

        return register

    return get

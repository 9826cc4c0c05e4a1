"""The addresses of the WebSockets."""

from __future__ import annotations

from django.urls import path, re_path

from control.consumers import NoConsumer, RuntimeConsumer

websocket_urlpatterns = [
    path("ws/runtime/", RuntimeConsumer.as_asgi(), name="runtime"),
    # The last: Channels takes an address that it does not know for an error of the program.
    re_path("", NoConsumer.as_asgi()),
]

"""The addresses of the WebSockets."""

from __future__ import annotations

from django.urls import path

from control.consumers import RuntimeConsumer

websocket_urlpatterns = [path("ws/runtime/", RuntimeConsumer.as_asgi(), name="runtime")]

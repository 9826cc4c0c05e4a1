"""The web process: pages over HTTP, live status over WebSockets, for staff of this host only.

``daphne livermore.asgi:application`` serves it; any number of these processes may run.
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "livermore.settings")
os.environ.setdefault("LIVERMORE_DATABASE_POOL", "8")

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

django_application = get_asgi_application()  # the app registry: consumers import models

from control import absence  # noqa: E402 - needs the app registry
from control.routing import websocket_urlpatterns  # noqa: E402 - needs the app registry

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)

if settings.WATCHES_FOR_WORKERS:
    # Daphne has no lifespan, and nobody may be looking at a page: it begins with the process.
    absence.watch_in_background()

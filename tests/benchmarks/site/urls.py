"""The product's addresses, and one operation more, behind the same guard as all of them."""

from __future__ import annotations

from ninja import Router

from livermore.api import api
from tests.benchmarks.site import views

router = Router()
router.post("/update")(views.update)
api.add_router("/bench", router)

from livermore.urls import urlpatterns  # noqa: E402, F401 - they are made of the API as it is now

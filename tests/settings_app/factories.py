"""Users for tests, with a settings document each."""

# factory-boy's declarations carry no types.
# mypy: disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

from factory.declarations import LazyFunction, Sequence
from factory.django import DjangoModelFactory
from factory.helpers import lazy_attribute

from settings_app.documents import merge_patch
from settings_app.models import User, new_sub
from settings_app.schema import default_document, validate


class UserFactory(DjangoModelFactory[User]):
    """A staff user for whom a runtime may work: ``UserFactory.create()``.

    ``document`` is a merge patch over the default document: ``UserFactory.create(document=
    {"watchlist": [...]})``. A document of another version is given whole, as ``settings`` and
    ``settings_version``.
    """

    class Meta:
        model = User

    class Params:
        document: dict[str, Any] = {}

    username = Sequence(lambda number: f"trader{number}")
    is_staff = True
    sub = LazyFunction(new_sub)

    @lazy_attribute
    def email(self: Any) -> str:
        return f"{self.username}@example.org"

    @lazy_attribute
    def settings(self: Any) -> dict[str, Any]:
        whole = merge_patch(default_document(self.sub), self.document)
        return validate(whole).to_document()

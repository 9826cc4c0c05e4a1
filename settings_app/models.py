"""The user: identity, the settings document, and what the runtime is asked to do.

Rule 1: the document and the desired state are guarded: ``save()`` writes them on insert and
    afterwards only when they are named in ``update_fields``. A form, an admin page or a sign-in
    that holds an old copy of the row can therefore never undo a newer one. Their writers are
    ``settings_app.services`` and ``settings_app.desired``.
Rule 2: ``sub`` names the user on every wire and never changes.
Rule 3: what the worker polls for is a column; ``auto_start`` and ``enables_exchange`` are
    computed by PostgreSQL from the document and so can never disagree with it.
Rule 4: a user is looked up without the document, and a document that nobody can read, which other
    hands put there, keeps nobody out: neither its user nor who looks at a list of users.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.base import ModelBase
from django.db.models.functions import Now
from django.db.models.lookups import Exact
from django.utils import timezone

from settings_app.schema import CURRENT_VERSION, default_document
from trading.core.modes import Mode

# An OpenID Connect subject is at most 255 ASCII characters. Only those are let in which cannot
# end or extend a name in Redis ("livermore:result:{sub}:{id}") or a glob in its ACLs.
SUB_PATTERN = r"^[A-Za-z0-9_.|@-]{1,255}$"

ENABLES_EXCHANGE = models.Func(
    "settings",
    template="jsonb_path_exists(%(expressions)s, '$.exchanges.*.enabled ? (@ == true)')",
    output_field=models.BooleanField(),
)
AUTO_START = models.Func(
    "settings",
    template=(
        "(%(expressions)s #> '{livermore_runtime,auto_start}') IS DISTINCT FROM 'false'::jsonb"
    ),
    output_field=models.BooleanField(),
)
IS_OBJECT = models.Func(
    "settings",
    template="jsonb_typeof(%(expressions)s) = 'object'",
    output_field=models.BooleanField(),
)
# The oldest documents (version 0) carry no version.
VERSION_IN_DOCUMENT = models.Func(
    "settings",
    template="coalesce(%(expressions)s -> 'version', '0'::jsonb)::text",
    output_field=models.TextField(),
)
VERSION_IN_COLUMN = models.Func(
    "settings_version",
    template="%(expressions)s::text",
    output_field=models.TextField(),
)


def new_sub() -> str:
    """An unguessable name for a user of this installation."""
    return str(uuid.uuid4())


class DocumentField(models.JSONField):
    """A JSON document; the bare text of one that Python cannot decode.

    A join (``select_related``) loads every column, whatever the manager leaves out.
    """

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Decode; PostgreSQL takes more levels of nesting and more digits than Python reads."""
        try:
            return super().from_db_value(value, expression, connection)
        except (ValueError, RecursionError):
            return value

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Tell migrations what the column is."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


class UserManager(DjangoUserManager["User"]):
    """Users without their documents: ``user.settings`` loads it when it is asked for."""

    use_in_migrations = False

    def get_queryset(self) -> models.QuerySet[User]:
        """Every column but the document."""
        return super().get_queryset().defer("settings")


class User(AbstractUser):
    """Somebody who may sign in; with staff status, somebody for whom a runtime works.

    ``is_paused`` is null until first decided; until then the document's
    ``livermore_runtime.auto_start`` decides. ``settings_version`` is the version of the document
    as stored, which may be older than the current one.
    """

    GUARDED: ClassVar[frozenset[str]] = frozenset(
        {
            "settings",
            "settings_version",
            "settings_revision",
            "settings_updated_at",
            "is_paused",
            "runtime_mode",
            "desired_revision",
            "desired_at",
            "desired_before",
        }
    )

    sub = models.TextField(
        "identity",
        unique=True,
        default=new_sub,
        editable=False,
        validators=[RegexValidator(SUB_PATTERN)],
        help_text="Names this user on every wire. It never changes.",
    )
    settings = DocumentField(default=dict, editable=False)
    settings_version = models.PositiveSmallIntegerField(default=CURRENT_VERSION, editable=False)
    settings_revision = models.PositiveBigIntegerField(default=1, editable=False)
    settings_updated_at = models.DateTimeField(default=timezone.now, editable=False)
    is_paused = models.BooleanField("paused", null=True, default=None, editable=False)
    runtime_mode = models.TextField("mode", default=Mode.POSITION_MONITOR.value, editable=False)
    desired_revision = models.BigIntegerField(default=0, editable=False)
    # When the desired state was last decided, and what it was before it last became another one:
    # {"isPaused": …, "mode": …, "revision": the one that replaced it}.
    desired_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    desired_before = models.JSONField(null=True, default=None, editable=False)
    enables_exchange = models.GeneratedField(
        expression=ENABLES_EXCHANGE, output_field=models.BooleanField(), db_persist=True
    )
    auto_start = models.GeneratedField(
        expression=AUTO_START, output_field=models.BooleanField(), db_persist=True
    )

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        constraints = (
            models.CheckConstraint(
                name="settings_is_object",
                condition=models.Q(IS_OBJECT),
                violation_error_message="The settings must be a JSON object.",
            ),
            models.CheckConstraint(
                name="settings_version_is_column",
                condition=models.Q(Exact(VERSION_IN_DOCUMENT, VERSION_IN_COLUMN)),
                violation_error_message="The settings must have the version that the row says.",
            ),
            models.CheckConstraint(
                name="sub_fits_every_wire",
                condition=models.Q(sub__regex=SUB_PATTERN),
                violation_error_message="The identity must fit the names on the wire.",
            ),
        )
        indexes = (
            # The worker's poll reads nothing but this index (`settings_app.desired`).
            models.Index(
                name="hosted_users",
                fields=["id"],
                include=[
                    "username",
                    "sub",
                    "is_paused",
                    "auto_start",
                    "runtime_mode",
                    "desired_revision",
                    "settings_revision",
                ],
                condition=models.Q(is_active=True, is_staff=True, enables_exchange=True),
            ),
        )

    stored_sub: str | None = None  # as this instance last saw it in the database

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        """Build an instance from a row, and remember the identity it came with."""
        user = super().from_db(*args, **kwargs)
        user.stored_sub = user.__dict__.get("sub")
        return user

    def clean(self) -> None:
        """Check what no single field can.

        Raises:
            ValidationError: If the identity was changed.
        """
        super().clean()
        self._refuse_changed_sub()

    def save(
        self,
        *,
        force_insert: bool | tuple[ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Insert the whole row, or update what is not guarded.

        Args:
            update_fields: The only way to write a guarded column of an existing row.

        Raises:
            ValidationError: If the identity was changed.
            DatabaseError: If an existing user's row is gone: saving does not bring it back.
        """
        if self._state.adding:
            # An instance made by hand with another row's key must not overwrite that row.
            force_insert = force_insert or update_fields is None
            self.settings = self.settings or default_document(self.sub)
        else:
            self._refuse_changed_sub()
            if update_fields is None and not force_insert:
                update_fields = self._unguarded_fields()
        super().save(
            force_insert=force_insert,
            force_update=force_update,
            using=using,
            update_fields=update_fields,
        )
        self.stored_sub = self.__dict__.get("sub")

    def _unguarded_fields(self) -> set[str]:
        writable = {
            field.name
            for field in self._meta.concrete_fields
            if not field.primary_key and not field.generated
        }
        return writable - self.GUARDED - self.get_deferred_fields()

    def _refuse_changed_sub(self) -> None:
        if self._state.adding or "sub" not in self.__dict__:
            return
        if self.stored_sub is None:  # the row was loaded without it
            self.stored_sub = User.objects.values_list("sub", flat=True).get(pk=self.pk)
        if self.sub != self.stored_sub:
            raise ValidationError({"sub": "The identity of a user cannot be changed."})

"""Static files named by the hash of their content, the imports of ES modules included."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # untyped base
    """Hashed names may be cached for ever; a page and its modules always belong together."""

    support_js_module_import_aggregation = True

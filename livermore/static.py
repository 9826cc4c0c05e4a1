"""Static files: named by the hash of their content, and those that npm installs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Error
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

from livermore.bundles import bundle, bundler

PACKAGES: Final = {
    "vendor/lightweight-charts.js": (
        "lightweight-charts/dist/lightweight-charts.standalone.production.mjs"
    ),
    "vendor/jsoneditor.js": "vanilla-jsoneditor/standalone.js",
    "vendor/jse-theme-dark.css": "vanilla-jsoneditor/themes/jse-theme-dark.css",
}
"""What pages load of the npm packages: the address beneath the static ones, and the file."""


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # untyped base
    """Hashed names may be cached for ever; a page and its modules always belong together."""

    support_js_module_import_aggregation = True

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str | None, bool]]:
        """Hash what pages load: of our own files the bundles, without what stands inside them."""
        if not dry_run:
            written, parts = bundle(Path(self.location))
            kept = {name: found for name, found in paths.items() if name not in parts}
            paths = kept | {name: (self, name) for name in written}
        yield from super().post_process(paths, dry_run=dry_run, **options)


_MAP: Final = re.compile(rb"^//# sourceMappingURL=.*$", re.MULTILINE)


class InstalledFile(FileSystemStorage):
    """One file of a package, under the name that pages know it by."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(location=path.parent)
        self._name, self._path = name, path

    def path(self, name: str) -> str:
        """Where the file is."""
        return str(self._path if name == self._name else super().path(name))

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        """Its content without the name of its source map, which is not served."""
        return ContentFile(_MAP.sub(b"", self._path.read_bytes()), name=name)


class PackagesFinder(BaseFinder):
    """The few files that pages load of what npm installs; nothing else of it is served."""

    def __init__(self, app_names: Any = None, *args: Any, **kwargs: Any) -> None:
        self._packages = Path(settings.BASE_DIR) / "node_modules"
        self._files = {name: self._packages / path for name, path in PACKAGES.items()}
        super().__init__()

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Whether every file is there, and what bundles our own."""
        missing = [str(path) for path in self._files.values() if not path.exists()]
        if bundler(self._packages) is None:
            missing.append("The bundler, esbuild for this machine,")
        return [
            Error(
                f"{what} is missing.",
                hint="`make setup` installs what pages load.",
                id="livermore.E001",
            )
            for what in missing
        ]

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Where the file of that name is."""
        found = self._files.get(path)
        if found is None or not found.exists():
            return []
        return [str(found)] if find_all else str(found)

    def list(
        self, ignore_patterns: Iterable[str] | None
    ) -> Iterable[tuple[str, FileSystemStorage]]:
        """Every file, with the storage that opens it."""
        for name, path in self._files.items():
            yield name, InstalledFile(name, path)

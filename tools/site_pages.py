"""Hook of MkDocs (`mkdocs.yml`): bring the pages at the top of the repository into the site, links adapted.

The README becomes the first page. Files that a page links to and that are no pages (`LICENSE`, `manifest.yml`,
`deploy/…`) are copied into the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
# Where a file of the repository is in the site, by its path there.
AT_THE_TOP = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "LICENSE": "files/LICENSE.txt",
    "manifest.yml": "files/manifest.yml",
    ".env.example": "files/env.example.txt",
    "deploy/alerts.yml": "files/deploy/alerts.yml",
    "deploy/grafana-dashboard.json": "files/deploy/grafana-dashboard.json",
    "deploy/kubernetes.yaml": "files/deploy/kubernetes.yaml",
}
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)([^)\s#]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files at the top of the repository."""
    for source, place in AT_THE_TOP.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the page with links that lead to where the files are in the site."""
    place = page.file.src_uri
    # In code in a table GitHub wants `\\|`, which MkDocs shows with its backslash.
    markdown = _CODE.sub(lambda code: code[0].replace("\\|", "|"), markdown)
    return _LINK.sub(lambda link: _adapted(link[1], place), markdown)


def _adapted(link: str, place: str) -> str:
    source = next((source for source, at in AT_THE_TOP.items() if at == place), f"docs/{place}")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    found = AT_THE_TOP.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else link)
    return posixpath.relpath(found, posixpath.dirname(place) or ".")

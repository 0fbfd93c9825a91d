"""From a document to one self-contained HTML file, by pandoc."""

from __future__ import annotations

from html import escape
from importlib.resources import as_file, files

from xmresearch.errors import StudyError
from xmresearch.report.assemble import Document
from xmresearch.report.wording import labels

_READER = "markdown+markdown_in_html_blocks+fenced_divs+tex_math_dollars-smart-yaml_metadata_block"


def to_html(document: Document) -> str:
    """Render a document.

    Parameters
    ----------
    document : Document
        From `assemble`.

    Returns
    -------
    str
        HTML that makes no external request and is the same for the same document.

    Raises
    ------
    StudyError
        Pandoc fails.
    """
    import pypandoc

    style = labels(document.lang)["style"]
    folder = files("xmresearch.report")
    css = (folder / "templates" / "report.css").read_text("utf-8")
    variables = {
        "css-text": css, "glance": escape(document.glance), "client": escape(document.client), "contents": style["contents"],
        "skip": style["skip"], "generated": style["generated"],
    }  # fmt: skip
    with as_file(folder / "references.bib") as bibliography, as_file(folder / "templates" / "report.html") as template:
        arguments = [
            "--standalone", f"--template={template}", "--toc", "--toc-depth=1", "--number-sections", "--mathml",
            "--citeproc", *(f"--bibliography={path}" for path in (bibliography, *document.bibliography)), "--metadata=link-citations:true",
            f"--metadata=title:{document.title}", "--metadata=lang:en-GB", f"--variable=lang={'zh-CN' if document.lang == 'zh' else 'en-GB'}",
            "--wrap=none", "--quiet", *(f"--variable={k}={v}" for k, v in variables.items() if v),
        ]  # fmt: skip
        try:
            return str(pypandoc.convert_text(document.body, "html5", format=_READER, extra_args=arguments))
        except RuntimeError as error:
            raise StudyError(f"Pandoc could not render the report: {error}") from None

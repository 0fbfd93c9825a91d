"""The formats that a report is written in."""

from __future__ import annotations

from xmresearch.errors import StudyError
from xmresearch.report.document import Document

FORMATS = ("html", "pdf", "docx", "xlsx", "pptx")


def rendered(document: Document, kind: str) -> bytes:
    """Render a document in one format.

    Parameters
    ----------
    document : Document
        From `assemble`.
    kind : {'html', 'pdf', 'docx', 'xlsx', 'pptx'}
        Format.

    Returns
    -------
    bytes
        The same for the same document.

    Raises
    ------
    StudyError
        There is no such format, or the program that writes it fails.
    """
    match kind:
        case "html":
            from xmresearch.report.render import to_html

            return to_html(document).encode()
        case "pdf":
            from xmresearch.report.pdf import to_pdf

            return to_pdf(document)
        case "docx":
            from xmresearch.report.word import to_docx

            return to_docx(document)
        case "xlsx":
            from xmresearch.report.workbook import to_xlsx

            return to_xlsx(document)
        case "pptx":
            from xmresearch.report.slides import to_pptx

            return to_pptx(document)
    raise StudyError(f"There is no report format '{kind}'.", f"Formats: {', '.join(FORMATS)}.")

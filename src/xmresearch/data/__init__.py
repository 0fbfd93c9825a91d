"""Read, check and screen surveys."""

FOLDER_VARIABLE = "XMRESEARCH_DATA"

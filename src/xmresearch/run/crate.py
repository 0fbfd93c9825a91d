"""A run's description as an RO-Crate of the profile Process Run Crate, so that others' programs can read what was done with what.

The description is JSON-LD of some twenty flat entities, all of whose facts the manifest has; it is written here, since the
package rocrate, by which tests read it back, would cost each run more than half a second of imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from xmresearch.run.archive import PARAMS, kept_name
from xmresearch.run.manifest import CRATE, NAME

SPECIFICATION = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_MEDIA = {
    ".bib": "application/x-bibtex", ".css": "text/css", ".csv": "text/csv", ".html": "text/html", ".ipynb": "application/x-ipynb+json",
    ".json": "application/json", ".pdf": "application/pdf", ".png": "image/png", ".svg": "image/svg+xml", ".yml": "application/yaml",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


def describe_run(manifest: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Describe a run as a research object.

    Parameters
    ----------
    manifest : mapping
        The run's, with its outputs.
    folder : Path
        The run's, for the sizes of files.

    Returns
    -------
    dict
        JSON-LD. Rows of respondents are no part of it: of a data file it has the hash.

    References
    ----------
    RO-Crate Metadata Specification 1.1; Process Run Crate 0.5.
    """
    params, ended = manifest["params"], manifest["ended"]
    name = f"{params['study']}/{params['name']}/{manifest['key']}"
    files = [*map(_file, manifest["outputs"].items())]
    for entity in files:
        entity["contentSize"] = str((folder / entity["@id"]).stat().st_size)
    kept = [f["@id"] for f in files if PurePosixPath(f["@id"]).parts[0] == PurePosixPath(PARAMS).parts[0]]
    places, outputs = manifest.get("files", {}), manifest["outputs"]
    given = [_input(key, digest, places.get(key, ""), outputs) for key, digest in manifest["inputs"].items()]
    results = [f["@id"] for f in files if f["@id"] not in kept]
    whole = [{"@id": NAME, "@type": "File", "name": "Manifest of the run", "encodingFormat": _MEDIA[".json"]}, *files]
    people, answer = _people(params), manifest.get("answer", {})
    action = {
        "@id": "#run", "@type": "CreateAction", "name": f"Run {name}", "description": "xmresearch run manifest.json",
        "startTime": manifest["started"], "endTime": ended, "actionStatus": "http://schema.org/CompletedActionStatus",
        "instrument": {"@id": "#xmresearch"}, "object": _refer([PARAMS, *(e["@id"] for e in given)]), "result": _refer(results),
    }  # fmt: skip
    return {
        "@context": f"{SPECIFICATION}/context",
        "@graph": [
            {"@id": CRATE, "@type": "CreativeWork", "conformsTo": {"@id": SPECIFICATION}, "about": {"@id": "./"}},
            {
                "@id": "./", "@type": "Dataset", "name": answer.get("title") or f"Run {name}",
                "description": answer.get("question") or f"Report, tables and figures of the study {params['study']}.",
                "datePublished": ended, "inLanguage": params["lang"], "conformsTo": {"@id": PROFILE}, "license": {"@id": "#rights"},
                "hasPart": _refer([e["@id"] for e in whole]), "mentions": {"@id": "#run"},
                **{role: {"@id": entity["@id"]} for role, entity in people.items()},
            },
            {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
            {"@id": "#rights", "@type": "CreativeWork", "name": "Not stated", "description": "Whoever holds the data decides who may use the results."},
            _software(manifest), action, *people.values(), *whole, *(e for e in given if e["@type"] != "File"),
        ],
    }  # fmt: skip


def _people(params: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return who wrote and who published the report, as far as the params say so."""
    found = {}
    for role, key, kind in (("author", "author", "Person"), ("publisher", "organisation", "Organization")):
        name = params.get(key)
        if isinstance(name, Mapping):
            name = name.get(params["lang"])
        if name:
            found[role] = {"@id": f"#{role}", "@type": kind, "name": str(name)}
    return found


def _file(of: tuple[str, str]) -> dict[str, Any]:
    name, digest = of
    media = _MEDIA.get(PurePosixPath(name).suffix, "application/octet-stream")
    return {"@id": name, "@type": "File", "name": name, "encodingFormat": media, "sha256": digest}


def _input(key: str, digest: str, place: str, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return an input: the file that the run keeps of it, else what tells whether one has the same."""
    kept = kept_name(key, place)
    if kept is not None and outputs.get(kept) == digest:
        return {"@id": kept, "@type": "File"}
    return {
        "@id": f"#input-{key.replace('/', '-')}",
        "@type": "CreativeWork",
        "name": f"Input {key}, not included",
        "sha256": digest,
    }


def _software(manifest: Mapping[str, Any]) -> dict[str, Any]:
    git = manifest["git"]
    commit = f" (commit {git['commit']}{', with changes' if git['dirty'] else ''})" if git else ""
    return {
        "@id": "#xmresearch", "@type": "SoftwareApplication", "name": "xmresearch", "softwareVersion": f"{manifest['versions'].get('xmresearch', '')}{commit}",
        "identifier": f"sha256:{manifest['code']}", "softwareRequirements": [f"Python {manifest['python']}", *(f"{k} {v}" for k, v in manifest["versions"].items())],
    }  # fmt: skip


def _refer(names: list[str]) -> list[dict[str, str]] | dict[str, str]:
    """Refer to entities; a single one stands alone, as RO-Crate asks."""
    found = [{"@id": name} for name in names]
    return found if len(found) != 1 else found[0]

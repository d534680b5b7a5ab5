"""Writes the published JSON Schemas into a folder: `python scripts/write-schema.py docs/schema`."""

import json
import sys
from pathlib import Path

from holystone.adapters.registries.implementations import IMPLEMENTATIONS
from holystone.engine.report.document import document_schema, plan_schema
from holystone.policies.retention_data.schema import retention_schema
from holystone.ui.log_schema import log_schema


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    schemas = {
        "document": document_schema(),
        "log": log_schema(),
        "plan": plan_schema(),
        "retention": retention_schema(IMPLEMENTATIONS),
    }
    for name, schema in schemas.items():
        (folder / f"{name}.schema.json").write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

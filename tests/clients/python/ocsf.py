"""Checks OCSF Detection Findings, one a line on standard input, against the published schema of OCSF 1.8.0.

An attribute that the class or an object does not have is a mistake, so the check is strict.
"""

import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
schema = schemas.get_class_schema(class_name=schemas.lookup_class_name_from_uid(class_uid=2004), profiles=[])
validator = jsonschema.Draft202012Validator(schema)
count = 0
for line in sys.stdin:
    errors = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(json.loads(line))]
    if errors:
        sys.exit("\n".join(errors))
    count += 1
print(f"{count} findings of class 2004 are valid")

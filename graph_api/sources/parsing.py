"""What has been read of a YAML or JSON text: where something stands in it."""

Keys = tuple[str | int, ...]
"""Keys and indexes from the root of a document or an object, such as `("spec", "dependsOn", 0)`."""

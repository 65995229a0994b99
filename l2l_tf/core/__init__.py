"""What stands below all rooms: configuration, registries, texts; nothing here knows a rule."""

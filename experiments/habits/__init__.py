"""What users do: sizes of nets, lengths that are not kept, and other habits."""

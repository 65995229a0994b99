"""Stand-in for rules_proto: Bazel's own native rules, so that nothing is downloaded."""

proto_lang_toolchain = native.proto_lang_toolchain
proto_library = native.proto_library

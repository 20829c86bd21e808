#!/usr/bin/env bash
# The main job with its defaults: detector, responder, embedded Redis and SQLite on this host, policies in audit.
cd "$(dirname "$0")/.." || exit 1
exec node cli/riposte.js run "$@"

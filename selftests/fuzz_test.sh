#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Run each libFuzzer target, the same way every time: with what corpus/ has for it, and RUNS inputs
# made of that. What made one fail is left in build/selftests.
#
#   fuzz_test.sh [RUNS]
set -u
# shellcheck source=selftests/shell.sh
source "$(dirname "$(realpath "$0")")/shell.sh"
runs=${1:-200000}
output=$selftests/../build/selftests

# The target puts what it finds into the first corpus.
queue() {
	mkdir found
	"$output/fuzz_queue" -runs="$runs" -seed=1 -max_len=1024 -timeout=60 -verbosity=0 \
		-artifact_prefix="$output/fuzz_queue-" found "$selftests/corpus/queue" 2>log && return
	sed 's/^/# /' log
	return 1
}

run_tests queue

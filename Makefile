# The two commands of the README are `make run` and `make test`.

.PHONY: run test bench fmt docs help

run: ## install what is missing, build, start the server on ./data
	@scripts/install.sh build
	@cargo build --quiet --profile quick -p crosspoint-server
	@exec target/quick/crosspoint serve

test: ## install what is missing, build, run every test
	@scripts/install.sh build test
	@scripts/test.sh

bench: ## our server beside Kamailio and rtpengine, in one run (about five minutes, quiet machine)
	@scripts/install.sh build bench
	@cargo build --quiet --release -p crosspoint-server
	@cargo bench --quiet -p crosspoint-benches
	@benches/compare/bench.sh

docs: ## write the generated documents again (docs/CONFIG.md, docs/openapi.json)
	@UPDATE_DOCS=1 cargo test --quiet --profile quick -p crosspoint-config config_page_is_up_to_date
	@cargo run --quiet --profile quick -p crosspoint-server -- openapi > docs/openapi.json

fmt: ## format the code
	@cargo fmt --all

help: ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 12

# A thin front of `python -m course`, which also serves where there is no make (Windows: py -m course ...).
# Every target makes .venv and installs what it needs first. Another Python: make PYTHON=python3.12 ...

PYTHON ?= python3
COURSE := $(PYTHON) -m course
SEEDS ?= 100
GRADING = $(if $(MODULES),--modules "$(MODULES)") $(if $(SECRET),--secret "$(SECRET)") $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help setup test demo next hint reveal progress watch doctor submission train notebooks read release release-reference skeleton chaffs flake bench lint class similarity gradescope grade grade-all

help:
	@echo "For learners:"
	@echo "  make next                 what to do now                (MODULE=4 for one module)"
	@echo "  make test-module-N        judge your work on module N   (TASK=0.1 for one task, V=1 for all failures)"
	@echo "  make hint TASK=0.1        the next hint for a task"
	@echo "  make watch MODULE=N       judge again on every save"
	@echo "  make progress             the whole map"
	@echo "  make train MODULE=N       train on your own code        (ARGS='--epochs 2')"
	@echo "  make notebooks            the walkthroughs, in Jupyter Lab"
	@echo "  make read MODULE=N        the places in PyTorch to read"
	@echo "  make doctor               what is missing on this machine"
	@echo "  make submission           a zip of what you have written, to hand in"
ifeq ($(wildcard EDITION),)
	@echo "With the reference:"
	@echo "  make demo                 what the finished course does"
	@echo "  make test                 what CI runs: judges the reference and the tooling, not your work"
	@echo "  make reveal TASK=0.1      the reference of one task, after its last hint"
	@echo "  make test-module-N REFERENCE=0,1.1-1.3     those modules and tasks taken from the reference"
	@echo "For maintainers and instructors:"
	@echo "  make release OUT=dir      the learner's edition, or one more release of it"
	@echo "  make release-reference MODULES=0-2 [OUT=dir or file.zip]     references to hand out"
	@echo "  make skeleton, chaffs [MODULE=N], flake MODULE=N SEEDS=100, bench, lint"
	@echo "  make grade SUBMISSION=dir|zip [MODULES=0-5]               one submission, in a sandbox"
	@echo "  make grade-all DIR=submissions OUT=grades.csv             all of a class; goes on where it was stopped"
	@echo "  make class OUT=dir, similarity DIR=submissions OUT=report, gradescope MODULE=N"
else
	@echo "  make test                 judges all modules that you have begun"
	@echo "  make demo                 trains the networks that what you have built is enough for"
	@echo "Where references were handed out:"
	@echo "  make reveal TASK=0.1      the reference of one task, after its last hint"
	@echo "  make test-module-N REFERENCE=0,1.1-1.3     those modules and tasks taken from the reference"
endif

setup:
	@$(COURSE) setup $(ARGS)

test:
	@$(COURSE) check

test-module-%:
	@$(COURSE) test $* $(if $(CODE),--code "$(CODE)") $(if $(REFERENCE),--reference $(REFERENCE)) $(if $(TASK),--task $(TASK)) $(if $(JSON),--json "$(JSON)") $(if $(V),-v)

demo progress doctor notebooks bench:
	@$(COURSE) $@

next:
	@$(COURSE) next $(MODULE)

hint reveal:
	@$(if $(TASK),$(COURSE) $@ $(TASK) $(ARGS),echo "Which task? make $@ TASK=0.1"; exit 2)

watch train read flake:
	@$(if $(MODULE),$(COURSE) $@ $(MODULE) $(if $(filter flake,$@),--seeds $(SEEDS)) $(ARGS),echo "Which module? make $@ MODULE=0"; exit 2)

class:
	@$(if $(OUT),$(COURSE) class "$(OUT)",echo "Where to? make class OUT=dir"; exit 2)

similarity:
	@$(if $(and $(DIR),$(OUT)),$(COURSE) similarity "$(DIR)" "$(OUT)" $(if $(MODULE),--module $(MODULE)) $(ARGS),echo "Of what, and where to? make similarity DIR=submissions OUT=report"; exit 2)

gradescope:
	@$(if $(MODULE),$(COURSE) gradescope $(MODULE) $(if $(OUT),--out "$(OUT)") $(if $(SECRET),--secret "$(SECRET)") $(ARGS),echo "Which module? make gradescope MODULE=0"; exit 2)

submission:
	@$(COURSE) submission $(if $(OUT),"$(OUT)")

release:
	@$(if $(OUT),$(COURSE) release "$(OUT)" $(ARGS),echo "Where to? make release OUT=dir"; exit 2)

release-reference:
	@$(if $(MODULES),$(COURSE) release-reference "$(MODULES)" $(if $(OUT),"$(OUT)"),echo "Which modules? make release-reference MODULES=0-2"; exit 2)

skeleton:
	@$(COURSE) skeleton $(ARGS)

chaffs:
	@$(COURSE) chaffs $(MODULE)

grade:
	@$(if $(SUBMISSION),$(COURSE) grade "$(SUBMISSION)" $(GRADING),echo "Which one? make grade SUBMISSION=dir"; exit 2)

grade-all:
	@$(if $(and $(DIR),$(OUT)),$(COURSE) grade-all "$(DIR)" --out "$(OUT)" $(GRADING),echo "Which ones? make grade-all DIR=submissions OUT=grades.csv"; exit 2)

lint:
	@$(COURSE) lint

#!/usr/bin/env bats
# lab_self.bats - the lab is what it says it is

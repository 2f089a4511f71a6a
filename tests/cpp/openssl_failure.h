// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string_view>

namespace tessera::token_tests {

/// How often each OpenSSL function was called since the last call of this: all that the linker leads through here (see
/// CMakeLists.txt), also those that were not called.
std::map<std::string_view, int> take_call_counts();

/// Lets the `count`th call of `function` from now on fail as it does without memory: an error in OpenSSL's queue and
/// its own kind of failed result. From one thread at a time.
void fail_call(std::string_view function, int count);

/// Ends that; true when the call came and failed.
bool stop_failing();

}  // namespace tessera::token_tests

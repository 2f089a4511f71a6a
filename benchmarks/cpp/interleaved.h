// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

namespace tessera::benchmark {

/// CPU time of this thread in microseconds: what other programs take meanwhile does not count.
inline double cpu_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

/// Microseconds per call of `body`, over `calls` calls.
template <typename Body>
double microseconds(int calls, Body& body) {
  const double start = cpu_microseconds();
  for (int i = 0; i < calls; ++i) body();
  return (cpu_microseconds() - start) / calls;
}

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Runs ours and the base in turns, so that a machine that drifts slows both, and prints one line. The ratio is the
/// median of the rounds' ratios: base time / our time, above 1 is faster than the base.
template <typename Ours, typename Base>
double compare(const char* name, int rounds, int calls, Ours ours, Base base) {
  std::vector<double> ratios, our_times, base_times;
  microseconds(calls, ours);
  microseconds(calls, base);
  for (int round = 0; round < rounds; ++round) {
    const bool ours_first = round % 2 == 0;
    const double first = ours_first ? microseconds(calls, ours) : microseconds(calls, base);
    const double second = ours_first ? microseconds(calls, base) : microseconds(calls, ours);
    our_times.push_back(ours_first ? first : second);
    base_times.push_back(ours_first ? second : first);
    ratios.push_back(base_times.back() / our_times.back());
  }
  std::printf("%s: %.3fx (base %.3f us, ours %.3f us, %d rounds)\n", name, median(ratios), median(base_times),
              median(our_times), rounds);
  return median(ratios);
}

/// Ends the program when something that has to work does not: a broken benchmark measures nothing.
inline void require(bool works) {
  if (works) return;
  std::fputs("the benchmark is broken\n", stderr);
  std::exit(1);
}

}  // namespace tessera::benchmark

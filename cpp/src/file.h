// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tessera/result.h"

namespace tessera::internal {

/// An open file descriptor.
class File {
 public:
  explicit File(int descriptor) noexcept : descriptor_(descriptor) {}
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  static Result<File> open_to_read(const std::string& path);
  /// A new file in the directory of `path`, mode 0600; `name` receives its path.
  static Result<File> create_beside(const std::string& path, std::string& name);

  [[nodiscard]] Result<std::uint64_t> size() const;
  Result<void> write(std::span<const std::uint8_t> bytes) const;
  /// Fills all of `bytes`; snapshot_malformed if the file ends before.
  Result<void> read(std::span<std::uint8_t> bytes) const;
  Result<void> sync() const;

 private:
  int descriptor_;
};

/// Renames and makes the renaming last.
Result<void> replace_file(const std::string& from, const std::string& to);

}  // namespace tessera::internal

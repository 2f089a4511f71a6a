// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace tessera::internal {

namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<File> File::open_to_read(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Error::io_failed;
  return File(descriptor);
}

Result<File> File::create_beside(const std::string& path, std::string& name) {
  name = path + ".XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);  // mode 0600
  if (descriptor < 0) return Error::io_failed;
  return File(descriptor);
}

Result<std::uint64_t> File::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return Error::io_failed;
  return static_cast<std::uint64_t>(status.st_size);
}

Result<void> File::write(std::span<const std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Error::io_failed;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> File::read(std::span<std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = ::read(descriptor_, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::io_failed;
    if (got == 0) return Error::snapshot_malformed;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<void> File::sync() const {
  if (::fsync(descriptor_) != 0) return Error::io_failed;
  return {};
}

Result<void> replace_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return Error::io_failed;
  const int directory = ::open(directory_of(to).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return Error::io_failed;
  return File(directory).sync();
}

}  // namespace tessera::internal

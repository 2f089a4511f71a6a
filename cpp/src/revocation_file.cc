// SPDX-License-Identifier: Apache-2.0
#include "revocation_file.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "checksum_stream.h"

namespace tessera::internal {

namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {'T', 'S', 'R', 'A', 'R', 'E', 'V', 'O'};
constexpr std::uint32_t kVersion = 1;

template <bool kCutoffs>
constexpr std::size_t kEntryBytes = kCutoffs ? 24 : 16;

template <bool kCutoffs, typename Shards>
void write_blocks(ChecksumWriter& writer, const Shards& shards, const QuietStep& quietly) {
  std::vector<RevocationEntry> block;
  for (std::size_t shard = 0; shard < Shards::kCount; ++shard) {
    block.clear();
    quietly([&] { shards.for_each(shard, [&](const RevocationEntry& entry) { block.push_back(entry); }); });
    if (block.empty()) continue;
    writer.number(static_cast<std::uint32_t>(block.size()));
    for (const RevocationEntry& entry : block) {
      writer.number(entry.id.first);
      writer.number(entry.id.second);
      writer.number(entry.expires_at);
      if (kCutoffs) writer.number(static_cast<std::uint64_t>(entry.cutoff_ms));
    }
  }
  writer.number(std::uint32_t{0});
}

Result<void> write_all(const File& file, const RevocationState& state, const QuietStep& quietly) {
  ChecksumWriter writer(file);
  writer.bytes(kMagic);
  writer.number(kVersion);
  writer.number(std::uint32_t{0});
  writer.bytes(state.secret);
  write_blocks<false>(writer, state.ids, quietly);
  write_blocks<true>(writer, state.cutoffs, quietly);
  if (const auto written = writer.finish(); !written) return written;
  return file.sync();
}

/// A null pointer: not a file of ours, or the reader failed.
std::unique_ptr<RevocationState> read_header(ChecksumReader& reader) {
  std::array<std::uint8_t, kMagic.size()> magic;
  RevocationState::Secret secret;
  reader.bytes(magic);
  const auto version = reader.number<std::uint32_t>();
  const auto zero = reader.number<std::uint32_t>();
  reader.bytes(secret);
  if (!reader.ok() || magic != kMagic || version != kVersion || zero != 0) return nullptr;
  return std::make_unique<RevocationState>(secret);
}

template <bool kCutoffs>
RevocationEntry read_entry(ChecksumReader& reader) {
  const auto first = reader.number<std::uint64_t>();
  const auto second = reader.number<std::uint32_t>();
  const auto expires_at = reader.number<std::uint32_t>();
  const auto cutoff_ms = kCutoffs ? static_cast<std::int64_t>(reader.number<std::uint64_t>()) : 0;
  return {Fingerprint(first, second), expires_at, cutoff_ms};
}

/// The number of entries; nothing when the blocks are malformed. What they say of their size is believed only as far as
/// the file goes.
template <bool kCutoffs, typename Shards>
std::optional<std::size_t> read_blocks(ChecksumReader& reader, Shards& shards) {
  Retired retired;
  std::size_t entries = 0;
  while (const auto count = reader.number<std::uint32_t>()) {
    if (count > reader.left() / kEntryBytes<kCutoffs>) return std::nullopt;
    for (std::uint32_t i = 0; i < count; ++i) {
      const RevocationEntry entry = read_entry<kCutoffs>(reader);
      if (entry.id.first == 0) return std::nullopt;
      if (i == 0) shards.reserve(entry.id, count);
      if (shards.put(entry, retired)) ++entries;
    }
  }
  if (!reader.ok()) return std::nullopt;
  return entries;
}

}  // namespace

Result<void> save_revocations(const std::string& path, const RevocationState& state, const QuietStep& quietly) {
  std::string name;
  const auto file = File::create_beside(path, name);
  if (!file) return file.error();
  Result<void> done = write_all(*file, state, quietly);
  if (done.ok()) done = replace_file(name, path);
  if (!done.ok()) ::unlink(name.c_str());
  return done;
}

Result<LoadedRevocations> load_revocations(const std::string& path) {
  const auto file = File::open_to_read(path);
  if (!file) return file.error();
  const auto size = file->size();
  if (!size) return size.error();
  ChecksumReader reader(*file, *size);
  auto state = read_header(reader);
  if (state == nullptr) return reader.failure();
  const auto ids = read_blocks<false>(reader, state->ids);
  const auto cutoffs = ids ? read_blocks<true>(reader, state->cutoffs) : std::nullopt;
  if (!cutoffs) return reader.failure();
  if (const auto whole = reader.finish(); !whole) return whole.error();
  return LoadedRevocations{std::move(state), *ids + *cutoffs};
}

}  // namespace tessera::internal

// SPDX-License-Identifier: Apache-2.0
#include "revocation_file.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "state_fixture.h"
#include "tessera/revocation_set.h"

namespace tessera {
namespace {

using testing::kNow;
using testing::read_file;
using testing::TemporaryDirectory;
using testing::write_file;

void fill_a_little(RevocationSet& set) {
  set.revoke_jti("jti-1", kNow + 1);
  set.revoke_jti("jti-2", kNow + 2);
  set.revoke_session("session-1", kNow + 3);
  set.cut_off("tenant-a", "alice", 5000, kNow + 4);
  set.cut_off("tenant-a", "bob", -1, kNow + 5);
}

class RevocationFileTest : public ::testing::Test {
 protected:
  RevocationFileTest() {
    fill_a_little(saved);
    EXPECT_TRUE(saved.save(path).ok());
  }
  void expect_refused(const std::string& bytes, const std::string& what) {
    write_file(path, bytes);
    const auto loaded = other.load(path);
    ASSERT_FALSE(loaded.ok()) << what;
    EXPECT_EQ(Error::snapshot_malformed, loaded.error()) << what;
  }

  TemporaryDirectory directory;
  const std::string path = directory.file("revocations");
  RevocationSet saved;
  RevocationSet other;
};

TEST_F(RevocationFileTest, LoadBringsBackWhatWasSaved) {
  ASSERT_TRUE(other.load(path).ok());
  EXPECT_EQ(5U, other.size());
  EXPECT_TRUE(other.is_jti_revoked("jti-1"));
  EXPECT_TRUE(other.is_jti_revoked("jti-2"));
  EXPECT_FALSE(other.is_jti_revoked("session-1"));
  EXPECT_TRUE(other.is_session_revoked("session-1"));
  EXPECT_TRUE(other.is_cut_off("tenant-a", "alice", 5000));
  EXPECT_FALSE(other.is_cut_off("tenant-a", "alice", 5001));
  EXPECT_TRUE(other.is_cut_off("tenant-a", "bob", -1));
  EXPECT_FALSE(other.is_cut_off("tenant-a", "bob", 0));
}

TEST_F(RevocationFileTest, LoadBringsBackTheExpiries) {
  ASSERT_TRUE(other.load(path).ok());
  for (std::int64_t i = 1; i <= 5; ++i) EXPECT_EQ(1U, other.purge(kNow + i)) << i;
  EXPECT_EQ(0U, other.size());
}

TEST_F(RevocationFileTest, LoadReplacesTheContentAndAGrownSetGoesOn) {
  other.revoke_jti("former", kNow + 100);
  ASSERT_TRUE(other.load(path).ok());
  EXPECT_FALSE(other.is_jti_revoked("former"));
  for (int i = 0; i < 10'000; ++i) other.revoke_jti(std::to_string(i), kNow + 100);
  EXPECT_EQ(10'005U, other.size());
  EXPECT_TRUE(other.is_jti_revoked("jti-1"));
  EXPECT_TRUE(other.is_jti_revoked("9999"));
  ASSERT_TRUE(other.save(path).ok());
  ASSERT_TRUE(saved.load(path).ok());
  EXPECT_EQ(10'005U, saved.size());
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(saved.is_jti_revoked(std::to_string(i)));
}

TEST_F(RevocationFileTest, AnEmptySetIsSavedToo) {
  ASSERT_TRUE(other.save(path).ok());
  ASSERT_TRUE(saved.load(path).ok());
  EXPECT_EQ(0U, saved.size());
  EXPECT_FALSE(saved.is_jti_revoked("jti-1"));
}

TEST_F(RevocationFileTest, IsRefusedWhereverItIsCutOff) {
  const std::string whole = read_file(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_refused(whole.substr(0, size), "cut off at " + std::to_string(size));
  }
}

TEST_F(RevocationFileTest, IsRefusedWithAnyBitFlipped) {
  const std::string whole = read_file(path);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](std::size_t at, int byte) {
    file.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(byte)).flush();
  };
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    put(bit / 8, whole[bit / 8] ^ (1 << (bit % 8)));
    const auto loaded = other.load(path);
    ASSERT_FALSE(loaded.ok()) << bit;
    ASSERT_EQ(Error::snapshot_malformed, loaded.error()) << bit;
    put(bit / 8, whole[bit / 8]);
  }
  EXPECT_TRUE(other.load(path).ok()) << "all bits are back";
}

TEST_F(RevocationFileTest, IsRefusedWithAnythingBehindIt) {
  const std::string whole = read_file(path);
  expect_refused(whole + '\0', "one byte more");
  expect_refused(whole + whole, "twice");
}

TEST_F(RevocationFileTest, RandomBytesAreRefused) {
  std::mt19937 random(3);
  for (std::size_t size : {0U, 1U, 31U, 32U, 33U, 64U, 104U, 1000U, 70'000U}) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    expect_refused(bytes, std::to_string(size) + " random bytes");
  }
}

/// Puts the right checksum behind bytes that were tampered with.
std::string sealed(std::string bytes) {
  unsigned length = 0;
  std::array<unsigned char, 32> sum;
  EXPECT_EQ(1, EVP_Digest(bytes.data(), bytes.size(), sum.data(), &length, EVP_sha256(), nullptr));
  return bytes.append(sum.begin(), sum.end());
}

constexpr std::size_t kHeaderBytes = 8 + 4 + 4 + 48;

TEST_F(RevocationFileTest, OtherVersionsAndMadeUpCountsAreRefusedEvenWithARightChecksum) {
  const std::string whole = read_file(path);
  const std::string body = whole.substr(0, whole.size() - 32);
  ASSERT_EQ(whole, sealed(body));
  std::string version = body;
  version[8] = 2;
  expect_refused(sealed(version), "version 2");
  std::string magic = body;
  magic[0] = 'X';
  expect_refused(sealed(magic), "another magic");
  std::string count = body;
  count.replace(kHeaderBytes, 4, "\xff\xff\xff\xff");
  expect_refused(sealed(count), "4 billion ids");
  std::string no_id = body;
  no_id.replace(kHeaderBytes + 4, 8, std::string(8, '\0'));
  expect_refused(sealed(no_id), "an entry of no id");
  expect_refused(sealed(body.substr(0, kHeaderBytes)), "no blocks");
  expect_refused(sealed(body + '\0'), "a byte too many");
}

TEST_F(RevocationFileTest, ARefusedFileChangesNothing) {
  other.revoke_jti("kept", kNow + 1);
  const std::string whole = read_file(path);
  expect_refused(whole.substr(0, whole.size() - 1), "cut off");
  EXPECT_TRUE(other.is_jti_revoked("kept"));
  EXPECT_FALSE(other.is_jti_revoked("jti-1"));
  EXPECT_EQ(1U, other.size());
}

TEST_F(RevocationFileTest, AMissingFileIsAnErrorOfReading) {
  EXPECT_EQ(Error::io_failed, other.load(directory.file("missing")).error());
  EXPECT_EQ(Error::io_failed, other.load(directory.path().string()).error());
  EXPECT_EQ(Error::io_failed, other.load("").error());
}

TEST_F(RevocationFileTest, AnUnwritablePlaceIsAnErrorAndLeavesNothingBehind) {
  EXPECT_EQ(Error::io_failed, saved.save(directory.file("missing/revocations")).error());
  std::filesystem::create_directory(directory.file("taken"));
  write_file(directory.file("taken/file"), "x");
  EXPECT_EQ(Error::io_failed, saved.save(directory.file("taken")).error());
  const auto files = std::filesystem::directory_iterator(directory.path());
  EXPECT_EQ(2, std::distance(begin(files), end(files))) << "the saved file and the directory";
}

/// While it lives, no file of this process grows beyond so many bytes, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : former_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(0, ::getrlimit(RLIMIT_FSIZE, &former_));
    const rlimit limit{bytes, former_.rlim_max};
    EXPECT_EQ(0, ::setrlimit(RLIMIT_FSIZE, &limit));
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    EXPECT_EQ(0, ::setrlimit(RLIMIT_FSIZE, &former_));
    (void)std::signal(SIGXFSZ, former_handler_);
  }

 private:
  void (*former_handler_)(int);
  rlimit former_{};
};

TEST_F(RevocationFileTest, AFullDiskLeavesTheFormerFile) {
  const std::string former = read_file(path);
  for (int i = 0; i < 10'000; ++i) saved.revoke_jti(std::to_string(i), kNow);
  for (const rlim_t bytes : {0UL, 1UL, 65'536UL, 100'000UL}) {
    const FullDisk full(bytes);
    const auto result = saved.save(path);
    ASSERT_FALSE(result.ok()) << bytes;
    EXPECT_EQ(Error::io_failed, result.error());
  }
  EXPECT_EQ(former, read_file(path));
  const auto files = std::filesystem::directory_iterator(directory.path());
  EXPECT_EQ(1, std::distance(begin(files), end(files)));
  ASSERT_TRUE(saved.save(path).ok());
  EXPECT_NE(former, read_file(path));
}

TEST_F(RevocationFileTest, OnlyThisUserMayReadTheFile) {
  struct stat status {};
  ASSERT_EQ(0, ::stat(path.c_str(), &status));
  EXPECT_EQ(0600U, status.st_mode & 0777U);
  ASSERT_EQ(0, ::chmod(path.c_str(), 0644));
  ASSERT_TRUE(saved.save(path).ok());
  ASSERT_EQ(0, ::stat(path.c_str(), &status));
  EXPECT_EQ(0600U, status.st_mode & 0777U);
}

TEST_F(RevocationFileTest, HoldsNoId) {
  const std::string bytes = read_file(path);
  for (const char* id : {"jti-1", "session-1", "tenant-a", "alice"}) {
    EXPECT_EQ(std::string::npos, bytes.find(id)) << id;
  }
}

TEST_F(RevocationFileTest, ABlockOfManyEntriesIsReadWhole) {
  for (int i = 0; i < 100'000; ++i) saved.revoke_session(std::to_string(i), kNow + 1 + i);
  for (int i = 0; i < 3'000; ++i) saved.cut_off("tenant-a", std::to_string(i), i, kNow + 1'000'000);
  ASSERT_TRUE(saved.save(path).ok());
  ASSERT_TRUE(other.load(path).ok());
  EXPECT_EQ(saved.size(), other.size());
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(other.is_session_revoked(std::to_string(i)));
  for (int i = 0; i < 3'000; ++i) ASSERT_TRUE(other.is_cut_off("tenant-a", std::to_string(i), i));
}

}  // namespace
}  // namespace tessera

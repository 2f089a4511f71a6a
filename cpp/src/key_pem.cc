// SPDX-License-Identifier: Apache-2.0
#include "key_pem.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <cstddef>
#include <utility>

namespace tessera::internal {
namespace {

constexpr std::size_t kMaxPemBytes = 64 * 1024;
constexpr std::size_t kMaxPasswordBytes = 1024;
// PBKDF2 rounds of PEMs that we write; about 60 ms.
constexpr int kRounds = 200'000;

// The content of a PEM block; cleansed, for it may be a private key.
struct PemBlock {
  PemBlock() = default;
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;
  PemBlock(PemBlock&& other) noexcept
      : label(std::move(other.label)), der(std::exchange(other.der, nullptr)), size(std::exchange(other.size, 0)) {}
  PemBlock& operator=(PemBlock&&) = delete;
  ~PemBlock() { OPENSSL_clear_free(der, static_cast<std::size_t>(size)); }

  std::string label;
  unsigned char* der = nullptr;
  long size = 0;
};

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// OpenSSL skips what stands before and behind a block; a key file with something there is refused.
bool is_one_block(std::string_view pem) noexcept {
  const std::string_view text = trim(pem);
  const std::size_t end = text.find("-----END ");
  return text.starts_with("-----BEGIN ") && text.find("-----BEGIN ", 1) == std::string_view::npos &&
         end != std::string_view::npos && text.find('\n', end) == std::string_view::npos && text.ends_with("-----") &&
         text.find('\0') == std::string_view::npos;
}

Result<PemBlock> read_block(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return Error::limit_exceeded;
  if (!is_one_block(pem)) return Error::key_malformed;
  const std::string_view text = trim(pem);
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) return openssl_failure(Error::crypto_failed);
  PemBlock block;
  char* label = nullptr;
  char* header = nullptr;
  if (PEM_read_bio(bio.get(), &label, &header, &block.der, &block.size) != 1)
    return openssl_failure(Error::key_malformed);
  block.label = label;
  // "Proc-Type: 4,ENCRYPTED" and the like: a key derivation of one MD5 round.
  const bool has_headers = *header != '\0';
  OPENSSL_free(label);
  OPENSSL_free(header);
  if (has_headers) return Error::key_type_not_allowed;
  return block;
}

// Runs one of OpenSSL's d2i functions over the whole block; what it leaves over makes the block malformed.
template <typename Ptr, typename Read>
Result<Ptr> read_der(const PemBlock& block, Read read) {
  const unsigned char* at = block.der;
  Ptr object(read(&at, block.size));
  if (!object) return openssl_failure(Error::key_malformed);
  if (at != block.der + block.size) return Error::key_malformed;
  return object;
}

Result<PkeyPtr> from_pkcs8(const PKCS8_PRIV_KEY_INFO* info) {
  PkeyPtr pkey(EVP_PKCS82PKEY(info));
  if (!pkey) return openssl_failure(Error::key_malformed);
  return pkey;
}

Result<PkeyPtr> read_pkcs8(const PemBlock& block) {
  const Result<Pkcs8Ptr> info = read_der<Pkcs8Ptr>(
      block, [](const unsigned char** at, long size) { return d2i_PKCS8_PRIV_KEY_INFO(nullptr, at, size); });
  if (!info) return info.error();
  return from_pkcs8(info->get());
}

Result<PkeyPtr> read_encrypted_pkcs8(const PemBlock& block, std::string_view password) {
  if (password.empty()) return Error::key_password_wrong;
  const Result<X509SigPtr> sealed =
      read_der<X509SigPtr>(block, [](const unsigned char** at, long size) { return d2i_X509_SIG(nullptr, at, size); });
  if (!sealed) return sealed.error();
  const Pkcs8Ptr info(PKCS8_decrypt(sealed->get(), password.data(), static_cast<int>(password.size())));
  if (!info) return openssl_failure(Error::key_password_wrong);
  return from_pkcs8(info.get());
}

Result<X509SigPtr> encrypt(const EVP_PKEY* pkey, std::string_view password) {
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(pkey));
  if (!info) return openssl_failure(Error::crypto_failed);
  // -1 chooses PBES2 with PBKDF2 and HMAC-SHA-256 (RFC 8018), a fresh salt and IV.
  X509SigPtr sealed(PKCS8_encrypt(-1, EVP_aes_256_cbc(), password.data(), static_cast<int>(password.size()), nullptr, 0,
                                  kRounds, info.get()));
  if (!sealed) return openssl_failure(Error::crypto_failed);
  return sealed;
}

Result<void> write_block(BIO* bio, const EVP_PKEY* pkey, std::string_view password) {
  if (password.empty()) {
    const Pkcs8Ptr info(EVP_PKEY2PKCS8(pkey));
    if (!info || PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info.get()) != 1) return openssl_failure(Error::crypto_failed);
    return {};
  }
  const Result<X509SigPtr> sealed = encrypt(pkey, password);
  if (!sealed) return sealed.error();
  if (PEM_write_bio_PKCS8(bio, sealed->get()) != 1) return openssl_failure(Error::crypto_failed);
  return {};
}

}  // namespace

Result<PkeyPtr> read_public_pem(std::string_view pem) {
  const Result<PemBlock> block = read_block(pem);
  if (!block) return block.error();
  if (block->label == "PUBLIC KEY") {
    return read_der<PkeyPtr>(*block, [](const unsigned char** at, long size) { return d2i_PUBKEY(nullptr, at, size); });
  }
  if (block->label == "RSA PUBLIC KEY") {
    return read_der<PkeyPtr>(
        *block, [](const unsigned char** at, long size) { return d2i_PublicKey(EVP_PKEY_RSA, nullptr, at, size); });
  }
  return Error::key_type_not_allowed;
}

Result<PkeyPtr> read_private_pem(std::string_view pem, std::string_view password) {
  if (password.size() > kMaxPasswordBytes) return Error::limit_exceeded;
  const Result<PemBlock> block = read_block(pem);
  if (!block) return block.error();
  if (block->label == "PRIVATE KEY") return read_pkcs8(*block);
  if (block->label == "ENCRYPTED PRIVATE KEY") return read_encrypted_pkcs8(*block, password);
  if (block->label == "RSA PRIVATE KEY") {
    return read_der<PkeyPtr>(
        *block, [](const unsigned char** at, long size) { return d2i_PrivateKey(EVP_PKEY_RSA, nullptr, at, size); });
  }
  return Error::key_type_not_allowed;
}

Result<std::string> write_private_pem(const EVP_PKEY* pkey, std::string_view password) {
  if (password.size() > kMaxPasswordBytes) return Error::limit_exceeded;
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!bio) return openssl_failure(Error::crypto_failed);
  if (const Result<void> written = write_block(bio.get(), pkey, password); !written) return written.error();
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  if (size <= 0) return openssl_failure(Error::crypto_failed);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace tessera::internal

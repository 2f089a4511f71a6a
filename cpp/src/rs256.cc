// SPDX-License-Identifier: Apache-2.0
#include "rs256.h"

#include <openssl/rsa.h>

#include <algorithm>
#include <cstddef>

namespace tessera::internal {
namespace {

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// SHA-256 fetched once and its context, of one thread.
class Hasher {
 public:
  Result<void> hash(std::string_view input, Sha256Digest& digest) {
    if (!make()) return openssl_failure(Error::crypto_failed);
    // A null type starts again with the digest of the context, without looking it up.
    if (EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) != 1 ||
        EVP_DigestUpdate(context_.get(), input.data(), input.size()) != 1 ||
        EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) {
      context_.reset();
      return openssl_failure(Error::crypto_failed);
    }
    return {};
  }
  [[nodiscard]] const EVP_MD* digest() const noexcept { return digest_.get(); }

 private:
  bool make() {
    if (context_) return true;
    if (!digest_) digest_.reset(EVP_MD_fetch(nullptr, "SHA256", nullptr));
    MdCtxPtr context(EVP_MD_CTX_new());
    if (!digest_ || !context || EVP_DigestInit_ex2(context.get(), digest_.get(), nullptr) != 1) return false;
    context_ = std::move(context);
    return true;
  }
  MdPtr digest_;
  MdCtxPtr context_;
};

// The contexts of one key on one thread. Each holds its own reference to the OpenSSL key.
struct Slot {
  std::uint64_t key_number = 0;
  std::uint64_t last_used = 0;
  std::weak_ptr<const KeyMaterial> key;
  PkeyCtxPtr verify;
  PkeyCtxPtr sign;
};

class ThreadContexts {
 public:
  Slot& slot_of(const KeyHandle& key) {
    forget_dropped_keys();
    Slot* oldest = &slots_[0];
    for (Slot& slot : slots_) {
      if (slot.key_number == key->number) return touch(slot);
      if (slot.last_used < oldest->last_used) oldest = &slot;
    }
    *oldest = Slot{};
    oldest->key_number = key->number;
    oldest->key = key;
    return touch(*oldest);
  }
  static void drop(Slot& slot) { slot = Slot{}; }
  Hasher& hasher() noexcept { return hasher_; }
  [[nodiscard]] std::size_t count() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.verify || slot.sign; }));
  }

 private:
  Slot& touch(Slot& slot) noexcept {
    slot.last_used = ++tick_;
    return slot;
  }
  void forget_dropped_keys() {
    const std::uint64_t now = dropped_keys();
    if (now == seen_dropped_) return;
    seen_dropped_ = now;
    for (Slot& slot : slots_) {
      if (slot.key_number != 0 && slot.key.expired()) drop(slot);
    }
  }

  Hasher hasher_;
  std::array<Slot, kMaxRs256Contexts> slots_;
  std::uint64_t tick_ = 0;
  std::uint64_t seen_dropped_ = 0;
};

thread_local ThreadContexts contexts;

using Init = int (*)(EVP_PKEY_CTX*);

PkeyCtxPtr make_context(EVP_PKEY* pkey, const EVP_MD* digest, Init init) {
  PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
  if (!context || init(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), digest) != 1) {
    return nullptr;
  }
  return context;
}

Error drop_and_fail(Slot& slot) {
  ThreadContexts::drop(slot);
  return openssl_failure(Error::crypto_failed);
}

}  // namespace

Result<void> sha256(std::string_view input, Sha256Digest& digest) { return contexts.hasher().hash(input, digest); }

Result<void> rs256_verify(const KeyHandle& key, std::string_view input, std::string_view signature) {
  if (signature.size() != key->signature_bytes) return Error::signature_invalid;
  Sha256Digest digest;
  if (const Result<void> hashed = sha256(input, digest); !hashed) return hashed.error();
  Slot& slot = contexts.slot_of(key);
  if (!slot.verify) slot.verify = make_context(key->pkey.get(), contexts.hasher().digest(), EVP_PKEY_verify_init);
  if (!slot.verify) return drop_and_fail(slot);
  const int verdict =
      EVP_PKEY_verify(slot.verify.get(), bytes_of(signature), signature.size(), digest.data(), digest.size());
  if (verdict == 1) return {};
  const Error cause = openssl_failure(verdict == 0 ? Error::signature_invalid : Error::crypto_failed);
  if (cause == Error::crypto_failed) ThreadContexts::drop(slot);
  return cause;
}

Result<std::string> rs256_sign(const KeyHandle& key, std::string_view input) {
  Sha256Digest digest;
  if (const Result<void> hashed = sha256(input, digest); !hashed) return hashed.error();
  Slot& slot = contexts.slot_of(key);
  if (!slot.sign) slot.sign = make_context(key->pkey.get(), contexts.hasher().digest(), EVP_PKEY_sign_init);
  if (!slot.sign) return drop_and_fail(slot);
  std::string signature(key->signature_bytes, '\0');
  std::size_t size = signature.size();
  const int signed_ok = EVP_PKEY_sign(slot.sign.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                      digest.data(), digest.size());
  if (signed_ok != 1 || size != signature.size()) return drop_and_fail(slot);
  return signature;
}

std::size_t rs256_contexts_of_this_thread() noexcept { return contexts.count(); }

}  // namespace tessera::internal

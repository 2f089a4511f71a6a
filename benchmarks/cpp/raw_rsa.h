// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>
#include <string>
#include <string_view>

#include "interleaved.h"
#include "openssl.h"

namespace tessera::benchmark {

/// The base: OpenSSL's RSA operation alone on one context that persists, as `openssl speed rsa2048` does it.
class RawRsa {
 public:
  RawRsa(EVP_PKEY* pkey, std::string_view signed_input)
      : verify_(make(pkey, EVP_PKEY_verify_init)), sign_(make(pkey, EVP_PKEY_sign_init)) {
    require(EVP_Digest(signed_input.data(), signed_input.size(), digest_.data(), nullptr, EVP_sha256(), nullptr) == 1);
    signature_.resize(static_cast<std::size_t>(EVP_PKEY_get_size(pkey)));
    sign();
  }
  void sign() {
    std::size_t size = signature_.size();
    require(EVP_PKEY_sign(sign_.get(), bytes(), &size, digest_.data(), digest_.size()) == 1);
  }
  void verify() {
    require(EVP_PKEY_verify(verify_.get(), bytes(), signature_.size(), digest_.data(), digest_.size()) == 1);
  }

 private:
  static internal::PkeyCtxPtr make(EVP_PKEY* pkey, int (*init)(EVP_PKEY_CTX*)) {
    internal::PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
    require(init(context.get()) == 1 && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
            EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1);
    return context;
  }
  unsigned char* bytes() { return reinterpret_cast<unsigned char*>(signature_.data()); }

  internal::PkeyCtxPtr verify_;
  internal::PkeyCtxPtr sign_;
  std::array<unsigned char, 32> digest_{};
  std::string signature_;
};

}  // namespace tessera::benchmark

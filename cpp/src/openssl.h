// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include <memory>

#include "tessera/error.h"

namespace tessera::internal {

/// Frees with one OpenSSL function; holds no state.
template <auto kFree>
struct OpensslDelete {
  template <typename T>
  void operator()(T* pointer) const noexcept {
    kFree(pointer);
  }
};
template <typename T, auto kFree>
using OpensslPtr = std::unique_ptr<T, OpensslDelete<kFree>>;

using BignumPtr = OpensslPtr<BIGNUM, BN_clear_free>;
using BignumCtxPtr = OpensslPtr<BN_CTX, BN_CTX_free>;
using BioPtr = OpensslPtr<BIO, BIO_free_all>;
using MdPtr = OpensslPtr<EVP_MD, EVP_MD_free>;
using MdCtxPtr = OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;
using PkeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using PkeyCtxPtr = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using ParamBuilderPtr = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParamsPtr = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;
using Pkcs8Ptr = OpensslPtr<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using X509SigPtr = OpensslPtr<X509_SIG, X509_SIG_free>;

/// Empties this thread's OpenSSL error queue after a failed call. Answers `otherwise`, unless the queue tells of a
/// fault of the machine (no memory, internal error): then crypto_failed.
[[nodiscard]] Error openssl_failure(Error otherwise) noexcept;

}  // namespace tessera::internal

// SPDX-License-Identifier: Apache-2.0
#include "openssl_failure.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <string>

namespace tessera::token_tests {
namespace {

std::string armed_function;
int calls_left = 0;
bool has_failed = false;

std::map<std::string_view, int>& counts() {
  static std::map<std::string_view, int> calls;
  return calls;
}

bool fails_now(std::string_view function) {
  ++counts()[function];
  if (function != armed_function || --calls_left != 0) return false;
  ERR_raise(ERR_LIB_CRYPTO, ERR_R_MALLOC_FAILURE);
  has_failed = true;
  return true;
}

struct Registration {
  explicit Registration(std::string_view function) { counts()[function] = 0; }
};

}  // namespace

std::map<std::string_view, int> take_call_counts() {
  const std::map<std::string_view, int> taken = counts();
  for (auto& [function, count] : counts()) count = 0;
  return taken;
}

void fail_call(std::string_view function, int count) {
  armed_function = function;
  calls_left = count;
  has_failed = false;
}

bool stop_failing() {
  armed_function.clear();
  return has_failed;
}

}  // namespace tessera::token_tests

// `parameters` and `arguments` with their parentheses; the linker's names are reserved ones by its own rule.
#define TESSERA_WRAP(type, name, failure, parameters, arguments)                       \
  extern "C" type __real_##name parameters;                                            \
  extern "C" type __wrap_##name parameters {                                           \
    return tessera::token_tests::fails_now(#name) ? failure : __real_##name arguments; \
  }                                                                                    \
  static const tessera::token_tests::Registration registration_of_##name(#name);

TESSERA_WRAP(long, BIO_ctrl, 0, (BIO * bio, int command, long size, void* out), (bio, command, size, out))
TESSERA_WRAP(BIO*, BIO_new, nullptr, (const BIO_METHOD* method), (method))
TESSERA_WRAP(BIO*, BIO_new_mem_buf, nullptr, (const void* data, int size), (data, size))
TESSERA_WRAP(BN_CTX*, BN_CTX_secure_new, nullptr, (), ())
TESSERA_WRAP(BIGNUM*, BN_bin2bn, nullptr, (const unsigned char* in, int size, BIGNUM* out), (in, size, out))
TESSERA_WRAP(int, BN_bn2bin, -1, (const BIGNUM* in, unsigned char* out), (in, out))
TESSERA_WRAP(int, BN_mul, 0, (BIGNUM * r, const BIGNUM* a, const BIGNUM* b, BN_CTX* c), (r, a, b, c))
TESSERA_WRAP(BIGNUM*, BN_secure_new, nullptr, (), ())
TESSERA_WRAP(int, EVP_DigestFinal_ex, 0, (EVP_MD_CTX * c, unsigned char* out, unsigned int* size), (c, out, size))
TESSERA_WRAP(int, EVP_DigestInit_ex2, 0, (EVP_MD_CTX * c, const EVP_MD* md, const OSSL_PARAM* p), (c, md, p))
TESSERA_WRAP(int, EVP_DigestUpdate, 0, (EVP_MD_CTX * c, const void* in, std::size_t size), (c, in, size))
TESSERA_WRAP(EVP_MAC_CTX*, EVP_MAC_CTX_dup, nullptr, (const EVP_MAC_CTX* c), (c))
TESSERA_WRAP(EVP_MAC_CTX*, EVP_MAC_CTX_new, nullptr, (EVP_MAC * mac), (mac))
TESSERA_WRAP(EVP_MAC*, EVP_MAC_fetch, nullptr, (OSSL_LIB_CTX * l, const char* n, const char* p), (l, n, p))
TESSERA_WRAP(int, EVP_MAC_final, 0, (EVP_MAC_CTX * c, unsigned char* out, std::size_t* n, std::size_t max),
             (c, out, n, max))
TESSERA_WRAP(int, EVP_MAC_init, 0, (EVP_MAC_CTX * c, const unsigned char* k, std::size_t n, const OSSL_PARAM* p),
             (c, k, n, p))
TESSERA_WRAP(int, EVP_MAC_update, 0, (EVP_MAC_CTX * c, const unsigned char* in, std::size_t n), (c, in, n))
TESSERA_WRAP(EVP_MD_CTX*, EVP_MD_CTX_new, nullptr, (), ())
TESSERA_WRAP(EVP_MD*, EVP_MD_fetch, nullptr, (OSSL_LIB_CTX * l, const char* n, const char* p), (l, n, p))
TESSERA_WRAP(EVP_PKEY*, EVP_PKCS82PKEY, nullptr, (const PKCS8_PRIV_KEY_INFO* info), (info))
TESSERA_WRAP(PKCS8_PRIV_KEY_INFO*, EVP_PKEY2PKCS8, nullptr, (const EVP_PKEY* k), (k))
TESSERA_WRAP(EVP_PKEY_CTX*, EVP_PKEY_CTX_new_from_name, nullptr, (OSSL_LIB_CTX * l, const char* n, const char* p),
             (l, n, p))
TESSERA_WRAP(EVP_PKEY_CTX*, EVP_PKEY_CTX_new_from_pkey, nullptr, (OSSL_LIB_CTX * l, EVP_PKEY* k, const char* p),
             (l, k, p))
TESSERA_WRAP(int, EVP_PKEY_CTX_set_rsa_keygen_bits, 0, (EVP_PKEY_CTX * c, int bits), (c, bits))
TESSERA_WRAP(int, EVP_PKEY_CTX_set_rsa_padding, 0, (EVP_PKEY_CTX * c, int padding), (c, padding))
TESSERA_WRAP(int, EVP_PKEY_CTX_set_signature_md, 0, (EVP_PKEY_CTX * c, const EVP_MD* md), (c, md))
TESSERA_WRAP(int, EVP_PKEY_check, 0, (EVP_PKEY_CTX * c), (c))
TESSERA_WRAP(int, EVP_PKEY_fromdata, 0, (EVP_PKEY_CTX * c, EVP_PKEY** k, int s, OSSL_PARAM* p), (c, k, s, p))
TESSERA_WRAP(int, EVP_PKEY_fromdata_init, 0, (EVP_PKEY_CTX * c), (c))
TESSERA_WRAP(int, EVP_PKEY_generate, 0, (EVP_PKEY_CTX * c, EVP_PKEY** k), (c, k))
TESSERA_WRAP(int, EVP_PKEY_get_bn_param, 0, (const EVP_PKEY* k, const char* n, BIGNUM** out), (k, n, out))
TESSERA_WRAP(int, EVP_PKEY_is_a, 0, (const EVP_PKEY* k, const char* n), (k, n))
TESSERA_WRAP(int, EVP_PKEY_keygen_init, 0, (EVP_PKEY_CTX * c), (c))
TESSERA_WRAP(int, EVP_PKEY_public_check, 0, (EVP_PKEY_CTX * c), (c))
TESSERA_WRAP(int, EVP_PKEY_sign, 0,
             (EVP_PKEY_CTX * c, unsigned char* s, std::size_t* n, const unsigned char* d, std::size_t size),
             (c, s, n, d, size))
TESSERA_WRAP(int, EVP_PKEY_sign_init, 0, (EVP_PKEY_CTX * c), (c))
TESSERA_WRAP(int, EVP_PKEY_verify, 0,
             (EVP_PKEY_CTX * c, const unsigned char* s, std::size_t n, const unsigned char* d, std::size_t size),
             (c, s, n, d, size))
TESSERA_WRAP(int, EVP_PKEY_verify_init, 0, (EVP_PKEY_CTX * c), (c))
TESSERA_WRAP(OSSL_PARAM_BLD*, OSSL_PARAM_BLD_new, nullptr, (), ())
TESSERA_WRAP(int, OSSL_PARAM_BLD_push_BN, 0, (OSSL_PARAM_BLD * b, const char* n, const BIGNUM* v), (b, n, v))
TESSERA_WRAP(OSSL_PARAM*, OSSL_PARAM_BLD_to_param, nullptr, (OSSL_PARAM_BLD * b), (b))
TESSERA_WRAP(int, PEM_read_bio, 0, (BIO * b, char** n, char** h, unsigned char** d, long* size), (b, n, h, d, size))
TESSERA_WRAP(int, PEM_write_bio_PKCS8, 0, (BIO * b, const X509_SIG* s), (b, s))
TESSERA_WRAP(int, PEM_write_bio_PKCS8_PRIV_KEY_INFO, 0, (BIO * b, const PKCS8_PRIV_KEY_INFO* i), (b, i))
TESSERA_WRAP(int, PEM_write_bio_PUBKEY, 0, (BIO * b, const EVP_PKEY* k), (b, k))
TESSERA_WRAP(PKCS8_PRIV_KEY_INFO*, PKCS8_decrypt, nullptr, (const X509_SIG* s, const char* p, int n), (s, p, n))
TESSERA_WRAP(X509_SIG*, PKCS8_encrypt, nullptr,
             (int nid, const EVP_CIPHER* c, const char* p, int n, unsigned char* salt, int size, int iter,
              PKCS8_PRIV_KEY_INFO* i),
             (nid, c, p, n, salt, size, iter, i))
TESSERA_WRAP(int, RAND_bytes, 0, (unsigned char* out, int size), (out, size))
TESSERA_WRAP(PKCS8_PRIV_KEY_INFO*, d2i_PKCS8_PRIV_KEY_INFO, nullptr,
             (PKCS8_PRIV_KEY_INFO * *out, const unsigned char** in, long size), (out, in, size))
TESSERA_WRAP(EVP_PKEY*, d2i_PUBKEY, nullptr, (EVP_PKEY * *out, const unsigned char** in, long size), (out, in, size))
TESSERA_WRAP(EVP_PKEY*, d2i_PrivateKey, nullptr, (int type, EVP_PKEY** out, const unsigned char** in, long size),
             (type, out, in, size))
TESSERA_WRAP(EVP_PKEY*, d2i_PublicKey, nullptr, (int type, EVP_PKEY** out, const unsigned char** in, long size),
             (type, out, in, size))
TESSERA_WRAP(X509_SIG*, d2i_X509_SIG, nullptr, (X509_SIG * *out, const unsigned char** in, long size), (out, in, size))

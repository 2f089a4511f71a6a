// SPDX-License-Identifier: Apache-2.0
#include "tessera/key.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <string>

#include "key_material.h"
#include "openssl.h"
#include "token_fixture.h"

namespace tessera {
namespace {

using token_tests::cause_of;
using token_tests::key_of_3072_bits;
using token_tests::key_of_4096_bits;
using token_tests::other_key;
using token_tests::test_key;

std::string drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string public_pem_of(EVP_PKEY* pkey) {
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PUBKEY(bio.get(), pkey);
  return drain(bio.get());
}

std::string private_pem_of(EVP_PKEY* pkey) {
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), pkey, nullptr, nullptr, 0, nullptr, nullptr);
  return drain(bio.get());
}

// An RSA key as OpenSSL makes it, with none of our limits.
internal::PkeyPtr make_rsa(const char* type, unsigned bits, unsigned long exponent, unsigned primes = 2) {
  const internal::PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  const internal::BignumPtr e(BN_new());
  EVP_PKEY* pkey = nullptr;
  BN_set_word(e.get(), exponent);
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits));
  EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), e.get());
  EVP_PKEY_CTX_set_rsa_keygen_primes(context.get(), static_cast<int>(primes));
  EXPECT_EQ(EVP_PKEY_generate(context.get(), &pkey), 1);
  return internal::PkeyPtr(pkey);
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(PrivateKey, is_generated_in_three_sizes) {
  const Result<PrivateKey> key = PrivateKey::generate(2048);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key->bits(), 2048);
  EXPECT_EQ(key->key_id(), key->public_key().thumbprint());
  EXPECT_EQ(key->key_id().size(), 43U);
  for (const int bits : {0, -1, 512, 1024, 2047, 2049, 2560, 4095, 4097, 8192}) {
    EXPECT_EQ(cause_of(PrivateKey::generate(bits)), "key_size_not_allowed") << bits;
  }
}

TEST(PrivateKey, takes_a_key_id_of_1_to_128_printable_characters) {
  const std::string pem = *test_key().to_pem();
  EXPECT_EQ(PrivateKey::from_pem(pem, {}, "k")->key_id(), "k");
  EXPECT_EQ(PrivateKey::from_pem(pem, {}, std::string(128, '~'))->key_id(), std::string(128, '~'));
  for (const std::string& key_id : {std::string(129, 'k'), std::string("a\nb"), std::string("a\0b", 3),
                                    std::string("\x7f"), std::string("\xc3\xa9")}) {
    EXPECT_EQ(cause_of(PrivateKey::from_pem(pem, {}, key_id)), "key_id_invalid") << key_id;
    EXPECT_EQ(cause_of(PrivateKey::generate(2048, key_id)), "key_id_invalid") << key_id;
    EXPECT_EQ(cause_of(PublicKey::from_pem(test_key().public_key().to_pem(), key_id)), "key_id_invalid") << key_id;
  }
}

TEST(PrivateKey, comes_back_from_its_pem) {
  const std::string pem = *test_key().to_pem();
  EXPECT_TRUE(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const Result<PrivateKey> key = PrivateKey::from_pem(pem);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key->public_key().thumbprint(), test_key().public_key().thumbprint());
  EXPECT_EQ(*key->to_pem(), pem);
}

TEST(PrivateKey, comes_back_from_its_encrypted_pem_with_the_password_only) {
  const std::string pem = *test_key().to_pem("correct horse");
  EXPECT_TRUE(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
  EXPECT_EQ(PrivateKey::from_pem(pem, "correct horse")->public_key().thumbprint(),
            test_key().public_key().thumbprint());
  for (const std::string_view password : {std::string_view(), std::string_view("Correct horse"),
                                          std::string_view("correct horse "), std::string_view("correct hors")}) {
    EXPECT_EQ(cause_of(PrivateKey::from_pem(pem, password)), "key_password_wrong") << password;
  }
  EXPECT_NE(*test_key().to_pem("correct horse"), pem) << "a fresh salt each time";
}

TEST(PrivateKey, takes_passwords_of_any_bytes_up_to_1_kib) {
  const std::string password("\0\xff\n", 3);
  EXPECT_EQ(cause_of(PrivateKey::from_pem(*test_key().to_pem(password), password)), "ok");
  EXPECT_EQ(cause_of(test_key().to_pem(std::string(1025, 'p'))), "limit_exceeded");
  EXPECT_EQ(cause_of(PrivateKey::from_pem(*test_key().to_pem(), std::string(1025, 'p'))), "limit_exceeded");
}

TEST(PrivateKey, is_read_from_pkcs_1) {
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  ASSERT_EQ(PEM_write_bio_PrivateKey_traditional(bio.get(), test_key().material()->pkey.get(), nullptr, nullptr, 0,
                                                 nullptr, nullptr),
            1);
  const std::string pem = drain(bio.get());
  ASSERT_TRUE(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
  EXPECT_EQ(PrivateKey::from_pem(pem)->public_key().thumbprint(), test_key().public_key().thumbprint());
}

TEST(PrivateKey, never_asks_a_terminal_for_the_password_of_a_legacy_pem) {
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  const unsigned char password[] = "old";
  ASSERT_EQ(PEM_write_bio_PrivateKey_traditional(bio.get(), test_key().material()->pkey.get(), EVP_aes_128_cbc(),
                                                 password, 3, nullptr, nullptr),
            1);
  EXPECT_EQ(cause_of(PrivateKey::from_pem(drain(bio.get()))), "key_type_not_allowed");
  EXPECT_EQ(cause_of(PrivateKey::from_pem(drain(bio.get()), "old")), "key_type_not_allowed");
}

TEST(PrivateKey, is_exactly_one_pem_block) {
  const std::string pem = *test_key().to_pem();
  EXPECT_EQ(cause_of(PrivateKey::from_pem("\n\r\n " + pem + " \n\n")), "ok");
  EXPECT_EQ(cause_of(PrivateKey::from_pem(replaced(pem, "\n", "\r\n"))), "ok");
  const std::string body = pem.substr(0, pem.size() - 1);
  for (const std::string& text :
       {std::string(), std::string(" "), std::string("alice"), pem + pem, "note\n" + pem, pem + "note\n", pem.substr(1),
        pem.substr(0, pem.size() / 2), replaced(pem, "-----END PRIVATE KEY-----", ""),
        replaced(pem, "END PRIVATE", "END PUBLIC"), std::string("\0", 1) + pem, pem + std::string("\0", 1),
        replaced(pem, "MII", "M!I"), replaced(pem, "MII", "AAA"),
        std::string("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"),
        body + "-----BEGIN PRIVATE KEY-----"}) {
    EXPECT_EQ(cause_of(PrivateKey::from_pem(text)), "key_malformed") << text.substr(0, 60);
  }
  EXPECT_EQ(cause_of(PrivateKey::from_pem(pem + std::string(64 * 1024, '\n'))), "limit_exceeded");
}

TEST(PrivateKey, refuses_what_is_no_private_rsa_key) {
  EXPECT_EQ(cause_of(PrivateKey::from_pem(test_key().public_key().to_pem())), "key_type_not_allowed");
  const internal::PkeyPtr ec(EVP_EC_gen("P-256"));
  EXPECT_EQ(cause_of(PrivateKey::from_pem(private_pem_of(ec.get()))), "key_type_not_allowed");
  const internal::PkeyPtr pss = make_rsa("RSA-PSS", 2048, 65537);
  EXPECT_EQ(cause_of(PrivateKey::from_pem(private_pem_of(pss.get()))), "key_type_not_allowed");
}

TEST(PrivateKey, of_three_primes_is_refused) {
  const internal::PkeyPtr three = make_rsa("RSA", 2048, 65537, 3);
  EXPECT_EQ(cause_of(PrivateKey::from_pem(private_pem_of(three.get()))), "key_malformed");
}

TEST(PublicKey, has_a_modulus_of_2048_to_4096_bits) {
  EXPECT_EQ(key_of_3072_bits().bits(), 3072);
  EXPECT_EQ(key_of_4096_bits().bits(), 4096);
  const internal::PkeyPtr small = make_rsa("RSA", 2047, 65537);
  EXPECT_EQ(cause_of(PublicKey::from_pem(public_pem_of(small.get()))), "key_size_not_allowed");
  EXPECT_EQ(cause_of(PrivateKey::from_pem(private_pem_of(small.get()))), "key_size_not_allowed");
}

TEST(PublicKey, has_an_exponent_of_at_least_65537) {
  const internal::PkeyPtr three = make_rsa("RSA", 2048, 3);
  EXPECT_EQ(cause_of(PublicKey::from_pem(public_pem_of(three.get()))), "key_exponent_not_allowed");
  EXPECT_EQ(cause_of(PrivateKey::from_pem(private_pem_of(three.get()))), "key_exponent_not_allowed");
}

TEST(PublicKey, comes_back_from_its_pem) {
  const PublicKey key = test_key().public_key();
  const Result<PublicKey> again = PublicKey::from_pem(key.to_pem());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->thumbprint(), key.thumbprint());
  EXPECT_EQ(again->key_id(), key.thumbprint());
  EXPECT_EQ(again->to_pem(), key.to_pem());
}

TEST(PublicKey, is_read_from_pkcs_1) {
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  unsigned char* der = nullptr;
  const int size = i2d_PublicKey(test_key().material()->pkey.get(), &der);
  PEM_write_bio(bio.get(), "RSA PUBLIC KEY", "", der, size);
  OPENSSL_free(der);
  EXPECT_EQ(PublicKey::from_pem(drain(bio.get()))->thumbprint(), test_key().public_key().thumbprint());
}

TEST(PublicKey, refuses_private_keys_certificates_and_other_kinds) {
  EXPECT_EQ(cause_of(PublicKey::from_pem(*test_key().to_pem())), "key_type_not_allowed");
  EXPECT_EQ(cause_of(PublicKey::from_pem(*test_key().to_pem("password"))), "key_type_not_allowed");
  EXPECT_EQ(cause_of(PublicKey::from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
            "key_type_not_allowed");
  const internal::PkeyPtr ec(EVP_EC_gen("P-256"));
  EXPECT_EQ(cause_of(PublicKey::from_pem(public_pem_of(ec.get()))), "key_type_not_allowed");
  const internal::PkeyPtr pss = make_rsa("RSA-PSS", 2048, 65537);
  EXPECT_EQ(cause_of(PublicKey::from_pem(public_pem_of(pss.get()))), "key_type_not_allowed");
}

TEST(PublicKey, refuses_bytes_behind_the_key_in_its_block) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(test_key().material()->pkey.get(), &der);
  std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  bytes += '\0';
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio(bio.get(), "PUBLIC KEY", "", reinterpret_cast<const unsigned char*>(bytes.data()),
                static_cast<long>(bytes.size()));
  EXPECT_EQ(cause_of(PublicKey::from_pem(drain(bio.get()))), "key_malformed");
}

TEST(PublicKey, has_a_number_that_no_other_key_ever_gets) {
  const PublicKey key = test_key().public_key();
  const PublicKey copy = key;
  EXPECT_EQ(copy.number(), key.number());
  EXPECT_EQ(test_key().public_key().number(), key.number());
  const std::uint64_t first = PublicKey::from_pem(key.to_pem())->number();
  const std::uint64_t second = PublicKey::from_pem(key.to_pem())->number();
  EXPECT_LT(key.number(), first);
  EXPECT_LT(first, second);
}

}  // namespace
}  // namespace tessera

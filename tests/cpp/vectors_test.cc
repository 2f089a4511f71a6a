// SPDX-License-Identifier: Apache-2.0
// Third-party test vectors, read in place: found through TESSERA_VECTORS, else beside the repository.
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "json_document.h"
#include "key_material.h"
#include "rs256.h"
#include "tessera/keyset.h"
#include "tessera/signer.h"
#include "tessera/verifier.h"
#include "token_fixture.h"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using token_tests::cause_of;
using token_tests::JsonDocument;

fs::path folder() {
  const char* const given = std::getenv("TESSERA_VECTORS");
  return given != nullptr ? given : TESSERA_VECTORS_DIR;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Kept for the whole run, so that loops may walk through parts of it.
const JsonDocument& document(const fs::path& name) {
  static std::map<fs::path, JsonDocument> documents;
  const auto found = documents.find(name);
  if (found != documents.end()) return found->second;
  return documents.emplace(name, JsonDocument::parse(read_file(folder() / name))).first->second;
}

class Vectors : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(folder() / "README.md")) GTEST_SKIP() << "no test vectors: set TESSERA_VECTORS to their folder";
  }
};

// Only what the signature rules need, for keys that the policy of PublicKey refuses (e = 3).
internal::KeyHandle unjudged_key(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  auto material = std::make_shared<internal::KeyMaterial>();
  material->pkey.reset(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  material->signature_bytes = static_cast<std::size_t>(EVP_PKEY_get_size(material->pkey.get()));
  static std::uint64_t number = std::uint64_t{1} << 60;
  material->number = ++number;
  return material;
}

struct Count {
  int valid = 0;
  int invalid = 0;
  int acceptable = 0;
};

Count check_signatures(const std::string& name) {
  Count count;
  for (const JsonDocument& group : document("wycheproof/" + name)["testGroups"].elements) {
    const internal::KeyHandle key = unjudged_key(group["publicKeyDer"].hex_bytes());
    const bool is_small_exponent = group["publicKey"]["publicExponent"].string == "03";
    EXPECT_EQ(cause_of(PublicKey::from_pem(group["publicKeyPem"].string)),
              is_small_exponent ? "key_exponent_not_allowed" : "ok");
    for (const JsonDocument& test : group["tests"].elements) {
      const Result<void> verified = internal::rs256_verify(key, test["msg"].hex_bytes(), test["sig"].hex_bytes());
      const std::string& marked = test["result"].string;
      EXPECT_EQ(cause_of(verified), marked == "valid" ? "ok" : "signature_invalid")
          << name << ' ' << test["tcId"].text << test["comment"].string;
      ++(marked == "valid" ? count.valid : marked == "invalid" ? count.invalid : count.acceptable);
    }
  }
  return count;
}

TEST_F(Vectors, wycheproof_rsa_2048_signatures_are_judged_as_marked_and_acceptable_is_refused) {
  const Count count = check_signatures("rsa_signature_2048_sha256_test.json");
  EXPECT_EQ(count.valid, 9);
  EXPECT_EQ(count.invalid, 249);
  EXPECT_EQ(count.acceptable, 1);
}

TEST_F(Vectors, wycheproof_rsa_3072_signatures_are_judged_as_marked_and_acceptable_is_refused) {
  const Count count = check_signatures("rsa_signature_3072_sha256_test.json");
  EXPECT_EQ(count.valid, 8);
  EXPECT_EQ(count.invalid, 250);
  EXPECT_EQ(count.acceptable, 1);
}

TEST_F(Vectors, wycheproof_rsa_4096_signatures_are_judged_as_marked_and_acceptable_is_refused) {
  const Count count = check_signatures("rsa_signature_4096_sha256_test.json");
  EXPECT_EQ(count.valid, 7);
  EXPECT_EQ(count.invalid, 250);
  EXPECT_EQ(count.acceptable, 1);
}

TEST_F(Vectors, wycheproof_generated_signatures_come_out_byte_for_byte) {
  int signatures = 0;
  int refused_keys = 0;
  for (const JsonDocument& group : document("wycheproof/rsa_pkcs1_2048_sig_gen_test.json")["testGroups"].elements) {
    const Result<PrivateKey> key = PrivateKey::from_pem(group["privateKeyPem"].string);
    if (group["privateKey"]["publicExponent"].string == "03") {
      EXPECT_EQ(cause_of(key), "key_exponent_not_allowed");
      ++refused_keys;
      continue;
    }
    ASSERT_TRUE(key.ok()) << cause_of(key);
    if (group["sha"].string != "SHA-256") continue;
    for (const JsonDocument& test : group["tests"].elements) {
      EXPECT_EQ(*internal::rs256_sign(key->material(), test["msg"].hex_bytes()), test["sig"].hex_bytes())
          << test["tcId"].text;
      ++signatures;
    }
  }
  EXPECT_EQ(signatures, 8);
  EXPECT_EQ(refused_keys, 3);
}

// Keys and token of one group, as a verifier elsewhere would use them.
std::string jws_verdict(const JsonDocument& key_document, const std::string& jws) {
  const bool is_set = key_document.has("keys");
  const std::string set = is_set ? key_document.text : R"({"keys":[)" + key_document.text + "]}";
  const Result<std::vector<PublicKey>> keys = KeySet::parse_jwks(set);
  if (!keys) return cause_of(keys);
  if (keys->size() != 1) return "no usable key";
  return cause_of(Verifier::verify_jws(jws, keys->front()));
}

TEST_F(Vectors, wycheproof_json_web_keys_leave_only_the_plain_rs256_key_usable) {
  std::set<std::string> accepted;
  int tests = 0;
  for (const JsonDocument& group : document("wycheproof/json_web_key_test.json")["testGroups"].elements) {
    const JsonDocument& keys = group.has("public") ? group["public"] : group["private"];
    for (const JsonDocument& test : group["tests"].elements) {
      if (jws_verdict(keys, test["jws"].string) == "ok") accepted.insert(test["tcId"].text);
      ++tests;
    }
  }
  EXPECT_EQ(tests, 26);
  EXPECT_EQ(accepted, std::set<std::string>{"5"});
}

TEST_F(Vectors, wycheproof_private_web_keys_are_never_taken_as_public_ones) {
  for (const JsonDocument& group : document("wycheproof/json_web_key_test.json")["testGroups"].elements) {
    const JsonDocument& keys = group["private"];
    for (const JsonDocument& key : keys.has("keys") ? keys["keys"].elements : std::vector{keys}) {
      EXPECT_FALSE(PublicKey::from_jwk(key.text).ok()) << group["comment"].string;
    }
  }
}

TEST_F(Vectors, a_key_of_the_roca_generator_is_refused) {
  for (const JsonDocument& group : document("wycheproof/json_web_key_test.json")["testGroups"].elements) {
    if (group["comment"].string != "jws_rsa_roca_key") continue;
    EXPECT_EQ(cause_of(PublicKey::from_jwk(group["public"]["keys"].elements.at(0).text)), "key_malformed");
    return;
  }
  FAIL() << "no such key";
}

TEST_F(Vectors, the_cookbooks_rsa_signature_verifies_and_is_made_again) {
  const JsonDocument& example = document("cookbook/jws/4_1.rsa_v15_signature.json");
  const Result<PrivateKey> key = PrivateKey::from_jwk(example["input"]["key"].text);
  ASSERT_TRUE(key.ok()) << cause_of(key);
  EXPECT_EQ(key->key_id(), "bilbo.baggins@hobbiton.example");
  const std::string& compact = example["output"]["compact"].string;
  const Result<SignedPayload> read = Verifier::verify_jws(compact, key->public_key());
  ASSERT_TRUE(read.ok()) << cause_of(read);
  EXPECT_EQ(read->payload, example["input"]["payload"].string);
  EXPECT_EQ(*Signer::sign_jws(*key, read->header, read->payload), compact);
}

TEST_F(Vectors, everything_else_of_the_cookbook_is_refused) {
  const std::string rsa_key = document("cookbook/jwk/3_3.rsa_public_key.json").text;
  const Result<PublicKey> key = PublicKey::from_jwk(rsa_key);
  ASSERT_TRUE(key.ok()) << cause_of(key);
  int refused = 0;
  for (const char* const sub : {"jws", "jwe", "curve25519", "rfc7797"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder() / "cookbook" / sub)) {
      if (entry.path().extension() != ".json" || entry.path().filename().string().starts_with("4_1.")) continue;
      const JsonDocument example = JsonDocument::parse(read_file(entry.path()));
      for (const char* const form : {"compact", "json", "json_flat"}) {
        if (!example["output"].has(form)) continue;
        const JsonDocument& output = example["output"][form];
        const std::string token = output.string.empty() ? output.text : output.string;
        EXPECT_NE(cause_of(Verifier::verify_jws(token, *key)), "ok") << entry.path().filename() << ' ' << form;
        ++refused;
      }
    }
  }
  EXPECT_GE(refused, 40);
}

TEST_F(Vectors, only_rsa_keys_of_the_cookbook_are_taken) {
  std::map<std::string, std::string> causes;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder() / "cookbook/jwk")) {
    const std::string json = read_file(entry.path());
    causes[entry.path().filename().string().substr(0, 3)] =
        cause_of(PublicKey::from_jwk(json)) + '/' + cause_of(PrivateKey::from_jwk(json));
  }
  const std::map<std::string, std::string> expected = {{"3_1", "key_type_not_allowed/key_type_not_allowed"},
                                                       {"3_2", "key_type_not_allowed/key_type_not_allowed"},
                                                       {"3_3", "ok/key_malformed"},
                                                       {"3_4", "key_type_not_allowed/ok"},
                                                       {"3_5", "key_type_not_allowed/key_type_not_allowed"},
                                                       {"3_6", "key_type_not_allowed/key_type_not_allowed"}};
  EXPECT_EQ(causes, expected);
}

TEST_F(Vectors, the_json_test_suite_is_taken_and_refused_as_strict_json_is) {
  std::map<std::string, int> counts;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder() / "JSONTestSuite/test_parsing")) {
    const std::string name = entry.path().filename().string();
    const std::string cause = cause_of(check_json(read_file(entry.path()), {.max_bytes = std::size_t{4} << 20}));
    if (name.starts_with("y_object_duplicated_key")) {
      EXPECT_EQ(cause, "json_duplicate_member") << name;
      ++counts["duplicate"];
    } else if (name.starts_with("y_")) {
      EXPECT_EQ(cause, "ok") << name;
      ++counts["good"];
    } else if (name.starts_with("n_")) {
      EXPECT_NE(cause, "ok") << name;
      ++counts["bad"];
    } else {
      ++counts["either"];
    }
  }
  EXPECT_EQ(counts, (std::map<std::string, int>{{"good", 93}, {"duplicate", 2}, {"bad", 188}, {"either", 35}}));
}

}  // namespace
}  // namespace tessera

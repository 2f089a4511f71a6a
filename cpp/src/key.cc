// SPDX-License-Identifier: Apache-2.0
#include "tessera/key.h"

#include <openssl/rsa.h>

#include <utility>

#include "key_jwk.h"
#include "key_material.h"
#include "key_pem.h"

namespace tessera {
namespace {

using internal::JwkKey;
using internal::KeyHalf;
using internal::PkeyCtxPtr;
using internal::PkeyPtr;
using Material = std::shared_ptr<const internal::KeyMaterial>;

Result<Material> material_of(Result<PkeyPtr> pkey, KeyHalf half, std::string_view key_id) {
  if (!pkey) return pkey.error();
  return internal::make_key_material(std::move(*pkey), half, key_id);
}

Result<Material> material_of_jwk(std::string_view json, KeyHalf half, std::string_view key_id) {
  Result<JwkKey> jwk = internal::read_jwk(json, half);
  if (!jwk) return jwk.error();
  return internal::make_key_material(std::move(jwk->pkey), half, key_id.empty() ? jwk->key_id : key_id);
}

Result<PkeyPtr> generate_pkey(int bits) {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* pkey = nullptr;
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), bits) != 1 || EVP_PKEY_generate(context.get(), &pkey) != 1) {
    return internal::openssl_failure(Error::crypto_failed);
  }
  return PkeyPtr(pkey);
}

}  // namespace

Result<PublicKey> PublicKey::from_pem(std::string_view pem, std::string_view key_id) {
  Result<Material> material = material_of(internal::read_public_pem(pem), KeyHalf::public_only, key_id);
  if (!material) return material.error();
  return PublicKey(std::move(*material));
}

Result<PublicKey> PublicKey::from_jwk(std::string_view json, std::string_view key_id) {
  Result<Material> material = material_of_jwk(json, KeyHalf::public_only, key_id);
  if (!material) return material.error();
  return PublicKey(std::move(*material));
}

const std::string& PublicKey::key_id() const noexcept { return material_->key_id; }
int PublicKey::bits() const noexcept { return material_->bits; }
const std::string& PublicKey::thumbprint() const noexcept { return material_->thumbprint; }
std::string PublicKey::to_pem() const { return material_->public_pem; }
std::string PublicKey::to_jwk() const { return material_->public_jwk; }
std::uint64_t PublicKey::number() const noexcept { return material_->number; }

Result<PrivateKey> PrivateKey::generate(int bits, std::string_view key_id) {
  if (bits != 2048 && bits != 3072 && bits != 4096) return Error::key_size_not_allowed;
  if (!key_id.empty() && !internal::is_key_id(key_id)) return Error::key_id_invalid;
  Result<Material> material = material_of(generate_pkey(bits), KeyHalf::with_private, key_id);
  if (!material) return material.error();
  return PrivateKey(std::move(*material));
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem, std::string_view password, std::string_view key_id) {
  Result<Material> material = material_of(internal::read_private_pem(pem, password), KeyHalf::with_private, key_id);
  if (!material) return material.error();
  return PrivateKey(std::move(*material));
}

Result<PrivateKey> PrivateKey::from_jwk(std::string_view json, std::string_view key_id) {
  Result<Material> material = material_of_jwk(json, KeyHalf::with_private, key_id);
  if (!material) return material.error();
  return PrivateKey(std::move(*material));
}

const std::string& PrivateKey::key_id() const noexcept { return material_->key_id; }
int PrivateKey::bits() const noexcept { return material_->bits; }

Result<std::string> PrivateKey::to_pem(std::string_view password) const {
  return internal::write_private_pem(material_->pkey.get(), password);
}

}  // namespace tessera

// SPDX-License-Identifier: Apache-2.0
#include "define.h"
#include "tessera/key.h"

namespace tessera::bindings {

namespace {

using Shared = std::shared_ptr<PublicKey>;
using SharedPrivate = std::shared_ptr<PrivateKey>;

template <typename Key>
std::shared_ptr<Key> share(Result<Key>&& key) {
  return std::make_shared<Key>(unwrap(std::move(key)));
}

py::str key_repr(const char* name, const std::string& kid, int bits) {
  return py::str("<tessera.{} kid={!r} bits={}>").format(name, to_str(kid), bits);
}

void register_public_key(py::module_& module) {
  py::class_<PublicKey, Shared> key(module, "PublicKey", py::is_final(),
                                    "RSA public key for RS256: 2048..4096 bit, odd exponent >= 65537. `kid` is the RFC "
                                    "7638 thumbprint unless named\n(printable ASCII, 1..128 bytes). Immutable; may be "
                                    "shared between threads.");
  refuse_init(key, "from_pem and from_jwk");
  define_static(
      key, "from_pem(pem, *, kid=None)",
      "Reads a SubjectPublicKeyInfo or PKCS#1 PEM (bytes or str); private keys and certificates are refused.\n"
      "Raises InvalidKeyError.",
      [](const py::object& pem, const py::object& kid) {
        return share(PublicKey::from_pem(text_or_bytes(pem, "pem"), optional_text(kid, "kid")));
      },
      py::arg("pem"), py::kw_only(), py::arg("kid") = py::none());
  define_static(
      key, "from_jwk(jwk, *, kid=None)",
      "Reads one public JWK (RFC 7517; JSON as bytes or str). Its own kid counts unless one is given.\n"
      "Raises InvalidKeyError for private members, use other than sig, key_ops without verify, alg other than RS256.",
      [](const py::object& jwk, const py::object& kid) {
        return share(PublicKey::from_jwk(text_or_bytes(jwk, "jwk"), optional_text(kid, "kid")));
      },
      py::arg("jwk"), py::kw_only(), py::arg("kid") = py::none());
  key.def_property_readonly(
      "kid", [](const PublicKey& self) { return to_str(self.key_id()); }, "The key's id.");
  key.def_property_readonly("bits", &PublicKey::bits, "Size of the modulus in bits.");
  key.def_property_readonly(
      "thumbprint", [](const PublicKey& self) { return to_str(self.thumbprint()); },
      "RFC 7638 SHA-256 thumbprint, base64url, 43 characters.");
  define_method(key, "to_pem(self)", "SubjectPublicKeyInfo PEM.",
                [](const PublicKey& self) { return to_str(self.to_pem()); });
  define_method(key, "to_jwk(self)", "JWK as JSON text: kty, kid, use, alg, n, e and nothing else.",
                [](const PublicKey& self) { return to_str(self.to_jwk()); });
  key.def("__repr__", [](const PublicKey& self) { return key_repr("PublicKey", self.key_id(), self.bits()); });
}

void define_private_sources(py::class_<PrivateKey, SharedPrivate>& key) {
  define_static(
      key, "generate(*, bits=2048, kid=None)",
      "Makes a new key of 2048, 3072 or 4096 bits. Releases the GIL. Raises InvalidKeyError.",
      [](const py::object& bits, const py::object& kid) {
        const std::int64_t size = integer(bits, "bits");
        const std::string_view key_id = optional_text(kid, "kid");
        if (size < 0 || size > 65536) raise(Error::key_size_not_allowed);
        return share(without_gil([&] { return PrivateKey::generate(static_cast<int>(size), key_id); }));
      },
      py::kw_only(), py::arg("bits") = 2048, py::arg("kid") = py::none());
  define_static(
      key, "from_pem(pem, *, password=None, kid=None)",
      "Reads PKCS#8, encrypted PKCS#8 (with `password`) or PKCS#1 PEM. Releases the GIL. Raises InvalidKeyError.",
      [](const py::object& pem, const py::object& password, const py::object& kid) {
        const std::string_view key_text = text_or_bytes(pem, "pem");
        const std::string_view secret = optional_text_or_bytes(password, "password");
        const std::string_view key_id = optional_text(kid, "kid");
        return share(without_gil([&] { return PrivateKey::from_pem(key_text, secret, key_id); }));
      },
      py::arg("pem"), py::kw_only(), py::arg("password") = py::none(), py::arg("kid") = py::none());
  define_static(
      key, "from_jwk(jwk, *, kid=None)",
      "Reads a private JWK with n, e, d, p, q, dp, dq, qi (RFC 7518 section 6.3.2). Raises InvalidKeyError.",
      [](const py::object& jwk, const py::object& kid) {
        const std::string_view json = text_or_bytes(jwk, "jwk");
        const std::string_view key_id = optional_text(kid, "kid");
        return share(without_gil([&] { return PrivateKey::from_jwk(json, key_id); }));
      },
      py::arg("jwk"), py::kw_only(), py::arg("kid") = py::none());
}

void register_private_key(py::module_& module) {
  py::class_<PrivateKey, SharedPrivate> key(module, "PrivateKey", py::is_final(),
                                            "RSA private key for RS256: 2048..4096 bit. Immutable; may be shared "
                                            "between threads. Its repr shows the kid only;\nit cannot be pickled or "
                                            "copied.");
  refuse_init(key, "generate, from_pem and from_jwk");
  define_private_sources(key);
  key.def_property_readonly(
      "kid", [](const PrivateKey& self) { return to_str(self.key_id()); }, "The key's id.");
  key.def_property_readonly("bits", &PrivateKey::bits, "Size of the modulus in bits.");
  key.def_property_readonly(
      "public_key", [](const PrivateKey& self) { return std::make_shared<PublicKey>(self.public_key()); },
      "The public half, under the same kid.");
  define_method(
      key, "to_pem(self, *, password=None)",
      "PKCS#8 PEM; with a password encrypted (PBES2, PBKDF2-HMAC-SHA-256, AES-256-CBC). Releases the GIL.",
      [](const PrivateKey& self, const py::object& password) {
        const std::string_view secret = optional_text_or_bytes(password, "password");
        return to_str(unwrap(without_gil([&] { return self.to_pem(secret); })));
      },
      py::kw_only(), py::arg("password") = py::none());
  key.def("__repr__", [](const PrivateKey& self) { return key_repr("PrivateKey", self.key_id(), self.bits()); });
}

}  // namespace

void register_keys(py::module_& module) {
  register_public_key(module);
  register_private_key(module);
}

}  // namespace tessera::bindings

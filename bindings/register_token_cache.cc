// SPDX-License-Identifier: Apache-2.0
#include "define.h"
#include "tessera/token_cache.h"

namespace tessera::bindings {

void register_token_cache(py::module_& module) {
  py::class_<TokenCache, std::shared_ptr<TokenCache>> cache(
      module, "TokenCache", py::is_final(),
      "Verified tokens by their exact bytes, under a secret of this object; bounded in bytes, the oldest go first.\n"
      "Threads and verifiers (also of different policies) may share it: time, key and policy are checked on each hit.");
  define_init(
      cache, "__init__(self, *, max_bytes=67108864)", "`max_bytes`: memory that it may hold.",
      [](const py::object& max_bytes) {
        return std::make_shared<TokenCache>(static_cast<std::size_t>(integer_from(0, max_bytes, "max_bytes")));
      },
      py::kw_only(), py::arg("max_bytes") = 67108864);
  define_method(cache, "clear(self)", "Forgets every token.", [](TokenCache& self) { self.clear(); });
  cache.def_property_readonly("bytes_used", &TokenCache::bytes, "Memory held now, in bytes.");
  cache.def("__len__", &TokenCache::size);
}

}  // namespace tessera::bindings

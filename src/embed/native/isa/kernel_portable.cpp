#include "embed/native/isa/make_kernel.hpp"

namespace runed::embed::native {
namespace {

// Sixteen registers of four floats, as SSE2 and NEON have at least: six rows of two vectors, which
// leaves room for two of weights and two for products.
struct Portable {
  using Floats = float __attribute__((vector_size(16)));
  using Ints = int32_t __attribute__((vector_size(16)));
  static constexpr size_t kPlainVectors = 2;

  RUNED_ALWAYS_INLINE static Ints load_int8(const std::byte* from) {
    return load_uint8(from) << 24 >> 24;
  }
  RUNED_ALWAYS_INLINE static Ints load_uint8(const std::byte* from) {
    using Bytes = uint8_t __attribute__((vector_size(16)));
    const Bytes bytes = __builtin_bit_cast(Bytes, Ints{load<int32_t>(from)});
    return zip_with_zeros(__builtin_shufflevector(bytes, Bytes{}, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20,
                                                  5, 21, 6, 22, 7, 23));
  }
  RUNED_ALWAYS_INLINE static Ints load_uint16(const std::byte* from) {
    using Longs = int64_t __attribute__((vector_size(16)));
    return zip_with_zeros(Longs{load<int64_t>(from)});
  }

  RUNED_ALWAYS_INLINE static Ints load_quads(const std::byte* from) {
    return Vectors<Portable>::load_ints(from);
  }
  RUNED_ALWAYS_INLINE static Floats load_f16(const std::byte* from) {
    return Vectors<Portable>::f16_to_floats(load_uint16(from));
  }
  template <typename Bytes>
  RUNED_ALWAYS_INLINE static Bytes look_up(Bytes table, Bytes numbers) {
    // In memory: to take elements out of a vector and to put them in is five times as slow.
    int8_t values[sizeof(Bytes)];
    int8_t places[sizeof(Bytes)];
    __builtin_memcpy(values, &table, sizeof values);
    __builtin_memcpy(places, &numbers, sizeof places);
    for (int8_t& place : places) place = values[static_cast<size_t>(place)];
    return __builtin_bit_cast(Bytes, places);
  }

 private:
  // Widens the first four 16-bit numbers of a vector.
  template <typename Vector>
  RUNED_ALWAYS_INLINE static Ints zip_with_zeros(Vector vector) {
    using Shorts = uint16_t __attribute__((vector_size(16)));
    const Shorts shorts = __builtin_bit_cast(Shorts, vector);
    return __builtin_bit_cast(Ints,
                              __builtin_shufflevector(shorts, Shorts{}, 0, 8, 1, 9, 2, 10, 3, 11));
  }
};

}  // namespace

constinit const Kernel kPortableKernel = make_kernel<Portable>("portable");

}  // namespace runed::embed::native

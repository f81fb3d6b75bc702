#include "embed/native/gemm/packed_panels.hpp"

#include <vector>

#include "embed/native/gemm/matrix_product.hpp"

namespace runed::embed::native {
namespace {

// One matrix, or a gate with what it gates, whose panels hold both.
struct Packing {
  Matrix* matrix;
  MatrixProduct product;
  size_t panels;
};

// In the order of their use, so that what comes next is what lies next.
std::vector<Packing> list_packings(Weights& weights) {
  std::vector<Packing> packings;
  const auto add = [&](Matrix& matrix, const MatrixProduct& product) {
    packings.push_back({&matrix, product, panel_count(product)});
  };
  for (LayerWeights& layer : weights.layers) {
    for (Matrix* matrix : {&layer.query, &layer.key, &layer.value, &layer.output}) {
      add(*matrix, {.weights = matrix});
    }
    if (layer.gate.is_there()) {
      add(layer.gate, {.weights = &layer.gate, .up = &layer.up, .epilogue = Epilogue::swiglu});
    } else {
      add(layer.up, {.weights = &layer.up});
    }
    add(layer.down, {.weights = &layer.down});
  }
  return packings;
}

}  // namespace

PackedPanels::PackedPanels(Weights& weights, ThreadPool& pool, size_t most_bytes) {
  const std::vector<Packing> packings = list_packings(weights);
  size_t panels = 0;
  size_t floats = 0;
  for (const Packing& packing : packings) {
    panels += packing.panels;
    floats += packing.panels * panel_floats(*packing.matrix);
  }
  if (floats * sizeof(float) > most_bytes) return;
  float* const memory = memory_.lay_out([&](Arena& arena) { return arena.take(floats); }).data();

  std::vector<float*> places;
  float* next = memory;
  for (const Packing& packing : packings) {
    places.push_back(next);
    next += packing.panels * panel_floats(*packing.matrix);
  }
  pool.run(panels, [&](size_t unit, uint32_t /*thread*/) noexcept {
    size_t index = 0;
    while (unit >= packings[index].panels) unit -= packings[index++].panels;
    const Packing& packing = packings[index];
    pack_panel(packing.product, unit, places[index] + unit * panel_floats(*packing.matrix));
  });
  for (size_t index = 0; index < packings.size(); ++index) {
    packings[index].matrix->panels = places[index];
  }
}

}  // namespace runed::embed::native
